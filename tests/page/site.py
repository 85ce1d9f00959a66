"""A site of any number of cameras, as its topics tell of it: hours that are past, and seconds as they come."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pipeline.kafka.clients import producer
from pipeline.messages import (
    CameraState,
    CameraStatus,
    ClockOffset,
    DesiredCamera,
    FrameHeader,
    FrameId,
    Ledger,
    ModelRef,
    Observation,
    RoleStatus,
    SeqRange,
    headers_of,
)
from pipeline.messages.preview import preview_headers
from pipeline.settings import KafkaSettings
from pipeline.topics import CAMERA_STATUS, CAMERAS, EVENTS, PREVIEWS, ROLES, WINDOWS, name
from tests.page.past import past
from tests.page.pictures import Shot, shots

MODEL = ModelRef(name="emonext-atto-48", version="1.0", sha256="5b" * 32)
DETECTOR = ModelRef(name="yunet", version="2023mar", sha256="8f" * 32)
PROMISED = 10.0
ROLE_SECONDS = 5
LOOKS = 8  # scenes that are drawn; more cameras share them
NIGHT = 0.05  # of the light
TROUBLES = ("down", "silent", "dark", "failed", "few", "paused")
"""What a camera may suffer from, beside nothing: ""."""


@dataclass(frozen=True)
class Camera:
    id: str
    people: int = 1
    trouble: str = ""
    seed: int = 0


def cameras(count: int, troubled: bool = True) -> list[Camera]:
    """Rooms of a house; every ninth of them in some trouble, the first ones not."""
    made = []
    for number in range(count):
        trouble = TROUBLES[number // 9 % len(TROUBLES)] if troubled and number % 9 == 3 else ""
        made.append(Camera(f"room-{101 + number}", number % 3 + (number % 7 > 0), trouble, seed=number))
    return made


class Site:
    """Writes the records of its cameras. A context manager."""

    def __init__(self, kafka: KafkaSettings, site: str, rooms: Sequence[Camera], fps: int = 2, seed: int = 0) -> None:
        """`fps`: observations a second of each camera that are written."""
        self.rooms = list(rooms)
        self._kafka = kafka
        self._site = site
        self._fps = fps
        self._rng = random.Random(seed)
        self.producer = producer(kafka)
        self._session = int(time.time() * 1000)
        self._seq = dict.fromkeys((room.id for room in rooms), 0)
        self._started = datetime.now(UTC)
        self._second = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(60)
        self.producer.close(timeout=2)

    def begin(self, hours: float = 0) -> None:
        """The cameras as they are wanted, how they are, and what is told of the last hours."""
        for room in self.rooms:
            self._shot(room)  # drawn once, before time counts
        now = datetime.now(UTC)
        for room in self.rooms:
            self.send(CAMERAS, self.desired(room, now - timedelta(hours=9)))
            self.send(CAMERA_STATUS, self._status(room, now))
        if hours:
            for topic, record in past(self._site, self.rooms, now, hours, self._rng):
                self.send(topic, record)
        self.producer.flush()

    def play(self) -> None:
        """Seconds as they come, until the block ends."""
        self._thread.start()

    def suffer(self, id_: str, trouble: str) -> None:
        """From now on, after all was well."""
        at = next(at for at, room in enumerate(self.rooms) if room.id == id_)
        self.rooms[at] = room = replace(self.rooms[at], trouble=trouble)
        now = datetime.now(UTC)
        self.send(CAMERAS, self.desired(room, now))
        self.send(CAMERA_STATUS, self._status(room, now, timedelta(0)))

    def second(self, at: datetime) -> None:
        """One second of all cameras, ending now."""
        for room in self.rooms:
            if room.trouble not in ("down", "failed", "paused", "silent"):
                self._observe(room, at)
            if room.trouble not in ("failed", "paused", "silent"):
                self.send(EVENTS, self.ledger(room, at))
        if self._second % ROLE_SECONDS == 0:
            for status in self._roles(at):
                self.send(ROLES, status)
        self._second += 1

    def send(self, topic: str, record: Any) -> None:
        key = getattr(record, "owner", None) or getattr(record, "key", None) or f"{record.site}/{record.camera}"
        if topic == WINDOWS:
            key = record.key
        self.producer.send(name(self._kafka, topic), record.encode(), key.encode(), headers_of(record))

    def flush(self) -> None:
        self.producer.flush()

    def desired(self, room: Camera, at: datetime) -> DesiredCamera:
        paused = room.trouble == "paused"
        uri = f"rtsp://10.0.0.{10 + room.seed}:554/stream1"
        return DesiredCamera(
            site=self._site, id=room.id, uri=uri, fps=PROMISED, paused=paused, changed_at=at, changed_by="ada"
        )

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            self.second(datetime.now(UTC))
            due += 1
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _observe(self, room: Camera, at: datetime) -> None:
        shot = self._shot(room)
        for number in range(self._fps if room.trouble != "few" else 1):
            seq = self._seq[room.id]
            self._seq[room.id] += 1
            captured = at - timedelta(seconds=1.3 - number / self._fps)
            self.send(EVENTS, self._observation(room, seq, captured, shot))
        self._preview(room, seq, captured, shot)

    def _observation(self, room: Camera, seq: int, captured: datetime, shot: Shot) -> Observation:
        latency = timedelta(seconds=0.15 + self._rng.random() * 0.1)
        dark = room.trouble == "dark"
        return Observation(
            event_id=f"{self._site}/{room.id}/{self._session}/{seq}", site=self._site, camera=room.id,
            session=self._session, seq=seq, captured_at=captured, processed_at=captured + latency, width=640,
            height=480, detector=DETECTOR, model=MODEL, faces=list(shot.faces),
            blind="dark" if dark else "",
        )  # fmt: skip

    def _preview(self, room: Camera, seq: int, captured: datetime, shot: Shot) -> None:
        frame = FrameId(self._site, room.id, self._session, seq)
        headers = preview_headers(FrameHeader(frame, captured, 640, 480, 0), shot.width, shot.height, shot.jpeg)
        key = f"{self._site}/{room.id}".encode()
        self.producer.send(name(self._kafka, PREVIEWS), shot.jpeg, key, headers)

    def _shot(self, room: Camera) -> Shot:
        look = room.seed % LOOKS
        taken = shots(0, look, NIGHT) if room.trouble == "dark" else shots(room.people, look)
        return taken[self._second // 2 % len(taken)]

    def _status(self, room: Camera, now: datetime, ago: timedelta | None = None) -> CameraStatus:
        state, reason = {
            "down": (CameraState.DOWN, "no route to 10.0.0.13"),
            "failed": (CameraState.FAILED, "the stream asks for a password that is not given"),
            "paused": (CameraState.STOPPED, "paused"),
        }.get(room.trouble, (CameraState.UP, ""))
        if ago is None:
            ago = timedelta(minutes=self._rng.randrange(2, 200)) if state is not CameraState.UP else timedelta(hours=8)
        return CameraStatus(
            site=self._site, camera=room.id, session=self._session, at=now - ago, state=state, reason=reason,
            source=self.desired(room, now).uri,
        )  # fmt: skip

    def ledger(self, room: Camera, at: datetime) -> Ledger:
        down = room.trouble == "down"
        expected = PROMISED if room.trouble in ("few", "down") else float(self._fps)
        seq = self._seq[room.id]
        lost = {"buffer_full": [SeqRange(first=seq, last=seq + 1)]} if room.trouble == "few" else {}
        return Ledger(
            site=self._site, camera=room.id, session=self._session, written_at=at,
            covers_from=at - timedelta(seconds=1), covers_to=at, first_seq=seq, next_seq=seq, expected=expected,
            dropped=lost, state=CameraState.DOWN if down else CameraState.UP,
        )  # fmt: skip

    def _roles(self, at: datetime) -> Iterator[RoleStatus]:
        for role, instance in (("capture", "cam-host-1"), ("analyze", "0"), ("analyze", "1"), ("aggregate", "host-1")):
            yield RoleStatus(
                role=role, instance=instance, site=self._site, host="host-1", version="0.1.0",
                started_at=self._started, at=at, metrics="127.0.0.1:9000",
                clock=ClockOffset(seconds=0.0123, uncertainty=0.003),
            )  # fmt: skip
