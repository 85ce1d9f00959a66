"""Where YuNet's file comes from: a folder that holds it, the cache, or once from its official home.

It is known by its sha256 alone, so nothing else is ever loaded under its name.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from pipeline.errors import DependencyError

log = logging.getLogger(__name__)

FILE_NAME = "face_detection_yunet_2023mar.onnx"
SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
SIZE_BYTES = 232_589
URL = f"https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/{FILE_NAME}"

ANSWER_SECONDS = 2.5  # for the name to resolve and the server to answer
FETCH_SECONDS = 15.0  # for the whole file, once the server has answered
RETRY_SECONDS = 3600.0  # after a failed fetch, starts within this time do not try again
HINT = f"put {FILE_NAME} into a folder and name it with EMOSTREAM_MODEL_DIR"


def yunet_model(model_dir: Path | None, url: str = URL) -> bytes:
    """YuNet's ONNX file. Several processes may ask at once; one of them fetches.

    Raises DependencyError, saying where it looked and why it found none.
    """
    missed: list[str] = []
    if model_dir is not None:
        model = _find(model_dir, missed)
        if model is not None:
            return model
    cache = cache_dir()
    model = _find(cache, missed)
    if model is not None:
        return model
    if os.environ.get("EMOSTREAM_OFFLINE", "0") not in ("", "0"):
        missed.append("EMOSTREAM_OFFLINE is set")
        raise DependencyError(f"YuNet's file cannot be had: {'; '.join(missed)}", HINT)
    with _one_at_a_time(cache):
        model = _find(cache, [])  # another process may have brought it meanwhile
        if model is not None:
            return model
        model = _fetched(cache, url, missed)
    if model is None:
        raise DependencyError(f"YuNet's file cannot be had: {'; '.join(missed)}", HINT)
    return model


def cache_dir() -> Path:
    """`${EMOSTREAM_CACHE:-${XDG_CACHE_HOME:-~/.cache}/emostream}/models`"""
    own = os.environ.get("EMOSTREAM_CACHE")
    if own:
        return Path(own) / "models"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emostream" / "models"


def _find(folder: Path, missed: list[str]) -> bytes | None:
    """The file of the right sha256 in `folder`, whatever its name; else why not, added to `missed`."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        missed.append(f"{folder}: {error.strerror}")
        return None
    wrong = ""
    for path in paths:
        try:
            if not path.is_file() or (path.stat().st_size != SIZE_BYTES and path.name != FILE_NAME):
                continue
            content = path.read_bytes()
        except OSError as error:
            wrong = f"{path}: {error.strerror}"
            continue
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 == SHA256:
            return content
        if path.name == FILE_NAME:
            wrong = f"{path} is not YuNet's file: sha256 {sha256[:12]}..., not {SHA256[:12]}..., {len(content)} bytes"
    if wrong:
        log.warning("%s", wrong)
    missed.append(wrong or f"{folder} does not hold it")
    return None


def _fetched(cache: Path, url: str, missed: list[str]) -> bytes | None:
    """The file from `url`, kept in `cache` where that can be written; else why not, added to `missed`."""
    tried = cache / "yunet-fetch-failed"
    try:
        if time.time() - tried.stat().st_mtime < RETRY_SECONDS:
            missed.append(f"fetching it failed within the last hour, remove {tried} to try again at once")
            return None
    except OSError:
        pass  # not tried yet
    try:
        model = _download(url)
    except (httpx.HTTPError, OSError, ValueError) as error:
        missed.append(f"fetching it from {url.split('/')[2]} failed: {error}")
        _write(tried, f"{error}\n".encode())
        return None
    _write(cache / FILE_NAME, model)
    log.info("fetched YuNet's file from %s into %s", url.split("/")[2], cache)
    return model


def _download(url: str) -> bytes:
    """Raises httpx.HTTPError, TimeoutError or ValueError, in time even where looking up the name hangs."""
    outcome: list[bytes | Exception] = []
    answered, ended = threading.Event(), threading.Event()

    def fetch() -> None:
        try:
            with httpx.stream("GET", url, follow_redirects=True, timeout=ANSWER_SECONDS) as response:
                response.raise_for_status()
                answered.set()
                outcome.append(_read(response))
        except Exception as error:  # handed to the caller's thread
            outcome.append(error)
        answered.set()
        ended.set()

    threading.Thread(target=fetch, name="fetch-yunet", daemon=True).start()
    if not answered.wait(ANSWER_SECONDS) or not ended.wait(FETCH_SECONDS):
        raise TimeoutError("no answer in time")
    (result,) = outcome
    if isinstance(result, Exception):
        raise result
    if hashlib.sha256(result).hexdigest() != SHA256:
        raise ValueError(f"what came is not the file ({len(result)} bytes)")
    return result


def _read(response: httpx.Response) -> bytes:
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) > SIZE_BYTES:
            break  # not ours; its sha256 will say so
    return bytes(content)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all. A cache that cannot be written is only a slower start."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
            file.write(content)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as error:
        log.info("%s cannot be written: %s", path, error.strerror)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """A lock between processes; none where the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError:
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
