"""Reading FER2013's csv: good rows, every kind of bad row, and the part held back."""

from pathlib import Path

import numpy as np
import pytest

from serving.data.faces import VOTES, FaceSet, hold_back, pixel_hashes
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


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((7, FACE, "Training"), "emotion '7'"),
        (("x", FACE, "Training"), "emotion 'x'"),
        ((-1, FACE, "Training"), "emotion '-1'"),
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
    path.write_bytes(b"\xff\xfe\x00garbage")
    with pytest.raises(DataError):
        load_fer2013(path, "Training")
    path.write_text("a,b,c\n")
    with pytest.raises(DataError, match="header"):
        load_fer2013(path, "Training")
    path.write_text("emotion,pixels,Usage\n1,2\n")
    with pytest.raises(DataError, match="2 columns"):
        load_fer2013(path, "Training")
    write_csv(path, [(0, FACE, "Training")])
    with pytest.raises(DataError, match="no row of split PublicTest"):
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
