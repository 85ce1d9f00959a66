"""Where the embedded stack keeps things: a cache that stays, and one folder a run."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from pipeline.errors import DependencyError

KEPT_RUNS = 10
SHORT_CHARACTERS = 24
NEEDED_BYTES = 500 * 2**20  # what Kafka's segments and the logs take before retention works


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of what is fetched or built once: EMOSTREAM_CACHE, or emostream in the user's cache folder."""
    if own := environ.get("EMOSTREAM_CACHE"):
        return Path(own)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emostream"


class RunFolder:
    """One run's folder: logs/, kafka/, torchserve/. It is locked as long as the run lives.

    `short`: a folder for Unix sockets, whose paths must not be longer than about 100 characters; `tmp` links to it.
    """

    def __init__(self, path: Path, short: Path, lock: IO[str]) -> None:
        self.path = path
        self.logs = path / "logs"
        self.kafka = path / "kafka"
        self.torchserve = path / "torchserve"
        self.short = short
        self._lock = lock

    def close(self) -> None:
        """Removes all but the logs."""
        _remove_data(self.path)
        self._lock.close()


def new_run(root: Path) -> RunFolder:
    """A new folder in `root`, which `root`/latest points to; older runs beyond the last ten go.

    Raises DependencyError when it cannot be written.
    """
    root = root.absolute()
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(root).free < NEEDED_BYTES:
            raise OSError(errno.ENOSPC, f"less than {NEEDED_BYTES // 2**20} MiB are free")
        run = _make(_unused(root / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"))
        _point_latest(root, run.path.name)
        _tidy(root, run.path)
    return run


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turns an OSError while writing below `folder` into one clear line."""
    try:
        yield
    except OSError as error:
        raise DependencyError(
            f"{folder}: cannot be written: {error.strerror or error}",
            "free some space there, or name another folder with run_dir (runs) or EMOSTREAM_CACHE (cache)",
        ) from None


def _make(path: Path) -> RunFolder:
    path.mkdir(mode=0o700)  # frames are pictures of people
    lock = (path / ".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    (path / ".lock").rename(path / "lock")  # others see it only locked
    run = RunFolder(path, _short_folder(), lock)
    (path / "tmp").symlink_to(run.short)
    for folder in (run.logs, run.kafka, run.torchserve):
        folder.mkdir()
    return run


def _unused(path: Path) -> Path:
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _short_folder() -> Path:
    usual = tempfile.gettempdir()
    folder = usual if len(usual) <= SHORT_CHARACTERS else "/tmp"  # mkdtemp makes one in it, for us alone  # nosec B108
    return Path(tempfile.mkdtemp(prefix="emo-", dir=folder))


def _point_latest(root: Path, name: str) -> None:
    new = root / f".latest-{os.getpid()}"
    new.unlink(missing_ok=True)
    new.symlink_to(name)
    new.replace(root / "latest")


def _tidy(root: Path, current: Path) -> None:
    """Removes all but the last runs, and the data of runs that were killed. Runs that live are left alone."""
    runs = sorted(folder for folder in root.iterdir() if (folder / "lock").is_file() and not folder.is_symlink())
    for age, folder in enumerate(reversed(runs)):
        if folder.name == current.name or _lives(folder):
            continue
        if age >= KEPT_RUNS:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            _remove_data(folder)


def _lives(folder: Path) -> bool:
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _remove_data(folder: Path) -> None:
    if (folder / "tmp").is_symlink():
        shutil.rmtree((folder / "tmp").readlink(), ignore_errors=True)
    for name in ("kafka", "torchserve", "metrics"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("tmp", "ray-token", "settings.yaml"):  # the settings may hold passwords of cameras
        (folder / name).unlink(missing_ok=True)
