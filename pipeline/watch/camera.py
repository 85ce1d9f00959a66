"""What is known of one camera. Pure; times are arguments."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.messages import (
    CameraSight,
    CameraState,
    CameraStatus,
    DesiredCamera,
    Face,
    Idle,
    Ledger,
    Observation,
    Stub,
)
from pipeline.watch.recent import Recent

Event = Observation | Stub | Ledger | Idle | CameraStatus | CameraSight
FPS_SECONDS = 10
LOSS_SECONDS = 60
PLAUSIBLE = 86400.0  # seconds of lag; more is a file of another time
REASONS = 20  # for which frames are dropped; there are some six
SHOWN = 32  # latest observations, of which the one that belongs to the preview is shown


@dataclass(frozen=True, slots=True)
class Preview:
    """A small low-passed picture, as it came from the analyzer. `session`, `seq`: of which frame."""

    site: str
    camera: str
    session: int
    seq: int
    captured_at: datetime
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """The faces of one frame. `latency`: seconds from its capture to its observation."""

    session: int
    seq: int
    captured_at: datetime
    heard_at: datetime
    width: int
    height: int
    faces: tuple[Face, ...]
    latency: float


@dataclass(frozen=True, slots=True)
class CameraNow:
    """One camera at a moment.

    `state`, `reason`, `since`: as capture told them last; None while it told nothing. `sight`: what blinds it, "" while
    it sees. `fps`: observed frames a second; `expected_fps`: what it promises, None where nobody told. `lag`: how old
    what was seen last is, in seconds. `dropped`, `dead`: frames of the last minute. `heard_at`: when a record last
    came, `seen_at`: when a frame was last observed. `shown`: the frame that `preview` shows, or else the last one.
    """

    id: str
    desired: DesiredCamera | None
    state: CameraState | None
    reason: str
    since: datetime | None
    source: str
    session: int
    attempt: int
    sight: str
    sight_since: datetime | None
    fps: float
    expected_fps: float | None
    lag: float | None
    dropped: Mapping[str, int]
    dead: int
    heard_at: datetime | None
    seen_at: datetime | None
    shown: Seen | None
    preview: Preview | None


@dataclass(slots=True)
class CameraView:
    """Folds the records of one camera."""

    id: str
    desired: DesiredCamera | None = None
    state: CameraState | None = None
    reason: str = ""
    since: datetime | None = None
    source: str = ""
    session: int = 0
    attempt: int = 0
    sight: str = ""
    sight_since: datetime | None = None
    expected_fps: float | None = None
    heard_at: datetime | None = None
    preview: Preview | None = None
    _seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=SHOWN))
    _frames: Recent = field(default_factory=lambda: Recent(FPS_SECONDS))
    _dead: Recent = field(default_factory=lambda: Recent(LOSS_SECONDS))
    _dropped: dict[str, Recent] = field(default_factory=dict)

    def add(self, record: Event, at: datetime) -> None:
        """`at`: when the record came."""
        if not isinstance(record, Idle):  # an aggregator tells it of a camera that is silent
            self.heard_at = at
        match record:
            case Observation():
                self._observed(record, at)
            case Stub():
                self._dead.add(at)
            case Ledger():
                self._ledger(record, at)
            case CameraStatus():
                self._status(record)
            case CameraSight():
                self.sight, self.sight_since = record.sight, (record.since or record.at) if record.sight else None

    def now(self, now: datetime) -> CameraNow:
        last = self._seen[-1] if self._seen else None
        dropped = {reason: int(recent.total(now)) for reason, recent in sorted(self._dropped.items())}
        return CameraNow(
            id=self.id,
            desired=self.desired,
            state=self.state,
            reason=self.reason,
            since=self.since,
            source=self.source,
            session=self.session,
            attempt=self.attempt,
            sight=self.sight,
            sight_since=self.sight_since,
            fps=round(self._frames.rate(now), 1),
            expected_fps=self.expected_fps,
            lag=self._lag(last, now),
            dropped={reason: count for reason, count in dropped.items() if count},
            dead=int(self._dead.total(now)),
            heard_at=self.heard_at,
            seen_at=last.heard_at if last else None,
            shown=self._shown(),
            preview=self.preview,
        )

    def _status(self, record: CameraStatus) -> None:
        if self.since is not None and record.at < self.since:
            return
        if self.since is None or record.state is not self.state or record.state is not CameraState.DOWN:
            self.since = record.at  # each attempt tells anew that it is down
        self.state, self.reason, self.attempt = record.state, record.reason, record.attempt
        self.session, self.source = record.session, record.source or self.source

    def _observed(self, record: Observation, at: datetime) -> None:
        latency = (record.processed_at - record.captured_at).total_seconds()
        size = record.width, record.height
        seen = Seen(record.session, record.seq, record.captured_at, at, *size, tuple(record.faces), latency)
        if self._seen and (seen.session, seen.seq) <= (self._seen[-1].session, self._seen[-1].seq):
            return  # written again after a crash
        self._seen.append(seen)
        self._frames.add(at)
        if record.blind != self.sight:
            self.sight, self.sight_since = record.blind, record.captured_at if record.blind else None

    def _ledger(self, record: Ledger, at: datetime) -> None:
        if self.state is None:  # what the status said has expired long ago
            self.state, self.reason, self.session = record.state, record.reason, record.session
        seconds = (record.covers_to - record.covers_from).total_seconds()
        if seconds > 0.5 and record.expected > 0:
            self.expected_fps = round(record.expected / seconds, 1)
        counts = Counter({reason: sum(map(len, ranges)) for reason, ranges in record.dropped.items()})
        for reason, count in counts.items():
            if reason in self._dropped or len(self._dropped) < REASONS:
                self._dropped.setdefault(reason, Recent(LOSS_SECONDS)).add(at, count)

    def _lag(self, last: Seen | None, now: datetime) -> float | None:
        """By the clocks of capture and analyze until it was observed, by ours since: theirs may differ from ours."""
        if last is None or (self.desired is not None and not self.desired.realtime) or last.latency > PLAUSIBLE:
            return None
        return round(max(0.0, last.latency) + max(0.0, (now - last.heard_at).total_seconds()), 1)

    def _shown(self) -> Seen | None:
        if self.preview is not None:
            for seen in reversed(self._seen):
                if (seen.session, seen.seq) == (self.preview.session, self.preview.seq):
                    return seen
        return self._seen[-1] if self._seen else None
