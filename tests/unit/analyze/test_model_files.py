import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.analyze import model_files
from pipeline.analyze.detect import make
from pipeline.analyze.model_files import FILE_NAME, yunet_model
from pipeline.errors import DependencyError
from pipeline.settings import DetectSettings

MODEL = b"what stands for YuNet here" * 100


class Home(ThreadingHTTPServer):
    """Where the file is fetched from. `silent`: takes requests and never answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = MODEL
        self.silent = False
        self.asked = 0
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{FILE_NAME}"


class _Handler(BaseHTTPRequestHandler):
    server: Home

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.silent:
            self.server.closing.wait(60)
            return
        time.sleep(0.05)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def home() -> Iterator[Home]:
    with Home() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a small file in the place of YuNet's."""
    monkeypatch.setenv("EMOSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EMOSTREAM_OFFLINE", raising=False)
    monkeypatch.setattr(model_files, "SHA256", hashlib.sha256(MODEL).hexdigest())
    monkeypatch.setattr(model_files, "SIZE_BYTES", len(MODEL))
    return tmp_path / "cache" / "models"


def test_a_named_folder_comes_first_whatever_the_file_is_called(home: Home, tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("of another size")
    (tmp_path / "face.onnx").write_bytes(MODEL)
    assert yunet_model(tmp_path, home.url) == MODEL
    assert home.asked == 0


def test_it_is_fetched_once_and_kept(home: Home, cache: Path) -> None:
    assert yunet_model(None, home.url) == MODEL
    assert yunet_model(None, home.url) == MODEL
    assert home.asked == 1
    assert [path.name for path in cache.iterdir() if not path.name.startswith(".")] == [FILE_NAME]


def test_many_ask_and_one_fetches(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        models = list(pool.map(lambda _: yunet_model(None, home.url), range(8)))
    assert models == [MODEL] * 8
    assert home.asked == 1


def test_without_an_answer_it_gives_up_soon_and_does_not_try_at_every_start(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_files, "ANSWER_SECONDS", 0.4)
    home.silent = True
    began = time.monotonic()
    with pytest.raises(DependencyError, match=r"failed: .*EMOSTREAM_MODEL_DIR"):
        yunet_model(None, home.url)
    with pytest.raises(DependencyError, match="within the last hour"):
        yunet_model(None, home.url)
    assert time.monotonic() - began < 30  # and not when the answer would have come
    assert home.asked <= 1  # none, where it was given up before it was sent


def test_offline_means_no_request(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSTREAM_OFFLINE", "1")
    with pytest.raises(DependencyError, match="EMOSTREAM_OFFLINE is set"):
        yunet_model(None, home.url)
    assert home.asked == 0


def test_another_file_is_never_taken_for_it(home: Home, cache: Path) -> None:
    home.content = b"x" * len(MODEL)
    with pytest.raises(DependencyError, match="what came is not the file"):
        yunet_model(None, home.url)
    assert not (cache / FILE_NAME).exists()


def test_a_wrong_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSTREAM_OFFLINE", "1")
    wrong = tmp_path / FILE_NAME
    wrong.write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(DependencyError, match=f"{wrong} is not YuNet's file: sha256 "):
        yunet_model(tmp_path)


def test_a_damaged_cache_is_mended(home: Home, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / FILE_NAME).write_bytes(MODEL[:-1])
    assert yunet_model(None, home.url) == MODEL
    assert (cache / FILE_NAME).read_bytes() == MODEL


def test_a_cache_that_cannot_be_written_is_done_without(home: Home, cache: Path) -> None:
    cache.parent.write_text("a file in the folder's place")
    assert yunet_model(None, home.url) == MODEL


def test_auto_falls_back_to_haar_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("EMOSTREAM_OFFLINE", "1")
    with caplog.at_level(logging.WARNING):
        detector = make(DetectSettings(detector="auto"), tmp_path)
    assert detector.ref.name.startswith("haar")
    (notice,) = caplog.messages
    assert "Haar" in notice
    assert "EMOSTREAM_MODEL_DIR" in notice
    assert "\n" not in notice


def test_yunet_asked_for_by_name_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSTREAM_OFFLINE", "1")
    with pytest.raises(DependencyError):
        make(DetectSettings(detector="yunet"), tmp_path)
