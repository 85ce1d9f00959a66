"""The last thing FFmpeg said: OpenCV tells only that a source did not open, FFmpeg's log why."""

from __future__ import annotations

import ctypes
import os
import re
import tempfile

from pipeline.capture.spec import CameraSpec

MOST_BYTES = 64 * 1024


class FfmpegLog:
    """Takes over this process's standard output and error. Bounded: `trim` empties it when it has grown."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - open as long as the process
        os.dup2(self._file.fileno(), 1)
        os.dup2(self._file.fileno(), 2)

    def trim(self) -> None:
        if os.fstat(2).st_size > MOST_BYTES:
            os.ftruncate(2, 0)
            os.lseek(2, 0, os.SEEK_SET)

    def last_line(self, spec: CameraSpec) -> str:
        """Without its prefix, and without the camera's credentials."""
        ctypes.CDLL(None).fflush(None)  # OpenCV prints through C's buffer
        text = os.pread(2, MOST_BYTES, max(0, os.fstat(2).st_size - MOST_BYTES)).decode(errors="replace")
        lines = [re.sub(r"^(\[[^\]]*\]\s*)+", "", line).strip() for line in text.splitlines()]
        told = [line for line in lines if line and "global cap" not in line]
        if not told:
            return ""
        line = told[-1].replace(spec.location, spec.public_uri) if spec.location else told[-1]
        return re.sub(r"(?<=://)[^\s/]*@", "***@", line).replace("?timeout=0", "")[:200]
