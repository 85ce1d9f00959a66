from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.errors import DependencyError
from pipeline.local import jars
from pipeline.local.process import Cancelled

NAMES = [f"part{number}" for number in range(12)]


class Repository(ThreadingHTTPServer):
    """A Maven repository of a folder; `asked` are the paths that were fetched."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Repository)
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    for name in NAMES:
        path = tmp_path / "repository" / "org" / "example" / name / "1.0" / f"{name}-1.0.jar"
        path.parent.mkdir(parents=True)
        path.write_bytes(content(name))
    with Repository(tmp_path / "repository") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv(jars.MIRROR, server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server
        server.shutdown()
        thread.join()


def content(name: str) -> bytes:
    return name.encode() * 5000


@pytest.fixture
def locked() -> list[jars.Jar]:
    return [
        jars.Jar(f"org.example:{name}:1.0", hashlib.sha256(content(name)).hexdigest(), len(content(name)))
        for name in NAMES
    ]


def test_lock_file_names_all_of_kafka_and_a_logging_binding_once() -> None:
    locked = jars.read_lock()
    names = [jar.coordinates.split(":")[1] for jar in locked]
    assert len(names) == len(set(names)) == 46
    assert {"kafka_2.13", "kafka-clients", "scala-library", "log4j-slf4j-impl", "log4j-core"} <= set(names)
    assert all(len(jar.sha256) == 64 and jar.size > 1000 for jar in locked)
    assert next(jar.filename for jar in locked if "kafka_2.13" in jar.coordinates) == f"kafka_2.13-{jars.KAFKA}.jar"
    assert "http" not in jars.LOCK.read_text()


def test_fetches_all_then_nothing(tmp_path: Path, repository: Repository, locked: list[jars.Jar]) -> None:
    told: list[tuple[int, int]] = []
    paths = jars.fetch(tmp_path / "cache", locked, lambda done, total: told.append((done, total)))
    assert [path.read_bytes() for path in paths] == [content(name) for name in NAMES]
    assert told == [(done, len(NAMES)) for done in range(len(NAMES) + 1)]
    repository.asked.clear()
    assert jars.fetch(tmp_path / "cache", locked) == paths
    assert not repository.asked
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(jar.filename for jar in locked)


@pytest.mark.parametrize("damage", [b"", b"short", content("part3")[:-1] + b"x"], ids=["empty", "short", "one byte"])
def test_a_damaged_jar_is_fetched_again(
    tmp_path: Path, repository: Repository, locked: list[jars.Jar], damage: bytes
) -> None:
    paths = jars.fetch(tmp_path, locked)
    paths[3].write_bytes(damage)
    repository.asked.clear()
    jars.fetch(tmp_path, locked)
    assert paths[3].read_bytes() == content("part3")
    assert len(repository.asked) == 1


def test_what_differs_from_the_lock_file_is_refused(
    tmp_path: Path, repository: Repository, locked: list[jars.Jar]
) -> None:
    wrong = [*locked[:5], jars.Jar("org.example:part5:1.0", "0" * 64, len(content("part5")))]
    with pytest.raises(DependencyError, match=r"part5-1\.0\.jar: what was fetched is not what the lock file names"):
        jars.fetch(tmp_path, wrong)
    assert not (tmp_path / "part5-1.0.jar").exists()
    assert not list(tmp_path.glob(".*"))


def test_two_fetches_at_once_agree(tmp_path: Path, repository: Repository, locked: list[jars.Jar]) -> None:
    failed: list[BaseException] = []

    def fetch() -> None:
        try:
            jars.fetch(tmp_path / "cache", locked)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert not jars.missing(locked, tmp_path / "cache")


def test_no_such_jar_is_one_clear_line(tmp_path: Path, repository: Repository) -> None:
    with pytest.raises(DependencyError, match=r"cannot be fetched \(gone-1\.0\.jar: HTTP status 404\)"):
        jars.fetch(tmp_path, [jars.Jar("org.example:gone:1.0", "0" * 64, 10)])


def test_no_network_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: list[jars.Jar]) -> None:
    monkeypatch.setenv(jars.MIRROR, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(DependencyError, match="no connection") as caught:
        jars.fetch(tmp_path, locked)
    assert "\n" not in str(caught.value)
    assert jars.MIRROR in caught.value.hint


def test_a_dead_proxy_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: list[jars.Jar]
) -> None:
    monkeypatch.setenv(jars.MIRROR, "http://repository.invalid")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(DependencyError, match="the proxy does not answer"):
        jars.fetch(tmp_path, locked)


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path, locked: list[jars.Jar]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DependencyError, match="cannot be written"):
        jars.fetch(tmp_path / "file" / "cache", locked)


def test_a_fetch_can_be_given_up(tmp_path: Path, repository: Repository, locked: list[jars.Jar]) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        jars.fetch(tmp_path, locked, cancelled=cancelled)
