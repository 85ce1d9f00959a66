"""Video files, network streams and webcams through OpenCV."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import cv2
import numpy as np

from pipeline.capture.cut_off import is_cut_off
from pipeline.capture.source import Image, Picture
from pipeline.errors import SourceError

DEFAULT_FPS = 25.0  # of files that do not tell theirs
DAMAGED_IN_A_ROW = 256  # packets of a file that may fail to decode before it counts as ended
MJPEG = cv2.VideoWriter.fourcc(*"MJPG")
QUICK_SECONDS = 0.5  # a grab that fails sooner met damaged data, not a silent stream


class _Video:
    """What the three have in common. `retries`: failing grabs in a row that are taken for damaged frames."""

    retries = 0
    capture: cv2.VideoCapture | None = None

    def grab(self) -> float | None:
        capture = self._opened()
        for _ in range(self.retries + 1):
            before = time.monotonic()
            if capture.grab():
                return self.timestamp(capture)
            if time.monotonic() - before > QUICK_SECONDS:
                break
        return None

    def timestamp(self, capture: cv2.VideoCapture) -> float:
        return math.nan

    def picture(self) -> Picture | None:
        image = self.image()
        return None if image is None else Picture(image)

    def image(self) -> Image | None:
        good, image = self._opened().retrieve()
        return np.asarray(image, np.uint8) if good and image is not None and image.size else None

    def early_end(self) -> str:
        return ""

    def close(self) -> None:
        if self.capture is not None:
            self.capture.release()
        self.capture = None

    def _opened(self) -> cv2.VideoCapture:
        if self.capture is None:
            raise SourceError("the source is not open")
        return self.capture


class VideoFile(_Video):
    """A video file or GIF: every frame that its decoder gives, over damaged ones too."""

    retries = DAMAGED_IN_A_ROW

    def __init__(self, path: str) -> None:
        self._path = Path(path).absolute()  # FFmpeg takes "a:b.mp4" for a protocol, "/x/a:b.mp4" not
        self._last = 0.0  # timestamp of the last frame
        self._fps = DEFAULT_FPS

    @property
    def fps(self) -> float:
        return self._fps

    def open(self) -> None:
        if not self._path.exists():
            raise SourceError("no such file", permanent=True)
        if not os.access(self._path, os.R_OK):
            raise SourceError("the file may not be read by this user", permanent=True)
        if self._path.is_file():
            _refuse_text(self._path)
        self.capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not self.capture.isOpened():
            self.close()
            raise SourceError("not a video that can be read", permanent=True)
        fps = self.capture.get(cv2.CAP_PROP_FPS)
        self._fps = fps if math.isfinite(fps) and 0 < fps <= 1000 else DEFAULT_FPS
        self._last = 0.0

    def grab(self) -> float | None:
        timestamp = super().grab()
        if timestamp is not None:
            self._last = max(self._last, timestamp)
        return timestamp

    def timestamp(self, capture: cv2.VideoCapture) -> float:
        return float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000

    def early_end(self) -> str:
        """Trimmed files and longer sound look short as well: only a file that lacks bytes is called cut off."""
        promised = self._opened().get(cv2.CAP_PROP_FRAME_COUNT) / self._fps
        if math.isfinite(promised) and self._last < min(promised - 1.0, 0.95 * promised) and is_cut_off(self._path):
            return f"the file is cut off: {self._last:.1f} of {promised:.1f} s could be read"
        return ""


class NetworkStream(_Video):
    """RTSP (over TCP) or HTTP, received by FFmpeg. `connect`, `stall`: seconds without an answer or a frame.

    Motion JPEG is taken as it was sent: decoded by FFmpeg, OpenCV would stretch each picture to the first one's size.
    """

    retries = 16
    _jpegs = False  # what is retrieved is a JPEG, not pixels

    def __init__(self, url: str, connect: float, stall: float) -> None:
        self._url = url
        self._connect = connect
        self._stall = stall

    @property
    def fps(self) -> None:
        return None  # what streams say of their rate is often made up: it is measured instead

    def open(self) -> None:
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            int(self._connect * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            int(self._stall * 1000),
        ]
        self.capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, timeouts)
        if not self.capture.isOpened():
            self.close()
            raise SourceError("cannot connect")
        self._jpegs = self.capture.get(cv2.CAP_PROP_FOURCC) == MJPEG and self.capture.set(cv2.CAP_PROP_FORMAT, -1)

    def image(self) -> Image | None:
        found = super().image()
        if found is None or not self._jpegs:
            return found
        try:
            image = cv2.imdecode(found, cv2.IMREAD_COLOR)
        except cv2.error:  # it claims to be larger than a picture may be
            return None
        return None if image is None else np.asarray(image, np.uint8)

    def grab(self) -> float:
        before = time.monotonic()
        timestamp = super().grab()
        if timestamp is None:
            waited = time.monotonic() - before
            raise SourceError(f"no frame for {waited:.0f} s" if waited > 1 else "the stream ended")
        return timestamp


class Webcam(_Video):
    """A camera of this machine by its number."""

    retries = 4

    def __init__(self, index: int, fps: float | None) -> None:
        self._index = index
        self._wanted = fps
        self._fps: float | None = None

    @property
    def fps(self) -> float | None:
        return self._fps

    def open(self) -> None:
        if not Path(f"/dev/video{self._index}").exists():
            raise SourceError(f"no webcam at /dev/video{self._index}")
        self.capture = cv2.VideoCapture(self._index)
        if not self.capture.isOpened():
            self.close()
            raise SourceError(f"the webcam at /dev/video{self._index} cannot be opened, or is in use")
        if self._wanted:
            self.capture.set(cv2.CAP_PROP_FPS, self._wanted)
        fps = self.capture.get(cv2.CAP_PROP_FPS)
        self._fps = fps if math.isfinite(fps) and 0 < fps <= 240 else None

    def grab(self) -> float:
        timestamp = super().grab()
        if timestamp is None:
            raise SourceError("the webcam stopped giving frames")
        return timestamp


def _refuse_text(path: Path) -> None:
    """FFmpeg would draw a text file as pictures of text, or follow a play list to other files."""
    with path.open("rb") as file:
        start = file.read(4096)
    if not start:
        raise SourceError("the file is empty", permanent=True)
    if all(byte >= 32 or byte in b"\t\n\r\f\x1b" for byte in start) and _is_utf8(start):
        raise SourceError("a text file, not a video", permanent=True)


def _is_utf8(start: bytes) -> bool:
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4  # a character cut by the end of the sample
    return True
