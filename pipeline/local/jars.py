"""Kafka's jars: named with their sha256 in kafka-jars.lock, fetched once into the cache.

`python -m pipeline.local.relock` writes the lock file anew.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import requests

from pipeline.errors import DependencyError
from pipeline.local.folders import cache_dir, disk_errors
from pipeline.local.process import Cancelled

LOCK = Path(__file__).with_name("kafka-jars.lock")
KAFKA = "4.1.0"
THREADS = 8
TIMEOUT_SECONDS = (10.0, 30.0)  # to connect, and between two reads
MIRROR = "EMOSTREAM_MAVEN"


@dataclass(frozen=True)
class Jar:
    """One line of the lock file. `coordinates`: group:artifact:version."""

    coordinates: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def read_lock(path: Path = LOCK) -> list[Jar]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(coordinates, digest, int(size)) for coordinates, digest, size in map(str.split, lines)]


def folder() -> Path:
    return cache_dir() / f"kafka-{KAFKA}"


def missing(jars: list[Jar], where: Path) -> list[Jar]:
    """The jars that are not in the folder, or not as the lock file has them."""
    with ThreadPoolExecutor(THREADS) as pool:
        good = pool.map(lambda jar: _is_good(where / jar.filename, jar), jars)
        return [jar for jar, is_good in zip(jars, good, strict=True) if not is_good]


def fetch(
    where: Path,
    jars: list[Jar],
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: threading.Event | None = None,
) -> list[Path]:
    """The paths of the jars, in the order of the lock file, all checked; what is missing is fetched.

    `progress` is told how many of all are there. Several processes may fetch at once. Raises DependencyError.
    """
    wanted = missing(jars, where)
    if wanted:
        with disk_errors(where):
            where.mkdir(parents=True, exist_ok=True)
        _fetch_all(where, wanted, lambda done: progress(len(jars) - len(wanted) + done, len(jars)), cancelled)
    return [where / jar.filename for jar in jars]


def _fetch_all(
    where: Path, wanted: list[Jar], progress: Callable[[int], None], cancelled: threading.Event | None
) -> None:
    """The first failure ends it: what has not begun by then is given up."""
    mirror = os.environ.get(MIRROR)
    progress(0)
    with ThreadPoolExecutor(THREADS, "jars") as pool:
        futures = [pool.submit(_fetch_one, where, jar, mirror) for jar in wanted]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                progress(done)
                if cancelled is not None and cancelled.is_set():
                    raise Cancelled
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _fetch_one(where: Path, jar: Jar, mirror: str | None) -> None:
    """Streams into a file of its own beside the target, checks it, renames it."""
    from maven_artifact import Artifact, Downloader  # slow to import: only where something is fetched
    from maven_artifact.requestor import RequestException

    downloader = Downloader(mirror) if mirror else Downloader()
    url = downloader.resolver.uri_for_artifact(Artifact(*jar.coordinates.split(":")))
    part = where / f".{jar.filename}.{os.getpid()}-{threading.get_ident()}.part"
    digest = hashlib.sha256()
    try:
        with disk_errors(where), part.open("wb") as file:
            try:
                response = downloader.requestor.request(url, None, stream=True, timeout=TIMEOUT_SECONDS)
                for chunk in response.iter_content(chunk_size=1 << 16):
                    digest.update(chunk)
                    file.write(chunk)
            except (RequestException, requests.RequestException) as error:
                raise _unreachable(jar, error) from None
        if digest.hexdigest() != jar.sha256:
            raise DependencyError(
                f"{jar.filename}: what was fetched is not what the lock file names (its sha256 differs)",
                f"try again, or name another Maven repository with {MIRROR}",
            )
        part.replace(where / jar.filename)
    finally:
        part.unlink(missing_ok=True)


def _unreachable(jar: Jar, error: Exception) -> DependencyError:
    return DependencyError(
        f"Kafka's jars cannot be fetched ({jar.filename}: {_reason(error)})",
        f"connect this machine to a Maven repository once ({MIRROR} names a mirror, HTTPS_PROXY a proxy), "
        f"or copy {folder()} from a machine that has it",
    )


def _reason(error: Exception) -> str:
    """The kind of failure in words; the text of the library is a page long and names hosts and objects."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not answer"
    if isinstance(error, requests.exceptions.SSLError):
        return "the certificate of the server is not trusted"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _is_good(path: Path, jar: Jar) -> bool:
    try:
        if path.stat().st_size != jar.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False
