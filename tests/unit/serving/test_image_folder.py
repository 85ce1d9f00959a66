"""Folders of pictures by class, and the cache that large ones are kept in."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from serving.data.faces import FaceSet, StoredPixels, hold_back, pixel_hashes
from serving.data.load import load, recognised, splits
from serving.data.pictures import Choice
from serving.errors import DataError
from tests.unit.serving.serving_examples import drawn, faces
from tests.unit.serving.tree_examples import framed, save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures in five classes, as people spell them."""
    for label, name in ((0, "anger"), (3, "Happy"), (4, "sadness"), (6, "neutral"), (7, "contempt")):
        save(tmp_path / "set" / name / "a.png", drawn(label, label))
    return tmp_path / "set"


def test_classes_at_once(folder: Path) -> None:
    assert recognised(folder) == "folder"
    assert splits(folder) == ("all",)
    found = load(folder)
    assert sorted(found.labels.tolist()) == [0, 3, 4, 6]
    assert sorted(load(folder, "all", choice=Choice("8")).labels.tolist()) == [0, 3, 4, 6, 7]


def test_classes_below_splits(tmp_path: Path) -> None:
    for split in ("train", "test"):
        save(tmp_path / split / "fear" / "x.jpg", framed(2, 0))
    (tmp_path / ".hidden").mkdir()
    assert splits(tmp_path) == ("test", "train")
    assert load(tmp_path).source == "a folder of pictures train"
    assert load(tmp_path, "test").labels.tolist() == [2]
    with pytest.raises(DataError, match=r"no split 'val': .* has test, train"):
        load(tmp_path, "val")


def test_what_does_not_belong_there_is_named(folder: Path) -> None:
    (folder / "neutral" / "notes.txt").write_text("")
    with pytest.raises(DataError, match=r"notes.txt: no picture by its name"):
        load(folder)
    assert len(load(folder, skip_bad=True)) == 4
    (folder / "neutral" / "notes.txt").unlink()
    (folder / "neutral" / "more").mkdir()
    with pytest.raises(DataError, match="a folder within a class"):
        load(folder)
    (folder / "neutral" / "more").rmdir()
    (folder / "bored").mkdir()
    with pytest.raises(DataError, match="bored is no class"):
        load(folder)


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    with pytest.raises(DataError, match="no picture of angry"):
        load(tmp_path)
    (tmp_path / "happy" / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="no picture of the split all can be read"):
        load(tmp_path, skip_bad=True)
    with pytest.raises(DataError, match="there is no"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"FER\+'s votes"):
        load(tmp_path, votes=tmp_path / "votes.csv")


def test_the_cache_is_used_again_only_for_the_same_pictures(folder: Path, tmp_path: Path) -> None:
    cache, said = tmp_path / "cache", []
    found = load(folder, cache=cache, say=said.append)
    assert isinstance(found.pixels, StoredPixels)
    np.testing.assert_array_equal(found.pixels[:], load(folder).pixels)
    load(folder, cache=cache, say=said.append)
    assert len(said) == 1
    load(folder, size=24, cache=cache, say=said.append)
    save(folder / "anger" / "b.png", drawn(0, 9))
    assert len(load(folder, cache=cache, say=said.append)) == 5
    os.utime(folder / "anger" / "b.png", ns=(1, 1))
    load(folder, cache=cache, say=said.append)
    assert len(said) == 4
    assert not list(cache.glob("*.part"))


@pytest.mark.parametrize("harm", ["cut", "no mark", "bad mark", "objects"])
def test_a_cache_that_is_not_whole_is_written_anew(folder: Path, tmp_path: Path, harm: str) -> None:
    cache, said = tmp_path / "cache", []
    expected = load(folder, cache=cache).pixels[:]
    (array,), (mark,) = cache.glob("*.npy"), cache.glob("*.json")
    if harm == "cut":
        array.write_bytes(array.read_bytes()[:-1])
    elif harm == "no mark":
        mark.unlink()
    elif harm == "bad mark":
        mark.write_text(json.dumps({"key": "other", "faults": []}))
    else:
        np.save(array, np.array([{}], dtype=object), allow_pickle=True)
    np.testing.assert_array_equal(load(folder, cache=cache, say=said.append).pixels[:], expected)
    assert "reading 4 pictures" in said[0]


def test_the_cache_remembers_what_could_not_be_read(folder: Path, tmp_path: Path) -> None:
    (folder / "anger" / "a.png").write_bytes(b"\x89PNG\r\n")
    said: list[str] = []
    for _ in range(2):
        with pytest.raises(DataError, match="is no picture"):
            load(folder, cache=tmp_path / "cache", say=said.append)
    assert len(load(folder, cache=tmp_path / "cache", skip_bad=True, say=said.append)) == 3
    assert [line.split()[0] for line in said] == ["reading", "left"]
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        load(folder, cache=tmp_path / "file")


def test_stored_pixels_behave_as_an_array(tmp_path: Path) -> None:
    pictures = faces(50)
    stored = FaceSet(StoredPixels(pictures), np.arange(50), source="drawn")
    plain = FaceSet(pictures, np.arange(50))
    assert pixel_hashes(stored) == pixel_hashes(plain)
    for mine, theirs in zip(hold_back(stored, 5), hold_back(plain, 5), strict=True):
        assert isinstance(mine.pixels, StoredPixels)
        assert mine.labels.tolist() == theirs.labels.tolist()
        np.testing.assert_array_equal(mine.pixels[:], theirs.pixels)
        np.testing.assert_array_equal(mine.pixels[np.array([2, 0])], theirs.pixels[[2, 0]])
        np.testing.assert_array_equal(mine.pixels[1], theirs.pixels[1])
    assert stored.take(slice(3)).pixels.shape == (3, 48, 48)


def test_small_sets_hold_one_back_and_one_picture_is_too_few() -> None:
    few = FaceSet(faces(3), np.zeros(3, np.int64))
    kept, held = hold_back(few, 1000)
    assert (len(kept), len(held)) == (2, 1)
    with pytest.raises(DataError, match="fewer than two different pictures"):
        hold_back(few.take(slice(1)))
