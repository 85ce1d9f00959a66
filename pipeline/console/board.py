"""What is happening now, camera by camera: the state behind the live view. Pure; time is an argument."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from pipeline.messages import GONE, CameraState, CameraStatus, Face, Ledger, Observation, Stub

RATE_SECONDS = 5.0


@dataclass(slots=True)
class Row:
    """One camera. `recent`: arrival times of its latest observations, seconds."""

    camera: str
    state: CameraState = CameraState.CONNECTING
    reason: str = ""
    source: str = ""
    frames: int = 0
    faces: int = 0
    dropped: int = 0
    dead: int = 0
    latest: tuple[Face, ...] = ()
    scripted: list[str] | None = None
    recent: deque[float] = field(default_factory=deque)

    def rate(self, now: float) -> float:
        """Observations a second over the last seconds."""
        while self.recent and self.recent[0] < now - RATE_SECONDS:
            self.recent.popleft()
        return len(self.recent) / RATE_SECONDS


class Board:
    """Rows by camera, fed by the records of `emotion-events` and `camera-status`."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.lag = 0
        self._newest: dict[str, int] = {}  # session of each camera
        self._ended: dict[str, int] = {}  # sessions whose last ledger record came through

    @property
    def ended(self) -> set[str]:
        """Cameras whose last ledger record came through, and that were not started again since."""
        return {camera for camera, session in self._ended.items() if session >= self._newest[camera]}

    def add(self, message: Observation | Stub | Ledger | CameraStatus, now: float) -> None:
        row = self.rows.setdefault(message.camera, Row(message.camera))
        self._newest[message.camera] = max(message.session, self._newest.get(message.camera, 0))
        match message:
            case Observation():
                row.frames += 1
                row.faces += len(message.faces)
                row.latest = tuple(message.faces)
                row.scripted = message.scripted
                row.recent.append(now)
                row.rate(now)  # forgets the older ones
            case Stub():
                row.dead += 1
            case Ledger():
                row.dropped += sum(len(seqs) for ranges in message.dropped.values() for seqs in ranges)
                if message.final and message.state in GONE:
                    self._ended[message.camera] = message.session
            case CameraStatus():
                row.state, row.reason, row.source = message.state, message.reason, message.source or row.source
