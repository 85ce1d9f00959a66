"""A plain folder of pictures: `<class>/*.png`, or `<split>/<class>/*.png`."""

from collections.abc import Iterator
from pathlib import Path

from serving.data.pictures import ENDINGS, Choice, Fault, Picture, hidden
from serving.errors import DataError
from serving.labels import CONTEMPT, LABELS

ALL = "all"  # the split of a folder that has none
# What people call the classes, in small letters.
NAMES = {name: name for name in (*LABELS, CONTEMPT)} | {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


def is_classes(root: Path) -> bool:
    """Whether folders named after classes are there, at once or below splits."""
    return bool(splits(root))


def splits(root: Path) -> tuple[str, ...]:
    """The folders with folders of classes in them; `all` where classes are there at once."""
    folders = _folders(root)
    if any(folder.name.lower() in NAMES for folder in folders):
        return (ALL,)
    return tuple(folder.name for folder in folders if any(inner.name.lower() in NAMES for inner in _folders(folder)))


def pictures(root: Path, split: str, choice: Choice) -> Iterator[Picture | Fault]:
    """The pictures of a split, by class and name. DataError: a folder that is no class."""
    top = root if splits(root) == (ALL,) else root / split
    folders = _folders(top)
    if unknown := [folder.name for folder in folders if folder.name.lower() not in NAMES]:
        raise DataError(f"{top}: {', '.join(unknown)} is no class; there are {', '.join((*LABELS, CONTEMPT))}")
    for folder in folders:
        label = choice.label(NAMES[folder.name.lower()])
        if label is None:
            continue
        for path in sorted(_visible(folder)):
            if path.is_dir():
                yield Fault("unfit", str(path), "a folder within a class; pictures lie in the class's own folder")
            elif path.suffix.lower() not in ENDINGS:
                yield Fault("unfit", str(path), f"no picture by its name: {', '.join(ENDINGS)}")
            else:
                yield Picture(path, label, str(path))


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in _visible(root) if path.is_dir())


def _visible(root: Path) -> list[Path]:
    try:
        return [path for path in root.iterdir() if not hidden(path)]
    except OSError as error:
        raise DataError(f"cannot list {root}: {error.strerror}") from error
