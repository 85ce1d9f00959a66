"""What a command writes: found out before the work whether it can, and said in one line where it cannot."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.errors import OutputError, RecipeError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """OutputError: what is done within cannot write `path`."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def check_file(path: Path | None) -> None:
    """RecipeError: no file can be written at `path`. Makes the folders above it."""
    if path is None:
        return
    if path.is_dir():
        raise RecipeError(f"cannot write {path}: it is a folder; name a file")
    check_folder(path.parent)


def check_folder(path: Path | None) -> None:
    """RecipeError: no file can be written in the folder `path`. Makes it."""
    if path is None:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except FileExistsError:
        raise RecipeError(f"cannot write into {path}: it is a file; name a folder") from None
    except OSError as error:
        raise RecipeError(f"cannot write into {path}: {error.strerror}") from error
