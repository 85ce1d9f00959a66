"""Records on `frames` that no capture process of ours wrote: broken ones, claims, and what comes too late."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from pipeline.messages import CameraState, Ledger, SeqRange, headers_of
from pipeline.messages.kind import iso
from pipeline.settings import Settings
from tests.faults.frames import SPOILS, Feed, Sent, picture

RNG = random.Random(7)
BROKEN, CLAIMED, LATE = 6, 3, 4  # frames


class Stranger:
    """One camera. Its session is told to the last by `leave`."""

    def __init__(self, settings: Settings, camera: str) -> None:
        self._site, self._camera = settings.site, camera
        self._feed = Feed(settings.kafka, settings.site, camera)
        self._since = datetime.now(UTC)
        self._told = 0

    def send(self, frames: int, spoil: str = "") -> None:
        for _ in range(frames):
            frame = self._feed.frame(picture(RNG))
            self._feed.send(SPOILS[spoil](frame, RNG) if spoil else frame)
        self._feed.flush()

    def send_late(self, frames: int) -> None:
        """Captured ten minutes before the last of it that was told."""
        self.ledger()
        for _ in range(frames):
            long_ago = iso(datetime.now(UTC) - timedelta(minutes=10)).encode()
            self._feed.send(self._feed.frame(picture(RNG)).with_header("captured_at", long_ago))
        self._feed.flush()

    def claim(self, frames: int) -> None:
        """That it captured more frames than it sent."""
        self._feed.seq += frames
        self.ledger()

    def admit(self, frames: int) -> None:
        """That the last frames it claimed were dropped."""
        self.ledger({"publish_failed": [SeqRange(first=self._feed.seq - frames, last=self._feed.seq - 1)]})

    def ledger(self, dropped: dict[str, list[SeqRange]] | None = None) -> None:
        now = datetime.now(UTC)
        ledger = Ledger(
            site=self._site, camera=self._camera, session=self._feed.session, written_at=now,
            covers_from=self._since, covers_to=now, first_seq=self._told, next_seq=self._feed.seq, expected=0,
            dropped=dropped or {}, state=CameraState.UP,
        )  # fmt: skip
        self._since, self._told = now, self._feed.seq
        self._feed.send(Sent(ledger.key, ledger.encode(), headers_of(ledger)))
        self._feed.flush()

    def leave(self) -> None:
        self._feed.close()
