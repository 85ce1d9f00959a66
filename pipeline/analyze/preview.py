"""When a camera's next preview is due, and which faces are to be filled in it. Pure."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from pipeline.messages import Box

REMEMBERED = timedelta(seconds=2)  # for so long the place of a face is filled that is found no more
FRAMES_REMEMBERED = 512


class Previews:
    """Of one camera: when the next one is due, and where faces were seen of late. `every`: in the camera's time."""

    def __init__(self, every: timedelta) -> None:
        self._every = every
        self._last: datetime | None = None
        self._seen: deque[tuple[datetime, list[Box]]] = deque(maxlen=FRAMES_REMEMBERED)

    def due(self, at: datetime) -> bool:
        """Whether the frame of this moment gets one. A clock that was set back begins anew."""
        if self._last is not None and timedelta(0) <= at - self._last < self._every:
            return False
        self._last = at
        return True

    def saw(self, at: datetime, faces: list[Box]) -> None:
        """The faces of each frame, in the order of the log."""
        self._seen.append((at, faces))
        while abs(at - self._seen[0][0]) > REMEMBERED:
            self._seen.popleft()

    def to_fill(self) -> list[Box]:
        """Faces of the last frame, and of those shortly before."""
        return [face for _, faces in self._seen for face in faces]
