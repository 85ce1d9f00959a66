"""Log lines: as text and as JSON, without secrets, and not too many of them."""

from __future__ import annotations

import json
import logging
import string
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.logs import about, of, set_up
from pipeline.logs.redact import MOST, redact
from pipeline.logs.repeats import SECONDS, HeldBack, Repeats
from pipeline.logs.set_up import MOST_CAMERAS
from pipeline.messages import FrameHeader, FrameId
from pipeline.settings import LogsSettings

log = logging.getLogger("pipeline.somewhere")
TRACE = f"{42:032x}"
HEADER = FrameHeader(
    FrameId("site", "door", 7, 3), datetime(2026, 1, 1, tzinfo=UTC), 64, 48, 0, f"00-{TRACE}-{7:016x}-01"
)
SECRET = st.text(string.ascii_letters + string.digits + "-._~+/=", min_size=8, max_size=60)
PASSWORD = st.text([c for c in map(chr, range(33, 127)) if c not in "\"'"], min_size=4, max_size=40)
AROUND = st.text(st.characters(codec="utf-8", exclude_characters="*"), max_size=30)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Where lines go while the test runs; then the root logger is as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    try:
        yield tmp_path / "role.log"
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers, _ = before, root.setLevel(level)


def lines(file: Path) -> list[str]:
    for handler in logging.getLogger().handlers:
        handler.close()
    return file.read_text().splitlines()


def test_a_line_is_text_by_default(file: Path) -> None:
    set_up("INFO", file)
    log.warning("camera %s is down", "door")
    log.debug("not told")
    (line,) = lines(file)
    assert line.endswith("WARNING pipeline.somewhere: camera door is down")


def test_a_json_line_says_what_it_is_about(file: Path) -> None:
    set_up("INFO", file, logs=LogsSettings(format="json"), role="analyze")
    log.warning("no face in %s", "it", extra=of(HEADER))
    with about(site="site", camera="hall"):
        log.info('two\nlines and "quotes"')
    log.info("of nothing")
    told, hall, nothing = map(json.loads, lines(file))
    assert told | {"at": ""} == {
        "at": "", "level": "WARNING", "logger": "pipeline.somewhere", "message": "no face in it", "role": "analyze",
        "site": "site", "camera": "door", "session": 7, "seq": 3, "trace_id": TRACE,
    }  # fmt: skip
    assert datetime.fromisoformat(told["at"]).tzinfo is not None
    assert (hall["camera"], hall["message"]) == ("hall", 'two\nlines and "quotes"')
    assert "camera" not in nothing


def test_threads_do_not_share_what_they_are_about(file: Path) -> None:
    set_up("INFO", file, logs=LogsSettings(format="json"))
    with about(camera="mine"):
        thread = threading.Thread(target=log.info, args=("from elsewhere",))
        thread.start()
        thread.join()
    assert "camera" not in json.loads(lines(file)[0])


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_written_wherever_it_stands(file: Path, form: str) -> None:
    set_up("INFO", file, logs=LogsSettings.model_validate({"format": form}))
    log.info("opening %s", "rtsp://user:pa/ss@w0rd@10.0.0.7/live")
    log.info("sent %s", {"Authorization": "Bearer pa/ss@w0rd", "token": "pa/ss@w0rd"})
    with about(camera="rtsp://user:pa/ss@w0rd@host"):
        log.info("an odd name")
    try:
        raise ValueError("http://user:pa/ss@w0rd@host:1/ is not there")
    except ValueError:
        log.exception("failed")
    text = file.read_text()
    assert "ss@w0rd" not in text
    assert "10.0.0.7" in text
    assert "ValueError" in text


UNCAUGHT = """
import logging, sys, threading, warnings
from pathlib import Path
from pipeline.logs import set_up
from pipeline.settings import LogsSettings
set_up("INFO", Path(sys.argv[1]), logs=LogsSettings(format=sys.argv[2]))
address = "rtsp://user:pa/ss@w0rd@10.0.0.7/live"
def fail(): raise ValueError(address)
thread = threading.Thread(target=fail, name="camera")
thread.start()
thread.join()
warnings.warn(address)
logging.getLogger("a").info("%d frames", address)
logging.getLogger("a").info("stack", stack_info=True)
raise RuntimeError(address) from ValueError(address)
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_in_what_nobody_catches(tmp_path: Path, form: str) -> None:
    file = tmp_path / "role.log"
    done = subprocess.run([sys.executable, "-c", UNCAUGHT, file, form], capture_output=True, text=True, check=False)
    text = file.read_text() + done.stderr
    assert done.returncode == 1
    assert done.stderr == ""
    assert "ss@w0rd" not in text
    for told in ("thread camera ended", "ValueError", "UserWarning", "a line is lost: TypeError", "RuntimeError"):
        assert told in text


def test_no_picture_is_written(file: Path) -> None:
    set_up("INFO", file)
    jpeg = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
    log.info("got %s", jpeg)
    log.info("got %r", {"value": bytearray(jpeg)})
    log.info("got %s", jpeg.decode("latin-1").replace("\n", " ").replace("\r", " "))
    text = file.read_text()
    assert "\\xff\\xd8" not in text
    assert len(text) < 3 * MOST


@given(AROUND, PASSWORD, AROUND)
def test_the_password_of_a_uri(before: str, password: str, after: str) -> None:
    assert f"me:{password}" not in redact(f"{before} rtsp://me:{password}@camera.local/1 {after}")


@given(st.text(min_size=4), st.sampled_from([json.dumps, repr]))
def test_a_password_as_json_and_python_write_it(password: str, written: Callable[[object], str]) -> None:
    text = written({"password": f"Zq9{password}Zq9", "camera": "door"})
    assert "Zq9" not in redact(text)
    assert "door" in redact(text)


@given(AROUND, SECRET, st.sampled_from([
    "Authorization: Bearer {}", "authorization: Basic {}", "'Authorization': 'Bearer {}'", '"authorization":"{}"',
    "token={}", "?access_token={}&x=1", "password: {}", "api_key='{}'", '"client_secret": "{}"', "bearer {}",
    "EMOSTREAM_CLASSIFY__TOKEN={}", "secret=whsec_{}", "whsec_{}", "{{'password': '{}'}}", "/live?usr=me&pwd={}&x=1",
    "/user=me_password={}_channel=1", "Cookie: a=b; emostream={}", 'Authorization: Digest username="me", response="{}"',
    "rtsp%3A%2F%2Fme%3A{}%40camera", "X-Api-Key: {}", "?sig={}", "Proxy-Authorization: NTLM {}", "auth={}",
]))  # fmt: skip
def test_tokens_and_signing_secrets(before: str, secret: str, form: str) -> None:
    secret = f"Zq9{secret}"
    assert "Zq9" not in redact(f"{before.replace('Zq9', '')} {form.format(secret)}")


@given(st.text())
def test_whatever_it_is_given_it_returns_a_text_of_bounded_length(text: str) -> None:
    assert len(redact(text)) <= MOST + 40
    assert redact(redact(text)) == redact(text)


def test_a_line_without_a_secret_stays_as_it_is() -> None:
    for plain in (
        "camera door: down: no frame for 10 s",
        "dead letter: checksum, partition 3, offset 12",
        "the model server at http://127.0.0.1:8085 is not there",
        "site/door: frames 3..9 expired in Kafka before they were read",
    ):
        assert redact(plain) == plain


def test_a_huge_line_is_looked_at_quickly() -> None:
    for piece in (
        "a://",
        "a://" * 20_000 + " ",
        "@a://",
        "b'",
        "password",
        "://@",
        "authorization:",
        "whsec_",
        "token=",
        "/9j/",
        "\\",
        "a" * 40 + ".",
    ):
        assert len(redact(piece * (2_000_000 // len(piece)))) <= MOST + 40


def test_repeats_are_counted_and_the_count_is_told() -> None:
    repeats: Repeats[str] = Repeats(3)
    assert [repeats.admit("kind", f"line {n}", n / 10) for n in range(10)] == [True] * 3 + [False] * 7
    assert repeats.admit("other", "another", 1)
    assert repeats.over(SECONDS - 1) == []
    assert repeats.over(SECONDS) == [HeldBack(7, SECONDS, "line 9")]
    assert repeats.admit("kind", "again", SECONDS)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 40)), max_size=200), st.integers(1, 4))
def test_every_line_is_told_or_counted(steps: list[tuple[int, float]], most: int) -> None:
    repeats: Repeats[int] = Repeats(most)
    now, told, held = 0.0, 0, 0
    for kind, pause in steps:
        now += pause
        held += sum(each.count for each in repeats.over(now))
        told += repeats.admit(kind, 0, now)
    held += sum(each.count for each in repeats.close(now))
    assert told + held == len(steps)


def test_a_flood_of_one_camera_leaves_the_others_heard(file: Path) -> None:
    set_up("INFO", file, logs=LogsSettings(format="json", repeats=5))
    for seq in range(300):
        for camera in ("a", "b") if seq == 0 else ("a",):
            log.warning("dead letter at %d", seq, extra=of(FrameId("site", camera, 1, seq)))
    told = [json.loads(line) for line in lines(file)]
    assert [line["camera"] for line in told].count("b") == 1
    assert [line["camera"] for line in told].count("a") == 5 + 1
    assert told[-1]["held_back"] == 295
    assert "295 more in" in told[-1]["message"]
    assert "dead letter at 299" in told[-1]["message"]


def test_names_that_somebody_makes_up_do_not_flood_the_log(file: Path) -> None:
    set_up("INFO", file, logs=LogsSettings(format="json", repeats=2))
    flood = 6000
    for seq in range(flood):
        log.warning("dead letter at %d", seq, extra=of(FrameId("site", f"camera-{seq}", 1, seq)))
    log.warning("another line is heard")
    told = [json.loads(line) for line in lines(file)]
    assert sum("held_back" not in line for line in told) == 2 * MOST_CAMERAS + 1
    assert sum(line.get("held_back", 1) for line in told) == flood + 1
