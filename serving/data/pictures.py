"""One picture of a data set: where it is, what it shows, how it is read; and what can be wrong with it."""

import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.errors import DataError
from serving.labels import CLASS_SETS, LABELS

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # its warnings are our faults
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".pgm")
NOT_DATA = ("thumbs.db", "desktop.ini")  # what Windows leaves in folders
FaultKind = Literal["broken", "missing", "wrong label", "no box", "unfit"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A row or file that cannot be used: where it is, and why."""

    kind: FaultKind
    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


def judge(faults: Sequence[Fault], skip_bad: bool, say: Callable[[str], None]) -> None:
    """Go on without what cannot be used only where that is wanted, and say how much it is. DataError."""
    if not faults:
        return
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if not skip_bad:
        raise DataError(f"{faults[0]}{more}; `model data --check` lists such, --skip-bad leaves them out")
    say(f"left out {len(faults)} that cannot be used: {faults[0]}{more}")


@dataclass(frozen=True, slots=True)
class Box:
    """Where a face lies in its picture, px: left and top edge, width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Picture:
    """A labelled picture in a file, not read yet.

    `label`: its place in the classes asked for; `where`: the row or file that names it; `box`: the face in
    it, None for all of it; `group`: the person shown, where that is known.
    """

    path: Path
    label: int
    where: str
    box: Box | None = None
    group: int | None = None


@dataclass(frozen=True)
class Choice:
    """What to take of a data set that can be read in several ways.

    classes: a name of CLASS_SETS. fold (1..10) and peak_frames (last frames of a sequence) are CK+'s.
    """

    classes: str = "7"
    fold: int = 1
    peak_frames: int = 1

    def __post_init__(self) -> None:
        if self.classes not in CLASS_SETS:
            raise DataError(f"no classes {self.classes!r}: there are {', '.join(CLASS_SETS)}")
        if not 1 <= self.fold <= 10:
            raise DataError(f"no fold {self.fold}: there are 1 to 10")
        if not 1 <= self.peak_frames <= 3:
            raise DataError(f"peak frames {self.peak_frames}: the last one to three of a sequence show its label")

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, in the order of their labels."""
        return CLASS_SETS[self.classes]

    def label(self, name: str) -> int | None:
        """The label of a class; None where it is none of those asked for."""
        return self.names.index(name) if name in self.names else None


def choice_for(labels: tuple[str, ...], fold: int = 1, peak_frames: int = 1) -> Choice:
    """The choice that gives a model with these labels its own classes. DataError: none does."""
    for classes, names in CLASS_SETS.items():
        if names == labels:
            return Choice(classes, fold, peak_frames)
    raise DataError(f"the model's classes ({', '.join(labels)}) are no data set's: those are {', '.join(LABELS)}, ...")


def hidden(path: Path) -> bool:
    """Whether it is no part of a data set by its name: hidden, Finder's, Windows'."""
    return path.name.startswith(".") or path.name.lower() in NOT_DATA


def inside(folder: Path, name: str) -> Path | None:
    """The file `name` (with / between folders) below `folder`; None where the name leads out of it."""
    parts = re.split(r"[\\/]", name)
    if not name or "\0" in name or ":" in parts[0] or parts[0] == "" or ".." in parts:
        return None
    return folder.joinpath(*parts)


def read(picture: Picture) -> NDArray[np.uint8] | Fault:
    """The face as a gray square uint8 (side, side), as large as the file has it."""
    file = "the file" if picture.where == str(picture.path) else str(picture.path)
    try:
        if not stat.S_ISREG(picture.path.stat().st_mode):  # a pipe would be waited for
            return Fault("broken", picture.where, f"{file} is no ordinary file")
        data = picture.path.read_bytes()
    except FileNotFoundError:
        return Fault("missing", picture.where, f"there is no {picture.path}")
    except OSError as error:
        return Fault("broken", picture.where, f"cannot read {file}: {error.strerror}")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    except cv2.error:  # for one, more pixels than OpenCV allows
        pixels = None
    if pixels is None:
        return Fault("broken", picture.where, f"{file} is no picture, or not all of one")
    found = _square(pixels, picture.box)
    if found is None:
        return Fault("no box", picture.where, f"the face's box lies outside of {file}")
    return found


def resized(square: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Gray (side, side) -> (size, size): by area averaging where it shrinks."""
    if square.shape == (size, size):
        return square
    how = cv2.INTER_AREA if square.shape[0] > size else cv2.INTER_LINEAR
    found: NDArray[np.uint8] = cv2.resize(square, (size, size), interpolation=how)
    return found


def _square(pixels: NDArray[np.uint8], box: Box | None) -> NDArray[np.uint8] | None:
    """The square around the box, moved and shrunk to lie in the picture; without a box the middle one."""
    height, width = pixels.shape
    shorter = min(height, width)
    box = box or Box((width - shorter) / 2, (height - shorter) / 2, shorter, shorter)
    if box.left >= width or box.top >= height or box.left + box.width <= 0 or box.top + box.height <= 0:
        return None
    side = min(max(1, round(max(box.width, box.height))), shorter)
    left = round(box.left + (box.width - side) / 2)
    top = round(box.top + (box.height - side) / 2)
    left, top = min(max(left, 0), width - side), min(max(top, 0), height - side)
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])
