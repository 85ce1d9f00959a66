"""CK+ in its owners' layout: the three ways to count, peak frames, folds by subject, landmarks, broken files."""

from pathlib import Path

import numpy as np
import pytest

from serving.data.ckplus import sequences
from serving.data.faces import hold_back
from serving.data.load import load, recognised, splits
from serving.data.pictures import Choice
from serving.errors import DataError
from serving.labels import EIGHT, LABELS
from tests.unit.serving.serving_examples import drawn
from tests.unit.serving.tree_examples import ckplus

NEUTRAL = 6


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve subjects with three labelled sequences each: 36, of which five show contempt."""
    return ckplus(tmp_path_factory.mktemp("ck"), landmarks=True)


def test_the_three_ways_to_count(tree: Path) -> None:
    assert recognised(tree) == "ckplus"
    assert splits(tree) == ("train", "test", "all")
    assert len(sequences(tree)) == 36
    owners = load(tree, "all", choice=Choice("7-contempt"))
    assert owners.classes == (*LABELS[:6], "contempt")
    assert np.bincount(owners.labels).tolist() == [6, 5, 5, 5, 5, 5, 5]
    seven = load(tree, "all")
    assert seven.classes == LABELS
    assert np.bincount(seven.labels).tolist() == [6, 5, 5, 5, 5, 5, 31]
    eight = load(tree, "all", choice=Choice("8"))
    assert eight.classes == EIGHT
    assert np.bincount(eight.labels).tolist() == [6, 5, 5, 5, 5, 5, 36, 5]


def test_the_last_frames_show_the_label_and_the_first_is_neutral(tree: Path) -> None:
    found = load(tree, "all")
    assert found.labels.tolist()[:4] == [NEUTRAL, 0, NEUTRAL, 1]
    np.testing.assert_array_equal(found.pixels[0], drawn(NEUTRAL, 0))  # the landmarks frame the face
    np.testing.assert_array_equal(found.pixels[1], drawn(0, 4))
    three = load(tree, "all", choice=Choice(peak_frames=3))
    assert three.labels.tolist()[:5] == [NEUTRAL, 0, 0, 0, NEUTRAL]
    np.testing.assert_array_equal(three.pixels[1], drawn(0, 2))
    with pytest.raises(DataError, match="peak frames 4"):
        Choice(peak_frames=4)


def test_nobody_is_in_two_folds(tree: Path) -> None:
    everybody = load(tree, "all")
    assert everybody.groups is not None
    people: list[set[int]] = []
    for fold in range(1, 11):
        test, train = (load(tree, split, choice=Choice(fold=fold)) for split in ("test", "train"))
        assert test.groups is not None
        assert train.groups is not None
        people.append(set(test.groups.tolist()))
        assert not people[-1] & set(train.groups.tolist())
        assert len(test) + len(train) == len(everybody)
    assert [len(group) for group in people] == [2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
    assert people[0] == {10, 60}  # dealt in turn, in the order of their numbers
    assert set.union(*people) == set(everybody.groups.tolist())
    with pytest.raises(DataError, match="no fold 11"):
        Choice(fold=11)


def test_people_are_held_back_whole(tree: Path) -> None:
    kept, held = hold_back(load(tree), 20)
    assert kept.groups is not None
    assert held.groups is not None
    assert len(held) > 0
    assert not set(kept.groups.tolist()) & set(held.groups.tolist())


def test_without_landmarks_whole_frames_are_taken_and_it_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    found = load(ckplus(tmp_path, 1), "all", size=100, say=said.append)
    assert "no " in said[0]
    assert "Landmarks" in said[0]
    assert found.pixels[0][0, 0] == 255  # a corner of the frame, not of the face


def emotion(tree: Path, text: str | None) -> Path:
    path = next((tree / "Emotion" / "S010" / "001").iterdir())
    path.unlink()
    if text is not None:
        path.write_text(text)
    return path


@pytest.mark.parametrize("text", ["0.0", "8.0", "1.5", "nan", "inf", "happy", "", "1 2"])
def test_a_bad_label_is_named(tmp_path: Path, text: str) -> None:
    tree = ckplus(tmp_path, 2)
    path = emotion(tree, text)
    with pytest.raises(DataError, match=path.name):
        load(tree, "all")
    assert len(load(tree, "all", choice=Choice("8"), skip_bad=True)) == 10


def test_a_sequence_without_a_label_is_none_of_the_data(tmp_path: Path) -> None:
    tree = ckplus(tmp_path, 2)
    emotion(tree, None)
    assert len(load(tree, "all", choice=Choice("8"))) == 10


def test_missing_frames_and_landmarks_are_named(tmp_path: Path) -> None:
    tree = ckplus(tmp_path, 2, landmarks=True)
    frames = sorted((tree / "cohn-kanade-images" / "S010" / "001").iterdir())
    landmarks = tree / "Landmarks" / "S010" / "001" / f"{frames[-1].stem}_landmarks.txt"
    landmarks.write_text("1 2\n")
    with pytest.raises(DataError, match="is no list of 68 points"):
        load(tree, "all")
    landmarks.unlink()
    with pytest.raises(DataError, match=r"_landmarks.txt: cannot read"):
        load(tree, "all")
    for frame in frames[1:]:
        frame.unlink()
    with pytest.raises(DataError, match="1 frames for a first and 1 at the peak"):
        load(tree, "all")


def test_wrong_layouts_say_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "cohn-kanade-images").mkdir()
    with pytest.raises(DataError, match=r"there is no .*Emotion"):
        load(tmp_path)
    (tmp_path / "Emotion").mkdir()
    with pytest.raises(DataError, match="none is there"):
        load(tmp_path)
