"""FER2013 from its classic csv (emotion,pixels,Usage), with FER+ votes where the csv has them.

Goodfellow et al., "Challenges in Representation Learning", 2013; Barsoum et al., "Training Deep
Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution", ICMI 2016 (FER+).
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving.data.faces import VOTES, FaceSet
from serving.data.pictures import Fault, judge
from serving.errors import DataError
from serving.labels import NUM_CLASSES

SIDE = 48  # px
SPLITS = ("Training", "PublicTest", "PrivateTest")
_ALIASES = {"not_face": "NF"}  # another spelling in use
Votes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: pixels uint8 (48, 48), label, FER+ votes uint8 (10,) where there are any, file and line."""

    pixels: NDArray[np.uint8]
    label: int
    votes: Votes | None
    where: str


def load_fer2013(
    path: Path,
    split: str,
    votes_path: Path | None = None,
    *,
    skip_bad: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> FaceSet:
    """The faces of one split, in file order; their FER+ votes from the csv itself, or from `votes_path`.

    DataError: no such file or split, another header, a row that cannot be used (with its line), unless
    `skip_bad`: such rows are then left out, and `say` hears how many.
    """
    good, faults = [], []
    for row in fer_rows(path, split, votes_path):
        if isinstance(row, Fault):
            faults.append(row)
            if not skip_bad:
                break
        else:
            good.append(row)
    judge(faults, skip_bad, say)
    if not good:
        raise DataError(f"{path} has no row of split {split}")
    votes = [row.votes for row in good if row.votes is not None]
    return FaceSet(
        np.stack([row.pixels for row in good]),
        np.array([row.label for row in good], np.int64),
        np.stack(votes) if len(votes) == len(good) else None,
        source=f"FER2013 {split}",
    )


def fer_rows(path: Path, split: str, votes_path: Path | None = None) -> Iterator[Row | Fault]:
    """The rows of one split, in file order, and what is wrong with those that cannot be used.

    Rows that belong to no split are faults of every split. DataError: no such file or split, another
    header; `votes_path` has another number of rows.
    """
    if split not in SPLITS:
        raise DataError(f"no split {split!r}: FER2013 has {', '.join(SPLITS)}")
    other = None if votes_path is None else load_votes(votes_path, split)
    n = 0
    for where, texts in _texts(path, split):
        if isinstance(texts, Fault):
            yield texts
            continue
        n += 1
        label, pixels = _label(texts[0], where), _face(texts[1], where)
        votes = _votes(texts[2:], where) if texts[2:] else None
        if other is not None:
            votes = other[n - 1] if n <= len(other) else None
        if isinstance(label, Fault):
            yield label
        elif isinstance(pixels, Fault):
            yield pixels
        elif isinstance(votes, Fault):
            yield votes
        else:
            yield Row(pixels, label, votes, where)
    if other is not None and n and n != len(other):
        raise DataError(f"{votes_path} has {len(other)} rows of {split}, {path} has {n}")


def load_votes(path: Path, split: str) -> list[Votes | Fault]:
    """FER+'s own csv (`fer2013new.csv`: Usage, Image name, ten columns of votes), rows as in FER2013's csv.

    DataError: no such file, no votes in it.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = {_ALIASES.get(name.strip(), name.strip()): name for name in reader.fieldnames or ()}
            if missing := [name for name in ("Usage", *VOTES) if name not in header]:
                raise DataError(f"{path}: no column {', '.join(missing)}; FER+'s fer2013new.csv has them")
            return [
                _votes([row[header[name]] or "" for name in VOTES], f"{path}, line {reader.line_num}")
                for row in reader
                if (row[header["Usage"]] or "").strip() == split
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _texts(path: Path, split: str) -> Iterator[tuple[str, list[str] | Fault]]:
    """File and line of each row of the split, and its columns: emotion, pixels, the votes if there are any."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [_ALIASES.get(name.strip(), name.strip()) for name in next(reader, [])]
            if header[:3] != ["emotion", "pixels", "Usage"]:
                raise DataError(f"{path}: the header is not emotion,pixels,Usage")
            vote_columns = [header.index(name) for name in VOTES] if set(VOTES) <= set(header) else []
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if len(row) != len(header):
                    yield where, Fault("unfit", where, f"{len(row)} columns, the header has {len(header)}")
                elif row[2].strip() not in SPLITS:
                    yield where, Fault("unfit", where, f"Usage {row[2]!r} is none of {', '.join(SPLITS)}")
                elif row[2].strip() == split:
                    yield where, [row[0], row[1], *(row[column] for column in vote_columns)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _face(text: str, where: str) -> NDArray[np.uint8] | Fault:
    try:
        values = np.array(text.split(), np.int64)
    except (ValueError, OverflowError):
        return Fault("broken", where, "pixels are not whole numbers")
    if len(values) != SIDE * SIDE:
        return Fault("broken", where, f"{len(values)} pixels, {SIDE * SIDE} expected")
    if values.min() < 0 or values.max() > 255:
        return Fault("broken", where, "a pixel outside 0..255")
    return values.astype(np.uint8).reshape(SIDE, SIDE)


def _label(text: str, where: str) -> int | Fault:
    if not text.strip().isdecimal() or int(text) >= NUM_CLASSES:
        return Fault("wrong label", where, f"emotion {text!r} is not in 0..{NUM_CLASSES - 1}")
    return int(text)


def _votes(texts: list[str], where: str) -> Votes | Fault:
    if not all(text.strip().isdecimal() and int(text) <= 255 for text in texts):
        return Fault("unfit", where, "FER+ votes are not whole numbers")
    return np.array([int(text) for text in texts], np.uint8)
