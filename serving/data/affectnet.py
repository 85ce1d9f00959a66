"""AffectNet in the two layouts that its owners ship: lists in csv (2017), and AffectNet-8Labels.

Mollahosseini, Hasani & Mahoor, "AffectNet: A Database for Facial Expression, Valence, and Arousal
Computing in the Wild", IEEE Transactions on Affective Computing, 2019. Pictures that show none of the
classes (codes 8 to 10) are none of the data set's faces: left out, as are those of contempt with 7 classes.
"""

import csv
import math
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np

from serving.data.pictures import Box, Choice, Fault, Picture, hidden, inside
from serving.errors import DataError

CODES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
NO_CLASS = (8, 9, 10)  # none, uncertain, no face
COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks",
    "expression", "valence", "arousal",
)  # fmt: skip
# Split: (folder of the pictures, list of them)
LISTS = {
    "training": ("Manually_Annotated_Images", "Manually_Annotated_file_lists/training.csv"),
    "validation": ("Manually_Annotated_Images", "Manually_Annotated_file_lists/validation.csv"),
    "automatic": ("Automatically_Annotated_Images", "Automatically_Annotated_file_lists/automatically_annotated.csv"),
}
SETS = {"training": "train_set", "validation": "val_set"}


def is_lists(root: Path) -> bool:
    """Whether anything of the layout of 2017 is there."""
    return any((root / part.split("/")[0]).is_dir() for pair in LISTS.values() for part in pair)


def list_splits(root: Path) -> tuple[str, ...]:
    return tuple(split for split, (_, name) in LISTS.items() if (root / name).is_file())


def listed(root: Path, split: str, choice: Choice) -> Iterator[Picture | Fault]:
    """The pictures of a csv list, in its order. DataError: no such list, no such pictures, another header."""
    folder, name = LISTS[split]
    path = root / name
    if not path.is_file():
        raise DataError(f"AffectNet of 2017 has its {split} list in {path}; there is none")
    if not (root / folder).is_dir():
        raise DataError(f"AffectNet of 2017 has the pictures of {path} in {root / folder}; there is no such folder")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            columns = list(COLUMNS)  # of the lists that come without a header
            for row in reader:
                if reader.line_num == 1 and row and row[0].strip() == COLUMNS[0]:
                    columns = [name.strip() for name in row]
                    if missing := [name for name in COLUMNS[:7] if name not in columns]:
                        raise DataError(f"{path}: no column {', '.join(missing)}")
                elif row:
                    where = f"{path}, line {reader.line_num}"
                    found = _row(dict(zip(columns, row, strict=False)), len(row), len(columns), root / folder, where)
                    if isinstance(found, Fault):
                        yield found
                    elif found is not None and (label := choice.label(found[1])) is not None:
                        yield Picture(found[0], label, where, found[2])
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _row(
    values: dict[str, str], n: int, expected: int, folder: Path, where: str
) -> tuple[Path, str, Box] | Fault | None:
    """(file, class, the face's box); None for a picture without a class."""
    if n != expected:
        return Fault("unfit", where, f"{n} columns, {expected} expected")
    text = values["expression"].strip()
    code = int(text) if len(text) <= 3 and text.isascii() and text.isdecimal() else -1
    if code in NO_CLASS:
        return None
    if not 0 <= code < len(CODES):
        return Fault("wrong label", where, f"expression {text[:20]!r} is not in 0..10")
    path = inside(folder, values[COLUMNS[0]].strip())
    if path is None:
        return Fault("unfit", where, f"{values[COLUMNS[0]]!r} leads out of {folder}")
    try:
        box = Box(*(float(values[name]) for name in COLUMNS[1:5]))
    except ValueError:
        return Fault("no box", where, "face_x, face_y, face_width, face_height are not numbers")
    if not all(map(math.isfinite, (box.left, box.top, box.width, box.height))) or min(box.width, box.height) <= 0:
        return Fault("no box", where, "face_width and face_height make no box")
    return path, CODES[code], box


def is_sets(root: Path) -> bool:
    """Whether anything of AffectNet-8Labels is there."""
    return any((root / name / part).is_dir() for name in SETS.values() for part in ("annotations", "images"))


def set_splits(root: Path) -> tuple[str, ...]:
    return tuple(split for split, name in SETS.items() if (root / name).is_dir())


def annotated(root: Path, split: str, choice: Choice) -> Iterator[Picture | Fault]:
    """The pictures of one set, in the order of their numbers. DataError: no such folders."""
    folder = root / SETS[split]
    for part in ("images", "annotations"):
        if not (folder / part).is_dir():
            raise DataError(f"AffectNet-8Labels has its {split} set in {folder / part}; there is no such folder")
    try:
        images = {
            path.stem: path
            for path in (folder / "images").iterdir()
            if path.suffix.lower() == ".jpg" and not hidden(path)
        }
        labels = {
            path.name.removesuffix("_exp.npy"): path
            for path in (folder / "annotations").iterdir()
            if path.name.endswith("_exp.npy") and not hidden(path)
        }
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror}") from error
    for name in sorted(images.keys() | labels.keys(), key=lambda name: (len(name), name)):
        image, path = folder / "images" / f"{name}.jpg", folder / "annotations" / f"{name}_exp.npy"
        if name not in labels:
            yield Fault("missing", str(image), f"there is no {path}")
            continue
        code = _code(path)
        if isinstance(code, Fault):
            yield code
        elif name not in images:
            yield Fault("missing", str(path), f"there is no {image}")
        elif code not in NO_CLASS and (label := choice.label(CODES[code])) is not None:
            yield Picture(images[name], label, str(images[name]))


def _code(path: Path) -> int | Fault:
    """The number in a .npy of one number or one short text; nothing in such a file is ever executed."""
    try:
        with path.open("rb") as file:
            data = file.read(4096)
        stream = BytesIO(data)
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(stream)
        if dtype.hasobject:
            return Fault("broken", str(path), "holds Python objects instead of a number; such files are not read")
        if math.prod(shape) != 1 or dtype.itemsize > 256:
            return Fault("broken", str(path), f"holds an array of shape {shape} instead of one number")
        stream.seek(0)
        value = float(np.lib.format.read_array(stream, allow_pickle=False).item())
    except OSError as error:
        return Fault("broken", str(path), f"cannot read it: {error.strerror}")
    except (ValueError, TypeError, EOFError, SyntaxError, OverflowError):
        return Fault("broken", str(path), "is no .npy of one number")
    if value not in range(11):
        return Fault("wrong label", str(path), f"expression {value:g} is not in 0..10")
    return int(value)
