"""The model archive (.mar) that TorchServe is given: built once for each state of model and code, kept in the cache."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import serving
from pipeline.classify.model_folder import ModelFolder
from pipeline.errors import DependencyError
from pipeline.local.folders import cache_dir, disk_errors
from pipeline.settings import ClassifySettings

RESPONSE_MARGIN_SECONDS = 10  # TorchServe gives up on a worker later than the client on TorchServe
KEPT = 8  # a running TorchServe has unpacked its own long ago


def of_model(settings: ClassifySettings) -> Path:
    """The archive of the model that the settings name, with their workers and threads. Raises DependencyError."""
    model = ModelFolder.of(settings.model).path
    limits = {
        "workers": settings.workers,
        "threads": settings.threads,
        "response_timeout": int(settings.timeout_seconds) + RESPONSE_MARGIN_SECONDS,
    }
    code = Path(serving.__file__).parent
    return cached([model, code], repr(limits), cache_dir() / "archives", lambda folder: _package(model, folder, limits))


def _package(model: Path, folder: Path, limits: dict[str, int]) -> None:
    from serving.errors import ServingError
    from serving.server.package import ServerSettings, package

    try:
        package(model, folder, ServerSettings(**limits))
    except ServingError as error:
        raise DependencyError(f"the model cannot be packaged: {error}", "name another with classify.model") from None


def cached(sources: list[Path], options: str, cache: Path, build: Callable[[Path], None]) -> Path:
    """The archive of `sources`; `build(folder)` makes it where these files and options were never seen.

    Each archive has a folder of its own, named after the content that went into it.
    """
    folder = cache / _digest(sources, options)
    with disk_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            new = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
            try:
                build(new)
                _move(new, folder)
                _prune(cache)
            finally:
                shutil.rmtree(new, ignore_errors=True)
    return next(folder.glob("*.mar"))


def _move(new: Path, folder: Path) -> None:
    try:
        new.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster, with the same content
            raise


def _prune(cache: Path) -> None:
    folders = sorted(cache.glob("[!.]*"), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def _digest(folders: list[Path], options: str) -> str:
    """Names and content of all files, byte code aside."""
    digest = hashlib.sha256(options.encode())
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
            name = str(path.relative_to(folder)).encode()
            digest.update(b"%d:%b%d:" % (len(name), name, path.stat().st_size))
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]
