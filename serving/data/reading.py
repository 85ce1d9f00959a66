"""All pictures of a list as one array: in memory, or in a file of a folder that later runs find again."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving.data.faces import AT_ONCE, StoredPixels
from serving.data.pictures import Fault, Picture, read, resized
from serving.errors import DataError

FORMAT = 1  # of the cache: another number, and old files are not used


@dataclass(frozen=True)
class Pixels:
    """What was read of n pictures: uint8 (n, size, size), zeros where there is a fault, and the faults by row."""

    array: NDArray[np.uint8] | StoredPixels
    faults: dict[int, Fault]


def read_all(
    pictures: Sequence[Picture],
    size: int,
    cache: Path | None = None,
    name: str = "faces",
    say: Callable[[str], None] = lambda line: None,
) -> Pixels:
    """The pictures' faces, `size` px a side; in the folder `cache` where one is given.

    There, files written before are used if they are complete and of the same list: same pictures, labels,
    boxes, sizes of files and times of their last change. DataError: the folder cannot be written.
    """
    if cache is None:
        array = np.zeros((len(pictures), size, size), np.uint8)
        faults: dict[int, Fault] = {}
        for start, part in _parts(pictures, size, faults):
            array[start : start + len(part)] = part
        return Pixels(array, faults)
    key = _key(pictures, size)
    path = cache / f"{name}-{key[:16]}.npy"
    found = _reused(path, key, (len(pictures), size, size))
    if found is None:
        say(f"reading {len(pictures)} pictures into {path}")
        try:
            cache.mkdir(parents=True, exist_ok=True)
            _write(path, pictures, size, key)
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror}") from error
        found = _reused(path, key, (len(pictures), size, size))
    if found is None:
        raise DataError(f"{path} was changed while it was written; choose another folder for it")
    return found


def _parts(pictures: Sequence[Picture], size: int, faults: dict[int, Fault]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(first row, pixels) a few pictures at a time; what cannot be read is noted in `faults`, and black."""

    def one(picture: Picture) -> NDArray[np.uint8] | Fault:
        found = read(picture)
        return found if isinstance(found, Fault) else resized(found, size)

    with ThreadPoolExecutor(os.cpu_count(), "pictures") as pool:
        for start in range(0, len(pictures), AT_ONCE):
            part = np.zeros((min(AT_ONCE, len(pictures) - start), size, size), np.uint8)
            for row, found in enumerate(pool.map(one, pictures[start : start + AT_ONCE])):
                if isinstance(found, Fault):
                    faults[start + row] = found
                else:
                    part[row] = found
            yield start, part


def _write(path: Path, pictures: Sequence[Picture], size: int, key: str) -> None:
    """The array, then, as the mark that it is complete, the faults beside it."""
    faults: dict[int, Fault] = {}
    part_path = path.with_name(f"{path.name}.{os.getpid()}.part")
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(pictures), size, size)}
    try:
        with part_path.open("wb") as file:  # written, not mapped: a full disk is then an error, not a signal
            np.lib.format.write_array_header_1_0(file, header)
            for _, part in _parts(pictures, size, faults):
                file.write(part.data)
            file.flush()
            os.fsync(file.fileno())
        part_path.replace(path)
        listed = [[row, *astuple(fault)] for row, fault in faults.items()]
        part_path.write_text(json.dumps({"key": key, "faults": listed}), encoding="utf-8")
        part_path.replace(path.with_suffix(".json"))
    finally:
        part_path.unlink(missing_ok=True)


def _reused(path: Path, key: str, shape: tuple[int, ...]) -> Pixels | None:
    """What an earlier run wrote; None where that is nothing, unfinished, or of another list."""
    try:
        said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if said["key"] != key or array.shape != shape or array.dtype != np.uint8:
            return None
        faults = {int(row): Fault(kind, str(where), str(why)) for row, kind, where, why in said["faults"]}
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    return Pixels(StoredPixels(array), faults)


def _key(pictures: Sequence[Picture], size: int) -> str:
    digest = hashlib.sha256(f"{FORMAT} {size}".encode())
    for picture in pictures:
        try:
            status = picture.path.stat()
            file = (status.st_size, status.st_mtime_ns)
        except OSError:
            file = (-1, -1)
        box = None if picture.box is None else astuple(picture.box)
        digest.update(repr((str(picture.path.absolute()), picture.label, box, picture.group, file)).encode())
    return digest.hexdigest()
