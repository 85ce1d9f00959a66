"""A camera that is a process of its own, so that it can be killed, stopped, blinded, or made to hang up."""

from __future__ import annotations

import http.server
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from pipeline.capture.synthetic import SyntheticSource
from pipeline.local.ports import LOOPBACK, free_ports
from tests.capturing import send_jpeg, start_mjpeg

FPS = 5.0
SIZE = "160x120"
FLAPPING_FRAMES = 5  # of a connection, then it hangs up
ROOM, DARK, FLAPPING = "room", "dark", "flapping"


class Camera:
    """Serves an MJPEG stream of a room with one person in it. `with` it."""

    def __init__(self, folder: Path, name: str, seed: int) -> None:
        self.name = name
        self._seed = seed
        self._mode = folder / f"{name}.mode"
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://{LOOPBACK}:{self._port}/{self.name}.mjpg?id={self.name}&fps={FPS:g}"

    def __enter__(self) -> Camera:
        self.show(ROOM)
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.alerts_real.camera", str(self._port), str(self._seed), str(self._mode)]
        self._process = subprocess.Popen(command)

    def kill(self) -> None:
        """-9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def show(self, mode: str) -> None:
        new = self._mode.with_suffix(".new")
        new.write_text(mode)
        new.replace(self._mode)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    seed: int
    mode: Path


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        start_mjpeg(self)
        source = SyntheticSource.from_options({"people": "1", "seed": str(self.server.seed), "size": SIZE}, FPS)
        source.open()
        due, sent = time.monotonic(), 0
        while source.grab() is not None:
            mode = self.server.mode.read_text()
            if mode == FLAPPING and sent >= FLAPPING_FRAMES:
                return
            image = source.picture().image
            shown = np.zeros_like(image) if mode == DARK else image
            send_jpeg(self, cv2.imencode(".jpg", shown)[1].tobytes())
            sent += 1
            due += 1 / FPS
            time.sleep(max(0.0, due - time.monotonic()))

    def log_message(self, *args: object) -> None:
        pass


def main(port: str, seed: str, mode: str) -> None:
    server = _Server((LOOPBACK, int(port)), _Handler)
    server.seed, server.mode = int(seed), Path(mode)
    server.handle_error = lambda *of: None  # type: ignore[method-assign]  # who watches may hang up
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
