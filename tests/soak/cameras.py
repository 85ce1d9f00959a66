"""Cameras that give a system no rest: they drop connections, refuse them and fall silent, and people come and go."""

from __future__ import annotations

import contextlib
import http.server
import itertools
import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.capture.spec import Size
from pipeline.capture.synthetic import Scene, SyntheticSource
from tests.capturing import send_jpeg, start_mjpeg

SIZE = Size(320, 240)
SCENE_FRAMES = 40
PEOPLE = (0, 1, 2, 3, 1, 2)  # by scene


def scenes(seed: int) -> list[list[bytes]]:
    """JPEGs of some scenes, each with people of its own."""
    return [_scene(seed + number, people) for number, people in enumerate(PEOPLE)]


def clip(file: Path, pictures: list[bytes], fps: float = 10) -> Path:
    """The pictures as a video file."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), fps, (SIZE.width, SIZE.height))
    for jpeg in pictures:
        writer.write(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
    writer.release()
    return file


def _scene(seed: int, people: int) -> list[bytes]:
    source = SyntheticSource(Scene(people=people, seed=seed, size=SIZE, frames=SCENE_FRAMES))
    source.open()
    jpegs = []
    while source.grab() is not None:
        jpegs.append(cv2.imencode(".jpg", source.picture().image)[1].tobytes())
    return jpegs


@dataclass
class Rate:
    """Frames/s that each camera gives; set from outside while they run."""

    fps: float


class RestlessCameras:
    """HTTP cameras at `url(name)`; a context manager. `connections`: how many were answered with pictures."""

    def __init__(self, pictures: list[list[bytes]], rate: Rate, seed: int) -> None:
        self.connections = 0
        self._pictures = pictures
        self._rate = rate
        self._seed = seed
        self._number = itertools.count()
        self._over = threading.Event()
        cameras = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                cameras._answer(self)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> RestlessCameras:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{name}.mjpg?id={name}"

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Mostly pictures for some seconds, then the line drops; at times a refusal, at times silence."""
        chance = random.Random(f"{self._seed} {next(self._number)}")
        mood = chance.random()
        if mood < 0.1:
            handler.send_error(503)
            return
        start_mjpeg(handler)
        if mood < 0.15:
            self._over.wait(5)
            return
        self.connections += 1
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._stream(handler, chance.uniform(5, 25), self._walk(chance))

    def _stream(self, handler: http.server.BaseHTTPRequestHandler, seconds: float, pictures: Iterator[bytes]) -> None:
        due = time.monotonic()
        end = due + seconds
        while due < end and not self._over.is_set():
            send_jpeg(handler, next(pictures))
            due = max(due + 1 / self._rate.fps, time.monotonic() - 1)
            self._over.wait(max(0.0, due - time.monotonic()))
        handler.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 9999\r\n\r\n\xff\xd8")  # cut off
        handler.connection.shutdown(socket.SHUT_RDWR)

    def _walk(self, chance: random.Random) -> Iterator[bytes]:
        """Scene after scene, from its middle to somewhere else in it."""
        while True:
            scene = chance.choice(self._pictures)
            start, length = chance.randrange(SCENE_FRAMES), chance.randrange(10, 60)
            for index in range(start, start + length):
                yield scene[index % len(scene)]
