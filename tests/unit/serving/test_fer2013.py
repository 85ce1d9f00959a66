"""Reading FER2013's csv: good rows, every kind of bad row, and the part held back."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from serving.data.faces import VOTES, FaceSet, StoredPixels, described, hold_back, pixel_hashes
from serving.data.fer2013 import load_fer2013
from serving.errors import DataError
from tests.unit.serving.serving_examples import drawn, text, write_csv

FACE = text(drawn(0, 0))


def test_a_split_in_file_order(fer_csv: Path) -> None:
    found = load_fer2013(fer_csv, "PublicTest")
    assert len(found) == 28
    assert found.labels.tolist()[:8] == [0, 1, 2, 3, 4, 5, 6, 0]
    np.testing.assert_array_equal(found.pixels[1], drawn(1, 1001))
    assert found.votes is None


def test_ferplus_votes_where_the_csv_has_them(tmp_path: Path) -> None:
    path = tmp_path / "fer.csv"
    path.write_text(f"emotion,pixels,Usage,{','.join(VOTES)}\n3,{FACE},Training,0,8,0,0,0,0,0,0,1,1\n")
    votes = load_fer2013(path, "Training").votes
    assert votes is not None
    assert votes.tolist() == [[0, 8, 0, 0, 0, 0, 0, 0, 1, 1]]


@pytest.mark.parametrize("header", ["emotion,Usage,pixels", "emotion, Usage, pixels", "Emotion,USAGE,Pixels"])
def test_columns_in_any_order_and_case(tmp_path: Path, header: str) -> None:
    path = tmp_path / "fer.csv"
    path.write_text(f"{header}\n3,Training,{FACE}\n")
    assert load_fer2013(path, "Training").labels.tolist() == [3]


def test_votes_stay_with_their_faces_where_rows_are_left_out(tmp_path: Path) -> None:
    path, votes = tmp_path / "fer.csv", tmp_path / "votes.csv"
    path.write_text(f"emotion,pixels,Usage\n0,{FACE},Training\n1,Training\n2,{FACE},Training\n0,PublicTest\n")
    rows = [f"Training,x.png,{n},0,0,0,0,0,0,0,0,0\n" for n in (1, 2, 3)]
    votes.write_text(f"Usage,Image name,{','.join(VOTES)}\n" + "".join(rows))
    found = load_fer2013(path, "Training", votes, skip_bad=True)
    assert found.votes is not None
    assert found.votes[:, 0].tolist() == [1, 3]


def test_other_pixels_labels_or_votes_are_other_data() -> None:
    pictures, labels = np.zeros((3, 48, 48), np.uint8), np.zeros(3, np.int64)
    first = described(FaceSet(pictures, labels))
    assert first == described(FaceSet(StoredPixels(pictures.copy()), labels))
    others = [FaceSet(pictures + 1, labels), FaceSet(pictures, labels + 1)]
    others += [FaceSet(pictures, labels, np.full((3, 10), vote, np.uint8)) for vote in (0, 1)]
    assert len({first["digest"], *(described(other)["digest"] for other in others)}) == 5


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((7, FACE, "Training"), "emotion '7'"),
        (("x", FACE, "Training"), "emotion 'x'"),
        ((-1, FACE, "Training"), "emotion '-1'"),
        (("9" * 5000, FACE, "Training"), "emotion '99"),
        ((0, FACE[:-5], "Training"), "2304 expected"),
        ((0, "1 2 3", "Training"), "3 pixels"),
        ((0, FACE.replace(" ", " x", 1), "Training"), "whole numbers"),
        ((0, "256 " + FACE.split(" ", 1)[1], "Training"), "outside 0..255"),
        ((0, FACE, "Test"), "Usage 'Test'"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: tuple[object, object, object], message: str) -> None:
    path = write_csv(tmp_path / "fer.csv", [(0, FACE, "Training"), row])
    with pytest.raises(DataError, match="line 3: .*" + message):
        load_fer2013(path, "Training")


def test_a_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "fer.csv"
    with pytest.raises(DataError, match="cannot read"):
        load_fer2013(path, "Training")
    for content, said in (
        ("emotion".encode("utf-16"), "UTF-16: save it as UTF-8"),
        (gzip.compress(b"emotion"), "unpack it first"),
        (b"\x80garbage", "no text in UTF-8"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=said):
            load_fer2013(path, "Training")
    path.write_text("a,b,c\n")
    with pytest.raises(DataError, match="no column emotion, pixels, Usage in its header 'a,b,c'"):
        load_fer2013(path, "Training")
    path.write_text("emotion,pixels,Usage\n1,2\n")
    with pytest.raises(DataError, match="2 columns"):
        load_fer2013(path, "Training")
    write_csv(path, [(0, FACE, "Training")])
    with pytest.raises(DataError, match="no row of split PublicTest; the splits in it: Training"):
        load_fer2013(path, "PublicTest")
    with pytest.raises(DataError, match="no split 'Test'"):
        load_fer2013(path, "Test")


def test_duplicates_are_held_back_together() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (400, 48, 48)).astype(np.uint8)
    doubled = FaceSet(np.concatenate([pictures, pictures]), np.zeros(800, np.int64))
    kept, held = hold_back(doubled, 5)
    assert len(kept) + len(held) == 800
    assert 100 < len(held) < 220
    assert not set(pixel_hashes(kept)) & set(pixel_hashes(held))
