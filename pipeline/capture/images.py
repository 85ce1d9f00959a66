"""A folder, a glob or a single picture as a camera."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pipeline.capture.source import Picture
from pipeline.errors import SourceError

EXTENSIONS = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".jp2", ".ppm", ".pgm"))
DEFAULT_FPS = 10.0


def find_images(location: str) -> list[Path] | None:
    """The pictures a path names, in natural order (2 before 10); None when it is a single file of another kind.

    Raises SourceError, permanent, when there is nothing.
    """
    path = Path(location)
    if path.is_dir():
        found = [each for each in path.iterdir() if each.is_file() and _is_image(each)]
        if not found:
            raise SourceError("the folder holds no images", f"{', '.join(sorted(EXTENSIONS))} are read", permanent=True)
    elif path.exists():
        return [path] if _is_image(path) else None
    elif glob.has_magic(location):
        matches = map(Path, glob.glob(location))  # noqa: PTH207 - pathlib's cannot start at the root
        found = [each for each in matches if each.is_file()]
        if not found:
            raise SourceError("no file matches the pattern", permanent=True)
    else:
        raise SourceError("no such file or folder", permanent=True)
    return sorted(found, key=natural_order)


def natural_order(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that counts numbers as numbers."""
    parts = re.split(r"([0-9]+)", str(path))
    return [(0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts if part]


class ImagesSource:
    """Pictures played one after the other at `fps` (frames/s, default 10). A damaged one is passed over."""

    def __init__(self, paths: Sequence[Path], fps: float | None = None) -> None:
        self._paths = paths
        self._fps = fps or DEFAULT_FPS
        self._index = -1

    @property
    def fps(self) -> float:
        return self._fps

    def open(self) -> None:
        self._index = -1

    def grab(self) -> float | None:
        if self._index + 1 >= len(self._paths):
            return None
        self._index += 1
        return self._index / self._fps

    def picture(self) -> Picture | None:
        try:
            data = np.fromfile(self._paths[self._index], np.uint8)  # imread cannot open every name
            image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        except (OSError, cv2.error):
            return None
        return None if image is None else Picture(np.asarray(image, np.uint8))

    def early_end(self) -> str:
        return ""

    def close(self) -> None:
        self._index = -1


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS
