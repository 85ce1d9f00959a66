"""Faces with labels, as every data set here gives them: one order of classes, one type."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import DataError
from serving.labels import LABELS

# FER+'s ten columns, in the order of its own file; `NF` is "not a face".
VOTES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
    "unknown", "NF",
)  # fmt: skip
AT_ONCE = 1024  # pictures read from a file in one go

Rows = NDArray[np.bool_] | NDArray[np.int64] | slice


class StoredPixels:
    """Pictures uint8 (n, size, size) that stay in their file: only what is asked for is read.

    `source`: the file as a memory map; `rows`: which of its pictures, in which order; None: all.
    """

    def __init__(self, source: NDArray[np.uint8], rows: NDArray[np.int64] | None = None) -> None:
        self._source = source
        self._rows = np.arange(len(source)) if rows is None else rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._rows), *self._source.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Rows | int) -> NDArray[np.uint8]:
        """The pictures as an array of their own, in memory."""
        return np.array(self._source[self._rows[rows]])

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(self), AT_ONCE):
            yield from self[start : start + AT_ONCE]

    def pick(self, rows: Rows) -> "StoredPixels":
        """Some of the pictures, unread as they are."""
        return StoredPixels(self._source, self._rows[rows])


@dataclass(frozen=True)
class FaceSet:
    """n faces: pixels uint8 (n, size, size) gray, labels int64 (n,), FER+ votes uint8 (n, 10) or None.

    A label is a place in `classes`. `groups` int64 (n,): faces of one group, such as a person, belong on one
    side of every split; None: each face is for itself. `source` says for people what this is.
    """

    pixels: NDArray[np.uint8] | StoredPixels
    labels: NDArray[np.int64]
    votes: NDArray[np.uint8] | None = None
    classes: tuple[str, ...] = LABELS
    groups: NDArray[np.int64] | None = None
    source: str = ""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Rows) -> "FaceSet":
        """The faces that `rows` picks, in its order; pixels in a file stay there."""
        pixels = self.pixels.pick(rows) if isinstance(self.pixels, StoredPixels) else self.pixels[rows]
        return replace(
            self,
            pixels=pixels,
            labels=self.labels[rows],
            votes=None if self.votes is None else self.votes[rows],
            groups=None if self.groups is None else self.groups[rows],
        )


def described(faces: FaceSet) -> dict[str, Any]:
    """What a run notes of its faces, as JSON values: `digest` is another for other pixels, labels, votes or order."""
    digest = hashlib.blake2b(faces.labels.tobytes(), digest_size=16)
    if faces.votes is not None:
        digest.update(faces.votes.tobytes())
    for start in range(0, len(faces), AT_ONCE):
        digest.update(faces.pixels[start : start + AT_ONCE].tobytes())
    return {"source": faces.source, "classes": list(faces.classes), "n": len(faces), "digest": digest.hexdigest()}


def pixel_hash(picture: NDArray[np.uint8]) -> bytes:
    """16 bytes: equal for equal pictures."""
    return hashlib.blake2b(picture.tobytes(), digest_size=16).digest()


def pixel_hashes(faces: FaceSet) -> list[bytes]:
    """A 16-byte hash of each face's pixels: equal for equal pictures."""
    return [pixel_hash(face) for face in faces.pixels]


def hold_back(faces: FaceSet, one_in: int = 20) -> tuple[FaceSet, FaceSet]:
    """Split a set by pixel hash, or by the hash of its groups, into (kept, held back, about one in `one_in`).

    Duplicates and groups stay on one side, and the sides depend on the pictures (groups) alone. Small sets
    hold one back at least. DataError: the set has fewer than two different ones.
    """
    if faces.groups is None:
        keys = pixel_hashes(faces)
    else:
        keys = [hashlib.blake2b(b"%d" % group, digest_size=16).digest() for group in faces.groups.tolist()]
    numbers = [int.from_bytes(key[:8], "big") for key in keys]
    if len(set(numbers)) < 2:
        what = "pictures" if faces.groups is None else "people"
        raise DataError(f"{faces.source or 'the data'}: fewer than two different {what}, none can be held back")
    held = np.array([number % one_in == 0 for number in numbers], bool)
    if not held.any() or held.all():
        least = min(numbers)
        held = np.array([number == least for number in numbers], bool)
    return faces.take(~held), faces.take(held)
