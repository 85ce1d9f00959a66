"""Whether a camera sees: from glances at its pictures, in event time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.analyze.sight.glance import Glance
from pipeline.analyze.sight.latch import Latch
from pipeline.analyze.sight.usual import Usual
from pipeline.settings import SightSettings

DARK = "dark"
OVEREXPOSED = "overexposed"
COVERED = "covered"
FROZEN = "frozen"
MOVED = "moved"
OUT_OF_FOCUS = "out_of_focus"
REASONS = (DARK, OVEREXPOSED, COVERED, FROZEN, MOVED, OUT_OF_FOCUS)
"""Why a camera sees nothing of use. Where several hold, the first is told."""

GAP_SECONDS = 10.0  # of a longer pause nothing is known; pictures that come later than this are of a clock set back
DARK_BACK = 8.0  # gray levels from a limit to where it is left again
WHITE_BACK = 10.0
CHANGED_LEVELS = 1  # a point that differs by more has changed
STILL = 0.015  # part of the points that may have changed in a picture that stands still
PLAIN, NOT_PLAIN = 0.06, 0.1  # texture of a picture of nothing at all, with its noise
BARE, NOT_BARE = 0.5, 0.65  # parts of the usual texture
NOT_COVERED = 0.25  # texture, where nobody knows the usual one
LIKE_BACK = 0.2  # likeness from its limit to where it is left again
BLURRED = 0.76  # part of the usual sharpness
BLURRED_MOST = 1.25  # of the least sharpness: no picture that is sharper is out of focus
SHARP_BACK = 1.1  # of the limit in force, to leave it


class SightMonitor:
    """Of one camera, over all its sessions. `sight`: one of REASONS, "" while it sees; `since`: when that began."""

    def __init__(self, settings: SightSettings) -> None:
        self.sight = ""
        self.since: datetime | None = None
        self._settings = settings
        enter = {DARK: settings.light_seconds, OVEREXPOSED: settings.light_seconds, FROZEN: settings.frozen_seconds}
        self._latches = {
            reason: Latch(enter.get(reason, settings.view_seconds), settings.clear_seconds) for reason in REASONS
        }
        self._at: datetime | None = None  # of the latest picture
        self._usual = Usual()
        self._new = Usual()  # the view since the camera was moved
        self._still: Image | None = None  # the picture that may be standing still

    def restore(self, sight: str, at: datetime) -> None:
        """As it was when another analyzer watched the camera last; what is usual is learned anew."""
        if sight in self._latches:
            self._latches[sight].set(True)
            self.sight, self.since = sight, at

    def update(self, glance: Glance, at: datetime) -> str:
        """The camera's sight with this picture, captured `at`. A picture of before the latest tells nothing new."""
        seconds = (at - self._at).total_seconds() if self._at is not None else 0.0
        if -GAP_SECONDS <= seconds < 0:
            return self.sight
        self._at = at
        seconds = seconds if 0 <= seconds <= GAP_SECONDS else 0.0
        self._motion(glance, seconds)
        fine = self._light(glance, seconds)
        if fine:  # with too little or too much light, nothing can be said of the rest
            fine = self._view(glance, seconds)
            fine = self._focus(glance, seconds) and fine
        sight = next((reason for reason in REASONS if self._latches[reason].on), "")
        if sight != self.sight:
            turning = self._latches[sight or self.sight].turning
            self.sight, self.since = sight, at - timedelta(seconds=turning)
            self._new = Usual()
        if sight == MOVED or (sight == COVERED and fine and not self._usual.known):
            self._learn_new(glance, seconds)
        elif fine and not sight:
            self._usual.learn(glance, seconds)
        return self.sight

    def _light(self, glance: Glance, seconds: float) -> bool:
        """Whether there is neither too little nor too much of it."""
        dark, white = self._settings.dark_level, self._settings.white_level
        bad = {DARK: bool(dark) and glance.light <= dark, OVEREXPOSED: bool(white) and glance.shade >= white}
        good = {DARK: glance.light > dark + DARK_BACK, OVEREXPOSED: glance.shade < white - WHITE_BACK}
        on = [self._latches[reason].update(bad[reason], good[reason], seconds) for reason in bad]
        return not any(bad.values()) and not any(on)

    def _motion(self, glance: Glance, seconds: float) -> None:
        """Compared with the picture that it came to a stand with, so that slow changes count at any frame rate."""
        latch = self._latches[FROZEN]
        still = self._still is not None and _changed(self._still, glance.points) <= STILL
        if not still and not latch.on:
            latch.set(False)
            self._still, still = glance.points, True
        if self._settings.frozen_seconds:
            latch.update(still, not still, seconds)

    def _view(self, glance: Glance, seconds: float) -> bool:
        """Whether it is the view that the camera usually has, and a view at all."""
        least, usual = self._settings.min_likeness, self._usual
        likeness = usual.likeness(glance) if usual.steady and least else None
        lost = likeness is not None and likeness < least
        found = likeness is not None and likeness > least + LIKE_BACK
        plain = bool(least) and glance.texture < PLAIN
        hidden = plain or (lost and glance.texture < BARE * usual.texture)
        enough = NOT_BARE * usual.texture if usual.known else NOT_COVERED
        clear = glance.texture > NOT_PLAIN and (found or glance.texture > enough)
        self._latches[COVERED].update(hidden, clear, seconds)
        self._latches[MOVED].update(lost, found, seconds)
        return not lost and not plain

    def _focus(self, glance: Glance, seconds: float) -> bool:
        """Whether there is nothing out of it."""
        least = self._settings.min_sharpness
        usual = self._usual.sharpness if self._usual.known else None
        limit = min(max(least, BLURRED * (usual or 0.0)), BLURRED_MOST * least)
        if glance.sharpness is None:  # a plain view is as good as ever where it is the usual one
            bad, good = False, usual is None
        else:
            bad, good = glance.sharpness < limit, glance.sharpness > limit * SHARP_BACK
        return not self._latches[OUT_OF_FOCUS].update(bad, good, seconds) and not bad

    def _learn_new(self, glance: Glance, seconds: float) -> None:
        """Of a camera that was moved for good the new view becomes the usual one, in the end; as does what a camera
        shows that is said to be covered, where nobody knows what it was like before."""
        self._new.learn(glance, seconds)
        if self._new.seconds >= self._settings.relearn_seconds:
            self._usual, self._new = self._new, Usual()
            self._latches[self.sight].set(False)


def _changed(before: Image, now: Image) -> float:
    """Part of the points that differ beyond noise; all of them where others are shown."""
    if before.shape != now.shape:
        return 1.0
    apart = cv2.compare(cv2.absdiff(before, now), CHANGED_LEVELS, cv2.CMP_GT)
    return cv2.countNonZero(apart) / now.size
