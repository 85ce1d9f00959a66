"""The seam to trackers, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from pipeline.analyze.detections import Floats
from pipeline.errors import DependencyError


class Tracker(Protocol):
    """Tells the faces of one camera apart from frame to frame, by place and size alone.

    Frames come in the order of the log. Their times may jump, stand still or run back.
    """

    def update(self, boxes: Floats, confidence: Floats, at: datetime) -> list[int | None]:
        """A frame's faces -> the number of each one's track; None for one too doubtful to begin a track with.

        boxes: (N, 4) x, y of the top left corner, width, height; pixels. confidence: (N,) 0..1.
        A number belongs to one face of a frame at most, and is never given again to another track.
        """
        ...


MakeTracker = Callable[[], Tracker]


def maker(kind: str) -> MakeTracker:
    """What makes a camera's tracker: "motion", our own, or "bytetrack". docs/decisions/0009 compares them.

    Raises DependencyError when "bytetrack" is asked for and its library is not installed.
    """
    from pipeline.analyze.tracking.motion import MotionTracker

    if kind == "motion":
        return MotionTracker
    if kind != "bytetrack":
        raise ValueError(f"no tracker {kind!r}")
    try:
        from pipeline.analyze.tracking.byte_track import ByteTracker
    except ImportError:
        raise DependencyError("the tracker bytetrack needs trackforge", "pip install 'emostream[bytetrack]'") from None
    return ByteTracker
