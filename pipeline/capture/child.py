"""One connection to one camera, in a process of its own: `python -m pipeline.capture.child FD PARENT_PID`.

A decoder that hangs, leaks or crashes takes only this process with it. It is told its task through the pipe, opens
the source once, sends frames until something ends it, says why, and exits. It dies with its parent: by
PR_SET_PDEATHSIG, and because the pipe ends.
"""

from __future__ import annotations

import ctypes
import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.capture import wire
from pipeline.capture.ffmpeg_log import FfmpegLog
from pipeline.capture.pace import MediaClock, RateCap, SourceRate
from pipeline.capture.spec import CameraKind, CameraSpec, ReadOptions, decode_task
from pipeline.cores import forbid
from pipeline.errors import SourceError
from pipeline.masks import Polygons, blacken
from pipeline.sketch import preview, sketch

if TYPE_CHECKING:
    from pipeline.capture.source import CameraSource, Image

ALIVE_SECONDS = 0.5
MAX_PIXELS = 2**27  # of one picture: larger claims are refused before memory is taken
ENVIRONMENT = {
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(MAX_PIXELS),
    "OPENCV_FFMPEG_LOGLEVEL": "24",  # warnings: the reason of a failed connect is only there
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_THREADS": "1",
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp",
    "OMP_NUM_THREADS": "1",
}

Send = Callable[[wire.Message], None]


def main(fd: int, parent: int) -> None:
    _die_with(parent)
    forbid()
    pipe = socket.socket(fileno=fd)
    spec, options = decode_task(wire.receive(pipe))
    threading.Thread(target=_exit_at_end_of, args=(pipe,), daemon=True).start()
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    log = FfmpegLog()

    def send(message: wire.Message) -> None:
        pipe.sendall(wire.framed(wire.encode(message)))
        log.trim()

    try:
        _capture(spec, options, send, log)
    except SourceError as error:
        send(wire.Failed(str(error), error.permanent))
    except MemoryError:
        send(wire.Failed("out of memory", False))
    except (BrokenPipeError, ConnectionResetError):
        pass  # the parent went away
    except Exception as error:
        send(wire.Failed(f"{type(error).__name__}: {error}", False))


def _capture(spec: CameraSpec, options: ReadOptions, send: Send, log: FfmpegLog) -> None:
    """Reads the source to its end. Raises SourceError."""
    send(wire.Alive())
    import cv2

    cv2.setNumThreads(1)
    from pipeline.capture.choose import source_of

    source = source_of(spec, options)
    if "quality" in spec.options:
        options = ReadOptions(**{**options.__dict__, "jpeg_quality": int(spec.options["quality"])})
    reader = _Reader(source, spec, options, send)
    while True:
        frames = reader.taken
        _open(source, spec, log)
        reader.read_to_end()
        reason = source.early_end()
        source.close()
        if reader.taken == frames and (reader.taken == 0 or spec.loop):
            raise SourceError("no frame of it could be read", permanent=True)
        if not spec.loop:
            send(wire.Ended(reason))
            return


def _open(source: CameraSource, spec: CameraSpec, log: FfmpegLog) -> None:
    try:
        source.open()
    except SourceError as error:
        silent = "FFmpeg gives no reason: are user and password right?" if spec.kind is CameraKind.NETWORK else ""
        detail = log.last_line(spec) or silent
        raise SourceError(f"{error} ({detail})" if detail else str(error), permanent=error.permanent) from None


class _Reader:
    """Reads a source: which frames are captured, when, and in what form."""

    def __init__(self, source: CameraSource, spec: CameraSpec, options: ReadOptions, send: Send) -> None:
        self._source = source
        self._options = options
        self._masks = spec.masks
        self._send = send
        self._by_arrival = spec.endless
        self._paced = spec.live and not spec.endless
        self._cap = RateCap(spec.fps)
        self._rate = SourceRate()
        self._clock = MediaClock()
        self._started = time.monotonic()
        self._last_word = time.monotonic()
        self._after = -math.inf if options.after is None else options.after
        self.taken = 0
        """Frames sent, by this process or by the one whose work it continues."""

    def read_to_end(self) -> None:
        nominal = self._source.fps or 25.0
        self._clock.restart(nominal)
        if not self.taken:
            self._started = time.monotonic()
        while (timestamp := self._source.grab()) is not None:
            now = time.monotonic()
            if self._by_arrival:
                self._rate.arrived(now)
                media_time = now - self._started
            else:
                media_time = self._clock.time(timestamp, nominal)
            fps = self._source.fps or self._rate.fps
            if not self._cap.takes(media_time, fps):
                self._alive()
                continue
            if media_time <= self._after:
                self.taken += 1
                self._started = now - media_time
                self._alive()
                continue
            if self._paced:
                self._wait_until(self._started + media_time)
            taken_at = time.monotonic()
            picture = self._source.picture()
            if picture is None:
                self._alive()
                continue
            jpeg, width, height = encode_jpeg(picture.image, self._options, self._masks)
            self._say(wire.Frame(media_time, taken_at, width, height, fps, picture.scripted, jpeg))
            self.taken += 1

    def _wait_until(self, due: float) -> None:
        while (wait := due - time.monotonic()) > 0:
            time.sleep(min(wait, ALIVE_SECONDS))
            self._alive()

    def _alive(self) -> None:
        if time.monotonic() - self._last_word > ALIVE_SECONDS:
            self._say(wire.Alive())

    def _say(self, message: wire.Message) -> None:
        self._send(message)
        self._last_word = time.monotonic()


def encode_jpeg(image: Image, options: ReadOptions, masks: Polygons = ()) -> tuple[bytes, int, int]:
    """-> (JPEG, width, height) of the picture, its longer side at most `max_side` pixels. Masks blacken `image`."""
    import cv2

    height, width = image.shape[:2]
    if max(height, width) > options.max_side:
        scale = options.max_side / max(height, width)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    blacken(image, masks)
    if options.cells is not None:
        return preview(sketch(image, options.cells), ())[0], width, height
    good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, options.jpeg_quality])
    if not good:
        raise SourceError(f"a frame of {width}x{height} cannot be written as JPEG")
    return data.tobytes(), width, height


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _exit_at_end_of(pipe: socket.socket) -> None:
    """The parent says nothing after the task: its next sign is that it is gone."""
    try:
        pipe.recv(1)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
