"""CK+, the Extended Cohn-Kanade data set, in the layout that its owners ship.

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR Workshops 2010. A sequence goes from a
neutral face to the peak of an expression; 327 of 593 have a label, in a file of their own. The last
frames show the label, the first a neutral face, taken where neutral is among the classes. Classes:
"7-contempt" is the owners' count, "7" six expressions and neutral, "8" both.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serving.data.pictures import Box, Choice, Fault, Picture, hidden
from serving.errors import DataError

IMAGES, EMOTION, LANDMARKS = "cohn-kanade-images", "Emotion", "Landmarks"
CODES = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
SPLITS = ("train", "test", "all")
FOLDS = 10
POINTS = 68  # of a face: rows of x, y, px; the eyes are six each
EYES = ((36, 42), (42, 48))
# Faces are cut so that the eyes lie where FER2013's do: shares of the side, left eye of the picture first.
EYES_X, EYES_Y = (0.32, 0.67), 0.39


@dataclass(frozen=True)
class Sequence:
    """A labelled sequence: its subject's number, its code or what is wrong with it, its name as S005/001."""

    subject: int
    code: int | Fault
    name: str


def is_ckplus(root: Path) -> bool:
    return (root / IMAGES).is_dir() or (root / EMOTION).is_dir()


def splits(root: Path) -> tuple[str, ...]:
    return SPLITS


def cut_to_faces(root: Path) -> bool:
    """Whether the owners' landmarks are there; without them pictures are the middle of whole frames."""
    return (root / LANDMARKS).is_dir()


def frames(root: Path, split: str, choice: Choice) -> Iterator[Picture | Fault]:
    """The frames of a split, in the order of their names: `test` is the choice's fold, `train` the others.

    Subjects with a label, in the order of their numbers, are dealt to ten folds in turn: nobody is in two.
    DataError: no such folders.
    """
    found = sequences(root)
    subjects = sorted({sequence.subject for sequence in found})
    fold = {subject: at % FOLDS + 1 for at, subject in enumerate(subjects)}
    for sequence in found:
        tested = fold[sequence.subject] == choice.fold
        if split == "all" or tested == (split == "test"):
            yield from _labelled(root, sequence, choice)


def sequences(root: Path) -> list[Sequence]:
    """All that have a file with a label. DataError: no such folders, no label at all."""
    for name in (IMAGES, EMOTION):
        if not (root / name).is_dir():
            raise DataError(f"CK+ has {IMAGES} and {EMOTION} in one folder; there is no {root / name}")
    found = []
    for path in sorted((root / EMOTION).glob("*/*/*_emotion.txt")):
        subject, sequence = path.parts[-3:-1]
        if re.fullmatch(r"S[0-9]{1,6}", subject) and not hidden(path):
            found.append(Sequence(int(subject[1:]), _code(path), f"{subject}/{sequence}"))
    if not found:
        raise DataError(f"CK+ has its labels in {root / EMOTION}/S005/001/S005_001_00000011_emotion.txt; none is there")
    return found


def _labelled(root: Path, sequence: Sequence, choice: Choice) -> Iterator[Picture | Fault]:
    """The frames of one sequence that show one of the classes asked for."""
    if isinstance(sequence.code, Fault):
        yield sequence.code
        return
    label = choice.label(CODES[sequence.code])
    if label is None:
        return
    folder = root / IMAGES / sequence.name
    paths = sorted(path for path in folder.glob("*.png") if not hidden(path))
    if len(paths) <= choice.peak_frames:
        yield Fault("missing", str(folder), f"{len(paths)} frames for a first and {choice.peak_frames} at the peak")
        return
    neutral = choice.label("neutral")
    chosen = [] if neutral is None else [(paths[0], neutral)]
    for path, shown in [*chosen, *((path, label) for path in paths[-choice.peak_frames :])]:
        box = _box(root / LANDMARKS / sequence.name / f"{path.stem}_landmarks.txt") if cut_to_faces(root) else None
        yield box if isinstance(box, Fault) else Picture(path, shown, str(path), box, sequence.subject)


def _code(path: Path) -> int | Fault:
    try:
        value = float(path.read_text(encoding="ascii"))
    except OSError as error:
        return Fault("broken", str(path), f"cannot read it: {error.strerror}")
    except ValueError:
        return Fault("wrong label", str(path), "holds no number")
    if value not in range(1, len(CODES)):
        return Fault("wrong label", str(path), f"emotion {value:g} is not in 1..7")
    return int(value)


def _box(path: Path) -> Box | Fault:
    """The square of a face with its eyes where FER2013's are, from its landmarks."""
    try:
        points = [
            tuple(map(float, line.split())) for line in path.read_text(encoding="ascii").split("\n") if line.strip()
        ]
    except OSError as error:
        return Fault("no box", str(path), f"cannot read it: {error.strerror}")
    except ValueError:
        points = []
    if len(points) != POINTS or any(len(point) != 2 or not all(map(math.isfinite, point)) for point in points):
        return Fault("no box", str(path), f"is no list of {POINTS} points x, y")
    (left, _), (right, _) = eyes = [
        (sum(x for x, _ in points[a:b]) / (b - a), sum(y for _, y in points[a:b]) / (b - a)) for a, b in EYES
    ]
    side = (right - left) / (EYES_X[1] - EYES_X[0])
    if side <= 0:
        return Fault("no box", str(path), "its eyes are not beside each other")
    return Box(left - EYES_X[0] * side, (eyes[0][1] + eyes[1][1]) / 2 - EYES_Y * side, side, side)
