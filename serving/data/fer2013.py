"""FER2013 from its csv (emotion, pixels, Usage, in any order and case), with FER+ votes where the csv has them.

Goodfellow et al., "Challenges in Representation Learning", 2013; Barsoum et al., "Training Deep
Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution", ICMI 2016 (FER+).
"""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from serving.data.faces import VOTES, FaceSet
from serving.data.pictures import Fault, judge
from serving.errors import DataError
from serving.labels import NUM_CLASSES

SIDE = 48  # px
SPLITS = ("Training", "PublicTest", "PrivateTest")
_ALIASES = {"not_face": "nf"}  # another spelling in use
COLUMNS = ("emotion", "pixels", "Usage")
MOST = 255  # of a pixel, and of FER+'s votes
_NO_CSV = {  # by its first bytes
    b"\x1f\x8b": "packed by gzip: unpack it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\xff\xfe": "text in UTF-16: save it as UTF-8",
    b"\xfe\xff": "text in UTF-16: save it as UTF-8",
}
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
        there = ", ".join(present(path)) or "none"
        raise DataError(f"{path} has no row of split {split}; the splits in it: {there}")
    votes = [row.votes for row in good if row.votes is not None]
    return FaceSet(
        np.stack([row.pixels for row in good]),
        np.array([row.label for row in good], np.int64),
        np.stack(votes) if len(votes) == len(good) else None,
        source=f"FER2013 {split}",
    )


def present(path: Path) -> tuple[str, ...]:
    """The splits that the csv has rows of. DataError: no such file, another header."""
    found = {split for _, split, _ in _texts(path)}
    return tuple(split for split in SPLITS if split in found)


def fer_rows(path: Path, split: str, votes_path: Path | None = None) -> Iterator[Row | Fault]:
    """The rows of one split, in file order, and what is wrong with those that cannot be used.

    Rows that belong to no split are faults of every split. DataError: no such file or split, another
    header; `votes_path` has another number of rows.
    """
    if split not in SPLITS:
        raise DataError(f"no split {split!r}: FER2013 has {', '.join(SPLITS)}")
    other = None if votes_path is None else load_votes(votes_path, split)
    n = 0
    for where, usage, texts in _texts(path):
        if usage not in (split, ""):
            continue
        n += usage == split
        if isinstance(texts, Fault):
            yield texts
            continue
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
    with _opened(path) as file:
        reader = csv.reader(file)
        _, places = _header(path, next(reader, []), ("Usage", *VOTES))
        return [
            _votes([row[place] if place < len(row) else "" for place in places[1:]], f"{path}, line {reader.line_num}")
            for row in reader
            if places[0] < len(row) and row[places[0]].strip() == split
        ]


def _texts(path: Path) -> Iterator[tuple[str, str, list[str] | Fault]]:
    """Of each row: file and line, its split ("" where it names none); emotion, pixels, and votes if there are any."""
    with _opened(path) as file:
        reader = csv.reader(file)
        names, (emotion, pixels, usage) = _header(path, next(reader, []), COLUMNS)
        votes = [names.index(name.lower()) for name in VOTES] if {name.lower() for name in VOTES} <= set(names) else []
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if len(row) != len(names):
                split = next((text.strip() for text in row if text.strip() in SPLITS), "")
                yield where, split, Fault("unfit", where, f"{len(row)} columns, the header has {len(names)}")
            elif row[usage].strip() not in SPLITS:
                yield where, "", Fault("unfit", where, f"Usage {row[usage]!r} is none of {', '.join(SPLITS)}")
            else:
                yield where, row[usage].strip(), [row[emotion], row[pixels], *(row[place] for place in votes)]


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """The csv's text. DataError: it cannot be read to the end; says what it is instead, where that is known."""
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
        for magic, what in _NO_CSV.items():
            if start.startswith(magic):
                raise DataError(f"cannot read {path}: it is {what}")
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield file
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"cannot read {path}: it is no text in UTF-8") from error
    except csv.Error as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _header(path: Path, row: list[str], wanted: tuple[str, ...]) -> tuple[list[str], list[int]]:
    """The columns' names in small letters, and the places of those wanted. DataError: one is missing."""
    names = [_ALIASES.get(name.strip().lower(), name.strip().lower()) for name in row]
    if missing := [name for name in wanted if name.lower() not in names]:
        raise DataError(f"{path}: no column {', '.join(missing)} in its header {','.join(row)[:80]!r}")
    return names, [names.index(name.lower()) for name in wanted]


def _face(text: str, where: str) -> NDArray[np.uint8] | Fault:
    try:
        values = np.array(text.split(), np.int64)
    except (ValueError, OverflowError):
        return Fault("broken", where, "pixels are not whole numbers")
    if len(values) != SIDE * SIDE:
        return Fault("broken", where, f"{len(values)} pixels, {SIDE * SIDE} expected")
    if values.min() < 0 or values.max() > MOST:
        return Fault("broken", where, f"a pixel outside 0..{MOST}")
    return values.astype(np.uint8).reshape(SIDE, SIDE)


def _label(text: str, where: str) -> int | Fault:
    label = _whole(text)
    if label is None or label >= NUM_CLASSES:
        return Fault("wrong label", where, f"emotion {text[:20]!r} is not in 0..{NUM_CLASSES - 1}")
    return label


def _votes(texts: list[str], where: str) -> Votes | Fault:
    votes = [_whole(text) for text in texts]
    if None in votes:
        return Fault("unfit", where, f"FER+ votes are not whole numbers in 0..{MOST}")
    return np.array(votes, np.uint8)


def _whole(text: str) -> int | None:
    """A whole number in 0..MOST; None for anything else."""
    text = text.strip()
    return int(text) if len(text) <= 3 and text.isdecimal() and int(text) <= MOST else None
