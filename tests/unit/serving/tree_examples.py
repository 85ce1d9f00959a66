"""Small data sets in the very layouts of AffectNet and CK+, with drawn pictures."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.unit.serving.serving_examples import drawn

HEADER = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
AFFECTNET_CODES = (6, 5, 4, 1, 2, 3, 0, 7)  # AffectNet's code of each of our labels
CKPLUS_CODES = (1, 3, 4, 5, 6, 7, 0, 2)
FACE = (30, 20, 48, 48)  # where the face lies in its picture, px: left, top, width, height


def framed(label: int, seed: int) -> NDArray[np.uint8]:
    """A face (48, 48) within a bright picture (100, 120)."""
    picture = np.full((100, 120), 255, np.uint8)
    left, top, width, height = FACE
    picture[top : top + height, left : left + width] = drawn(label, seed)
    return picture


def save(path: Path, picture: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def affectnet_row(file: str, code: object, box: tuple[object, ...] = FACE) -> str:
    landmarks = ";".join(["61.5", "40.25"] * 68)
    return ",".join(map(str, (file, *box, landmarks, code, -0.5, 0.25))) + "\n"


def affectnet_2017(root: Path, training: int = 80, validation: int = 16, *, header: bool = True) -> Path:
    """The layout of 2017; `header`: whether validation.csv has one. Every 10th picture shows no class."""
    for name, n, first in (("training", training, 0), ("validation", validation, 10_000)):
        rows = []
        for index in range(n):
            file = f"{index % 3 + 1}/{name}{index:04d}.png"
            save(root / "Manually_Annotated_Images" / file, framed(index % 8, first + index))
            rows.append(affectnet_row(file, AFFECTNET_CODES[index % 8]))
            if index % 10 == 0:
                rows.append(affectnet_row(f"9/none{index}.png", 8 + index // 10 % 3, ("NULL",) * 4))
        path = root / "Manually_Annotated_file_lists" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((HEADER if header or name == "training" else "") + "".join(rows))
    return root


def affectnet_8labels(root: Path, training: int = 80, validation: int = 16) -> Path:
    """The newer layout, its labels as texts or numbers of several types, as found in such files."""
    for name, n, first in (("train_set", training, 0), ("val_set", validation, 10_000)):
        annotations = root / name / "annotations"
        annotations.mkdir(parents=True)
        for index in range(n):
            save(root / name / "images" / f"{index}.jpg", cv2.resize(drawn(index % 8, first + index), (96, 96)))
            code = AFFECTNET_CODES[index % 8]
            value = (np.array(str(code)), np.array(code), np.array(float(code)), np.array([code], np.uint8))[index % 4]
            np.save(annotations / f"{index}_exp.npy", value)
            for part in ("val", "aro"):
                np.save(annotations / f"{index}_{part}.npy", np.array("0.25"))
            np.save(annotations / f"{index}_lnd.npy", np.zeros(136))
    return root


def ckplus(root: Path, subjects: int = 12, frames: int = 5, *, landmarks: bool = False) -> Path:
    """Each subject with three labelled sequences and one that has no label; numbers of subjects have gaps."""
    for subject in range(subjects):
        for sequence in range(4):
            label = (subject * 3 + sequence) % 7
            label = 7 if label == 6 else label  # the owners' seven: contempt, no neutral
            name = f"S{5 * subject + 10:03d}/{sequence + 1:03d}"
            for frame in range(frames):
                stem = f"{name.replace('/', '_')}_{frame + 1:08d}"
                seed = 1000 * subject + 100 * sequence + frame
                picture = framed(6 if frame == 0 else label, seed)
                save(root / "cohn-kanade-images" / name / f"{stem}.png", picture)
                if landmarks:
                    write_landmarks(root / "Landmarks" / name / f"{stem}_landmarks.txt")
            folder = root / "Emotion" / name
            folder.mkdir(parents=True)
            if sequence < 3:
                (folder / f"{stem}_emotion.txt").write_text(f"   {CKPLUS_CODES[label]:.7e}\n")
    return root


def write_landmarks(path: Path) -> None:
    """68 points whose eyes lie where FER2013's do in FACE."""
    left, top, width, height = FACE
    points = np.full((68, 2), (left + width / 2, top + height / 2))
    points[36:42] = (left + 0.32 * width, top + 0.39 * height)
    points[42:48] = (left + 0.67 * width, top + 0.39 * height)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points))
