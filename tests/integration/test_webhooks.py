"""`emostream webhooks` on a real Kafka, against a real HTTP server that fails in every way it can."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from standardwebhooks import Webhook

from pipeline.errors import UsageError
from pipeline.kafka.clients import producer
from pipeline.kafka.reader import Reader, parse
from pipeline.local.ports import free_ports
from pipeline.local.roles import role, write_settings
from pipeline.messages import Alert, DeadLetter, headers_of
from pipeline.settings import KafkaSettings, Settings, load
from pipeline.topics import ALERTS, DEAD_LETTERS, name
from pipeline.webhooks.service import run
from tests.records import alert, at

PATIENCE = 60.0
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four or more bytes").decode()


class Receiver(ThreadingHTTPServer):
    """Answers posts with what `answers` says, in turn, and then 204. Each that verifies is in `got`, by path."""

    daemon_threads = True

    def __init__(self, port: int, answers: list[tuple[int, dict[str, str]]]) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answers = answers
        self.posts: list[str] = []  # ids, as often as they came
        self.got: list[tuple[str, Alert]] = []
        self.held = threading.Event()
        """Cleared, it keeps posts waiting for an answer."""
        self.held.set()


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        payload = self.rfile.read(int(self.headers["content-length"]))
        told: dict[str, Any] = Webhook(SECRET).verify(payload, dict(self.headers.items()))
        self.server.posts.append(self.headers["webhook-id"])
        self.server.held.wait(PATIENCE)
        status, extra = self.server.answers.pop(0) if self.server.answers else (204, {})
        if status == 204:
            self.server.got.append((self.path, Alert.model_validate(told["data"])))
        self.send_response(status)
        for key, value in {**extra, "content-length": "0"}.items():
            self.send_header(key, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the library's name
        pass


@contextmanager
def receiver(port: int = 0, answers: list[tuple[int, dict[str, str]]] | None = None) -> Iterator[Receiver]:
    server = Receiver(port, answers or [])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings_of(kafka: KafkaSettings, **endpoints: dict[str, Any]) -> Settings:
    """`endpoints`: by id, their port and other settings."""
    webhooks = [
        {"id": id_, "url": f"http://user:pass@127.0.0.1:{values.pop('port')}/{id_}", "secret": SECRET,
         "backoff_seconds": 0.05, "backoff_max_seconds": 0.2, **values}
        for id_, values in endpoints.items()
    ]  # fmt: skip
    return load(
        kafka={**kafka.model_dump(), "webhooks_group": f"{kafka.group}-webhooks"},
        webhooks=webhooks,
        alerts=[{"id": "sad", "expressions": ["sad"], "above": 0.5}],
    )


def tell(settings: Settings, *alerts: Alert) -> None:
    writer = producer(settings.kafka)
    for each in alerts:
        writer.send(name(settings.kafka, ALERTS), each.encode(), each.owner.encode(), headers_of(each))
    writer.flush()
    writer.close()


def once(condition: Callable[[], Any]) -> None:
    give_up = datetime.now(UTC) + timedelta(seconds=PATIENCE)
    pause = threading.Event()
    while not condition():
        assert datetime.now(UTC) < give_up, "waited in vain"
        pause.wait(0.05)


def dead_letters(settings: Settings) -> list[DeadLetter]:
    with Reader(settings.kafka, [DEAD_LETTERS]) as reader:
        reader.from_beginning()
        return [letter for letter in map(parse, reader.to_end()) if isinstance(letter, DeadLetter)]


def numbered(count: int) -> list[Alert]:
    return [alert(alert_id=f"{number:016x}") for number in range(count)]


def test_what_fails_is_tried_again_in_order(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    answers = [(500, {}), (503, {"retry-after": "0"}), (302, {"location": "/elsewhere"}), (204, {}), (429, {})]
    with receiver(answers=answers) as server:  # type: ignore[arg-type]
        settings = settings_of(kafka_settings, pager={"port": server.server_port})
        alerts = numbered(4)
        tell(settings, *alerts)
        with role("webhooks", write_settings(settings, tmp_path), tmp_path):
            once(lambda: len(server.got) == 4)
    assert [told for _, told in server.got] == alerts
    assert {path for path, _ in server.got} == {"/pager"}
    first, second = alerts[0].event_id, alerts[1].event_id
    assert server.posts[:6] == [first] * 4 + [second] * 2
    assert dead_letters(settings) == []


def test_a_server_that_is_down_is_waited_for(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    """It comes, it goes, and it comes again; the role is killed meanwhile, too."""
    [port] = free_ports(1)
    settings = settings_of(kafka_settings, pager={"port": port})
    file = write_settings(settings, tmp_path)
    alerts = numbered(3)
    got: list[Alert] = []
    tell(settings, alerts[0])
    with role("webhooks", file, tmp_path) as running:
        once(lambda: "did not take" in (tmp_path / "webhooks.log").read_text())
        with receiver(port) as server:
            once(lambda: server.got)
            got += [told for _, told in server.got]
        tell(settings, alerts[1])
        for process in psutil.Process(running.pid).children(recursive=True):
            process.kill()
    with role("webhooks", file, tmp_path), receiver(port) as server:
        tell(settings, alerts[2])
        once(lambda: alerts[2] in [told for _, told in server.got])
        got += [told for _, told in server.got]
    assert [each for at_, each in enumerate(got) if each not in got[:at_]] == alerts


def test_one_that_is_gone_or_too_slow_is_given_up_and_holds_nobody_up(
    kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    gone = [(410, {})]
    with receiver(answers=gone) as first, receiver() as slow, receiver() as well:  # type: ignore[arg-type]
        slow.held.clear()
        settings = settings_of(
            kafka_settings,
            first={"port": first.server_port},
            slow={"port": slow.server_port, "timeout_seconds": 0.2, "give_up_seconds": 15},
            well={"port": well.server_port},
        )
        alerts = numbered(2)
        tell(settings, *alerts)
        with role("webhooks", write_settings(settings, tmp_path), tmp_path):
            once(lambda: len(well.got) == 2 and len(first.got) == 1)
            once(lambda: len(dead_letters(settings)) == 3)
            slow.held.set()
        assert first.posts == [each.event_id for each in alerts]
        assert slow.posts.count(alerts[0].event_id) > 1
    letters = {(letter.headers["webhook"], letter.event_id): letter for letter in dead_letters(settings)}
    assert letters.keys() == {
        ("first", alerts[0].event_id),
        ("slow", alerts[0].event_id),
        ("slow", alerts[1].event_id),
    }
    letter = letters["first", alerts[0].event_id]
    assert (letter.reason, letter.headers["status"], letter.foreign) == ("webhook", "410", True)
    assert letter.headers["url"] == f"http://127.0.0.1:{first.server_port}"
    assert "Timeout" in letters["slow", alerts[0].event_id].error
    for text in (letter.encode().decode(), (tmp_path / "webhooks.log").read_text()):
        assert "user:pass" not in text
        assert "pass@" not in text


def test_who_is_not_meant_or_not_to_be_called_is_not(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    with receiver() as server:
        settings = settings_of(kafka_settings, pager={"port": server.server_port, "severities": ["critical"]})
        quiet = alert(alert_id="1" * 16, severity="critical", silenced_until=at(3600))
        other = alert(alert_id="2" * 16, severity="info")
        last = alert(alert_id="3" * 16, severity="critical")
        tell(settings, quiet, other, last)
        with role("webhooks", write_settings(settings, tmp_path), tmp_path):
            once(lambda: server.got)
    assert [told for _, told in server.got] == [last]


def test_without_an_address_it_says_so(kafka_settings: KafkaSettings) -> None:
    with pytest.raises(UsageError, match="webhooks: none in the settings"):
        run(settings_of(kafka_settings), threading.Event())
