"""ByteTrack (Zhang et al. 2022) of the library trackforge, behind our seam.

It counts frames, not seconds: it is told of no gap, and forgets a face after so many frames, however long they took.
"""

from __future__ import annotations

from datetime import datetime

from trackforge import BYTETRACK

from pipeline.analyze.detections import Floats

FORGET_FRAMES = 40  # four seconds of a camera of 10 frames/s
LEAST_SIZE = 1.0  # pixels
MATCH = 0.99  # the least overlap is 1 - MATCH; 0.8, its default, loses faces that move by half their width


class ByteTracker:
    """See the module. `sure`: confidence from which a face chooses first, and may begin a track."""

    def __init__(self, sure: float = 0.7, forget_frames: int = FORGET_FRAMES) -> None:
        self._tracks = BYTETRACK(track_thresh=sure, track_buffer=forget_frames, match_thresh=MATCH, det_thresh=sure)

    def update(self, boxes: Floats, confidence: Floats, at: datetime) -> list[int | None]:
        """See Tracker. A face that was not in the first frame has a number from the second time that it is seen."""
        faces = [
            ([x, y, max(w, LEAST_SIZE), max(h, LEAST_SIZE)], sure, 0)
            for (x, y, w, h), sure in zip(boxes.tolist(), confidence.tolist(), strict=True)
        ]
        numbers: list[int | None] = [None] * len(faces)
        for number, _, _, _, at_face in self._tracks.update(faces):
            if at_face is not None:
                numbers[at_face] = number
        return numbers
