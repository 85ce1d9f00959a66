"""One picture of a camera that is not added yet: whether it answers, and about what it sees. Nothing is published."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from pipeline.capture import wire
from pipeline.capture.connection import CameraProcess
from pipeline.capture.spec import CameraSpec, ReadOptions
from pipeline.capture.watchdog import Watchdog
from pipeline.errors import SourceError
from pipeline.settings import Settings


@dataclass(frozen=True)
class Probed:
    """`jpeg`: cut down and masked as a preview is, see pipeline.sketch. Size: pixels of the frames that come. `fps`:
    the source's own rate, None where the first frame does not tell."""

    jpeg: bytes
    width: int
    height: int
    fps: float | None = None


def probe(spec: CameraSpec, settings: Settings) -> Probed:
    """As `look`, for somebody who is to see the picture. Raises SourceError also where `privacy` shows none."""
    if not settings.privacy.shows_previews:
        raise SourceError("pictures are switched off by the section privacy of the settings", permanent=True)
    return look(spec, settings)


def look(spec: CameraSpec, settings: Settings) -> Probed:
    """The first picture, as `privacy` lets it be seen: the camera's process gives away nothing else.

    Takes as long as the camera needs, at most `capture.connect_timeout_seconds` once its process runs. Raises
    SourceError with the reason where none comes.
    """
    capture, privacy = settings.capture, settings.privacy
    options = ReadOptions(
        capture.max_side,
        connect_timeout=capture.connect_timeout_seconds,
        stall_timeout=capture.stall_timeout_seconds,
        cells=privacy.preview_cells,
    )
    never, kept_open = os.pipe()  # what would wake us; nobody does
    process = CameraProcess(spec, options)
    try:
        return _first(process, never, Watchdog(time.monotonic(), options.connect_timeout, options.stall_timeout))
    finally:
        process.end()
        os.close(never)
        os.close(kept_open)


def _first(process: CameraProcess, wake: int, watchdog: Watchdog) -> Probed:
    while not watchdog.expired(now := time.monotonic()):
        try:
            message = process.hear(watchdog.deadline - now, wake)
        except (EOFError, ValueError) as error:
            raise SourceError(f"the camera's process broke off: {error}") from None
        match message:
            case wire.Frame():
                return Probed(message.jpeg, message.width, message.height, message.fps)
            case wire.Alive():
                watchdog.alive(time.monotonic())
            case wire.Ended():
                raise SourceError(message.reason or "it ended before its first frame", permanent=True)
            case wire.Failed():
                raise SourceError(message.reason, permanent=message.permanent)
    raise SourceError(watchdog.reason)
