"""The one way in to every data set: which layout a path has, its splits, and the faces of one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from serving.data import affectnet, ckplus, image_folder
from serving.data.faces import FaceSet
from serving.data.fer2013 import SPLITS, load_fer2013, present
from serving.data.pictures import Choice, Fault, Picture, judge
from serving.data.reading import read_all
from serving.errors import DataError

Kind = Literal["fer2013", "affectnet-2017", "affectnet-8labels", "ckplus", "folder"]
FER2013: Kind = "fer2013"
# What splits are called, the likeliest first, in small letters.
TRAINING = ("training", "train", image_folder.ALL)
EVALUATION = ("publictest", "validation", "valid", "val", "test", image_folder.ALL)


@dataclass(frozen=True)
class Layout:
    """How a data set lies in its folder: by what it is recognised, its splits, the pictures of one."""

    title: str
    looked_for: str
    recognises: Callable[[Path], bool]
    splits: Callable[[Path], tuple[str, ...]]
    pictures: Callable[[Path, str, Choice], Iterator[Picture | Fault]]


LAYOUTS: dict[Kind, Layout] = {
    "affectnet-2017": Layout(
        "AffectNet (2017)",
        "Manually_Annotated_file_lists/training.csv or validation.csv",
        affectnet.is_lists,
        affectnet.list_splits,
        affectnet.listed,
    ),
    "affectnet-8labels": Layout(
        "AffectNet-8Labels",
        "train_set/annotations or val_set/annotations",
        affectnet.is_sets,
        affectnet.set_splits,
        affectnet.annotated,
    ),
    "ckplus": Layout("CK+", "cohn-kanade-images and Emotion", ckplus.is_ckplus, ckplus.splits, ckplus.frames),
    "folder": Layout(
        "a folder of pictures",
        "folders named angry, disgust, ... or splits with such folders",
        image_folder.is_classes,
        image_folder.splits,
        image_folder.pictures,
    ),
}


def recognised(path: Path) -> Kind:
    """Which data set lies there. DataError: nothing does, or nothing that is known."""
    if path.is_file():
        return FER2013
    if not path.is_dir():
        raise DataError(f"there is no {path}; a FER2013 csv or the folder of a data set is expected")
    for kind, layout in LAYOUTS.items():
        if layout.recognises(path):
            return kind
    looked_for = "; ".join(f"{layout.title}: {layout.looked_for}" for layout in LAYOUTS.values())
    raise DataError(f"{path} has no known layout; looked for {looked_for}")


def splits(path: Path, kind: Kind | None = None) -> tuple[str, ...]:
    """The splits that are there; of FER2013's csv all that it may have. DataError: there is none."""
    kind = kind or recognised(path)
    if kind == FER2013:
        return SPLITS
    found = LAYOUTS[kind].splits(path)
    if not found:
        raise DataError(f"{path} is not whole: {LAYOUTS[kind].title} needs {LAYOUTS[kind].looked_for}")
    return found


def splits_there(path: Path) -> tuple[str, ...]:
    """The splits that are there; FER2013's csv is read for it. DataError: there is none, or no data set."""
    return present(path) if recognised(path) == FER2013 else splits(path)


def default_split(path: Path, names: tuple[str, ...], kind: Kind | None = None) -> str:
    """The split that is called by one of `names`: TRAINING or EVALUATION. DataError: none is."""
    found = splits(path, kind)
    for name in names:
        for split in found:
            if split.lower() == name:
                return split
    raise DataError(f"{path} has the splits {', '.join(found)}: none of them is called {' or '.join(names)}")


def split_called(path: Path, name: str, kind: Kind | None = None) -> str:
    """The split of that name, in whatever case. DataError: there is none."""
    found = splits(path, kind)
    for split in found if name not in found else (name,):
        if split.lower() == name.lower():
            return split
    raise DataError(f"no split {name!r}: {path} has {', '.join(found)}")


def entries(path: Path, split: str, choice: Choice, kind: Kind) -> Iterator[Picture | Fault]:
    """The pictures of a split of a folder, unread. DataError: no such split; its layout is not whole."""
    return LAYOUTS[kind].pictures(path, split_called(path, split, kind), choice)


def load(
    path: Path,
    split: str | None = None,
    *,
    size: int = 48,
    votes: Path | None = None,
    kind: Kind | None = None,
    choice: Choice | None = None,
    cache: Path | None = None,
    skip_bad: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> FaceSet:
    """The faces of one split, without one the training split; kind None: recognised by the layout.

    Pictures become gray squares of `size` px; FER2013's stay at their 48, enlarging is the model's own
    business. `cache`: a folder where the pixels of a large set stay, out of memory, for the next time.
    DataError: an unknown layout or split, or (unless `skip_bad`) whatever cannot be used, by name.
    """
    kind, choice = kind or recognised(path), choice or Choice()
    split = split_called(path, split, kind) if split else default_split(path, TRAINING, kind)
    if kind == FER2013:
        if choice.classes != Choice().classes:
            raise DataError(f"FER2013 has the classes {', '.join(Choice().names)}, not {', '.join(choice.names)}")
        return load_fer2013(path, split, votes, skip_bad=skip_bad, say=say)
    if votes is not None:
        raise DataError(f"FER+'s votes are of FER2013's faces; {path} is {LAYOUTS[kind].title}")
    pictures, faults = [], []
    for entry in entries(path, split, choice, kind):
        if isinstance(entry, Fault):
            faults.append(entry)
        else:
            pictures.append(entry)
    if not skip_bad:
        judge(faults, skip_bad, say)
    if not pictures:
        raise DataError(f"{path}: the split {split} has no picture of {', '.join(choice.names)}")
    if kind == "ckplus" and not ckplus.cut_to_faces(path):
        say(f"there is no {path / ckplus.LANDMARKS}: the middle of whole frames is taken, not the faces")
    pixels = read_all(pictures, size, cache, f"{kind}-{split}", say)
    judge([*faults, *pixels.faults.values()], skip_bad, say)
    source = f"{LAYOUTS[kind].title} {split}" + (
        f", fold {choice.fold}" if kind == "ckplus" and split != image_folder.ALL else ""
    )
    groups = [-1 if picture.group is None else picture.group for picture in pictures]
    faces = FaceSet(
        pixels.array,
        np.array([picture.label for picture in pictures], np.int64),
        classes=choice.names,
        groups=np.array(groups, np.int64) if min(groups) >= 0 else None,
        source=source,
    )
    if not pixels.faults:
        return faces
    good = np.array([row not in pixels.faults for row in range(len(pictures))], bool)
    if not good.any():
        raise DataError(f"{path}: no picture of the split {split} can be read")
    return faces.take(good)
