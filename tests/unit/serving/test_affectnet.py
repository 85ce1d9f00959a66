"""AffectNet in both layouts of its owners: labels, boxes, lists with and without header, and what is broken."""

import io
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from serving.data.load import default_split, load, recognised, splits
from serving.data.pictures import Choice
from serving.errors import DataError
from serving.labels import EIGHT, LABELS
from tests.unit.serving.serving_examples import drawn
from tests.unit.serving.tree_examples import FACE, affectnet_8labels, affectnet_2017, affectnet_row, framed, save

EIGHT_CLASSES = Choice("8")


@pytest.mark.parametrize("header", [True, False])
def test_the_lists_of_2017(tmp_path: Path, header: bool) -> None:
    root = affectnet_2017(tmp_path, 16, 16, header=header)
    assert recognised(root) == "affectnet-2017"
    assert splits(root) == ("training", "validation")
    found = load(root, "validation", choice=EIGHT_CLASSES)
    assert found.classes == EIGHT
    assert found.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7] * 2
    assert found.source == "AffectNet (2017) validation"
    assert found.pixels.shape == (16, 48, 48)
    np.testing.assert_array_equal(found.pixels[1], drawn(1, 10_001))  # cut out by the owners' box
    seven = load(root, "validation")
    assert seven.classes == LABELS
    assert seven.labels.tolist() == [0, 1, 2, 3, 4, 5, 6] * 2
    assert default_split(root, ("validation",)) == "validation"


def test_the_list_of_automatic_labels_is_a_split(tmp_path: Path) -> None:
    root = affectnet_2017(tmp_path, 8, 8)
    save(root / "Automatically_Annotated_Images" / "7" / "a.png", framed(3, 1))
    lists = root / "Automatically_Annotated_file_lists"
    lists.mkdir()
    (lists / "automatically_annotated.csv").write_text(affectnet_row("7/a.png", 1))
    assert load(root, "automatic").labels.tolist() == [3]


def test_boxes_become_squares_within_the_picture(tmp_path: Path) -> None:
    root = affectnet_2017(tmp_path, 8, 0)
    path = root / "Manually_Annotated_file_lists" / "validation.csv"
    left, top, width, height = FACE
    path.write_text(
        affectnet_row("1/training0000.png", 6, (left, top + 8, width, height - 16))
        + affectnet_row("1/training0000.png", 6, (left - 90, -30, width + 60, height + 60))
        + affectnet_row("1/training0000.png", 6, (-500, -500, 2000, 2000))
    )
    found = load(root, "validation", size=24)
    np.testing.assert_array_equal(found.pixels[0], cv2.resize(drawn(0, 0), (24, 24), interpolation=cv2.INTER_AREA))
    assert found.pixels.shape == (3, 24, 24)


def rows(root: Path, *texts: str) -> None:
    path = root / "Manually_Annotated_file_lists" / "validation.csv"
    path.write_text(affectnet_row("1/training0000.png", 6) + "".join(texts))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (affectnet_row("../../secret.png", 1), "leads out of"),
        (affectnet_row("1/../../../secret.png", 1), "leads out of"),
        (affectnet_row("/etc/passwd", 1), "leads out of"),
        (affectnet_row("..\\..\\secret.png", 1), "leads out of"),
        (affectnet_row("1/none.png", 1), "there is no"),
        (affectnet_row("1/training0000.png", 11), "expression '11' is not in 0..10"),
        (affectnet_row("1/training0000.png", "happy"), "expression 'happy'"),
        (affectnet_row("1/training0000.png", -1), "expression '-1'"),
        (affectnet_row("1/training0000.png", 1, ("NULL",) * 4), "not numbers"),
        (affectnet_row("1/training0000.png", 1, (0, 0, 0, 10)), "no box"),
        (affectnet_row("1/training0000.png", 1, ("nan", 0, 10, 10)), "no box"),
        (affectnet_row("1/training0000.png", 1, (500, 0, 10, 10)), "outside of"),
        ("1/training0000.png,1,2\n", "3 columns, 9 expected"),
    ],
)
def test_a_bad_row_is_named_or_left_out(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "secret.png").write_bytes(b"")
    root = affectnet_2017(tmp_path / "set", 8, 0)
    rows(root, row)
    with pytest.raises(DataError, match=message) as caught:
        load(root, "validation")
    assert "\n" not in str(caught.value)
    if "outside" not in message and "there is no" not in message:
        assert "validation.csv, line 2" in str(caught.value)
    said: list[str] = []
    assert len(load(root, "validation", skip_bad=True, say=said.append)) == 1
    assert "left out 1" in said[0]


def test_broken_pictures_are_named(tmp_path: Path) -> None:
    root = affectnet_8labels(tmp_path, 8, 16)
    image = root / "val_set" / "images" / "3.jpg"
    image.write_bytes(image.read_bytes()[:-30])
    (root / "val_set" / "images" / "5.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"3\.jpg: the file is no picture, or not all of one \(and 1 more\)"):
        load(root, "validation")
    found = load(root, "validation", skip_bad=True, choice=EIGHT_CLASSES)
    assert found.labels.tolist() == [0, 1, 2, 4, 6, 7, *range(8)]


def test_the_newer_layout(tmp_path: Path) -> None:
    root = affectnet_8labels(tmp_path, 8, 16)
    assert recognised(root) == "affectnet-8labels"
    assert splits(root) == ("training", "validation")
    found = load(root, "validation", size=64, choice=EIGHT_CLASSES)
    assert found.labels.tolist() == [*range(8), *range(8)]  # in the order of the numbers: 2 before 10
    assert found.pixels.shape == (16, 64, 64)
    assert load(root, choice=Choice("7-contempt")).labels.tolist() == [0, 1, 2, 3, 4, 5, 6]


class Evil:
    """Runs code where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('unpickled')",))


def object_array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(Evil(), dtype=object), allow_pickle=True)
    return stream.getvalue()


def saved(value: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, value)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (object_array(), "Python objects"),
        (pickle.dumps(Evil()), "no .npy"),
        (b"", "no .npy"),
        (saved(np.array(1))[:-3], "no .npy"),
        (saved(np.array("happy")), "no .npy"),
        (saved(np.array([1, 2])), r"shape \(2,\)"),
        (saved(np.array(1)).replace(b"()", b"(99999999999,)", 1), "no .npy|shape"),
        (saved(np.array("11")), "expression 11 is not in 0..10"),
        (saved(np.array(1.5)), "expression 1.5"),
        (saved(np.array(np.nan)), "expression nan"),
    ],
)
def test_a_bad_annotation_is_named_and_never_run(tmp_path: Path, content: bytes, message: str) -> None:
    root = affectnet_8labels(tmp_path, 8, 8)
    (root / "val_set" / "annotations" / "2_exp.npy").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load(root, "validation")
    assert "2_exp.npy" in str(caught.value)
    assert len(load(root, "validation", skip_bad=True)) == 6


def test_files_without_their_other_half_are_named(tmp_path: Path) -> None:
    root = affectnet_8labels(tmp_path, 8, 8)
    (root / "val_set" / "annotations" / "2_exp.npy").unlink()
    with pytest.raises(DataError, match=r"2\.jpg: there is no .*2_exp\.npy"):
        load(root, "validation")
    (root / "train_set" / "images" / "4.jpg").unlink()
    with pytest.raises(DataError, match=r"4_exp\.npy: there is no .*4\.jpg"):
        load(root)


def test_wrong_layouts_say_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no known layout; looked for .*Manually_Annotated_file_lists.*cohn-kanade"):
        load(tmp_path)
    (tmp_path / "Manually_Annotated_Images").mkdir()
    with pytest.raises(DataError, match=r"AffectNet .2017. needs Manually_Annotated_file_lists"):
        load(tmp_path)
    lists = tmp_path / "Manually_Annotated_file_lists"
    lists.mkdir()
    (lists / "validation.csv").write_text("subDirectory_filePath,face_x\n")
    with pytest.raises(DataError, match="no column face_y"):
        load(tmp_path, "validation")
    with pytest.raises(DataError, match="none of them is called training"):
        load(tmp_path)
    with pytest.raises(DataError, match="no split 'test'"):
        load(tmp_path, "test")
    (lists / "validation.csv").write_bytes(b"\xff\xfe\x00,,\n")
    with pytest.raises(DataError, match="cannot read"):
        load(tmp_path, "validation")
    (tmp_path / "Manually_Annotated_Images").rmdir()
    with pytest.raises(DataError, match="there is no such folder"):
        load(tmp_path, "validation")
    eight = tmp_path / "eight"
    (eight / "train_set" / "images").mkdir(parents=True)
    with pytest.raises(DataError, match="annotations; there is no such folder"):
        load(eight)
