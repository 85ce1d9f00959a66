"""What every CameraSource must do, whatever it reads. The tests make the material themselves."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.capture.images import ImagesSource, find_images
from pipeline.capture.source import CameraSource, Image, Picture
from pipeline.capture.synthetic import Scene, SyntheticSource
from pipeline.capture.video import NetworkStream, VideoFile, Webcam
from pipeline.errors import SourceError

FRAMES, FPS, WIDTH, HEIGHT = 12, 10.0, 160, 120


def picture(index: int) -> Image:
    """Told apart by brightness: 40 + 12 * index."""
    image = np.full((HEIGHT, WIDTH, 3), 40 + 12 * index, np.uint8)
    cv2.circle(image, (20 + 10 * index, 60), 15, (0, 0, 255), -1)
    return image


def video(folder: Path, name: str, codec: str) -> CameraSource:
    path = folder / name
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), FPS, (WIDTH, HEIGHT))
    assert writer.isOpened(), f"this OpenCV cannot write {codec}"
    for index in range(FRAMES):
        writer.write(picture(index))
    writer.release()
    return VideoFile(str(path))


def gif(folder: Path) -> CameraSource:
    animation = cv2.Animation()
    animation.frames = [picture(index) for index in range(FRAMES)]
    animation.durations = [int(1000 / FPS)] * FRAMES
    path = folder / "a clip, 100% #1.gif"
    assert cv2.imwriteanimation(str(path), animation)
    return VideoFile(str(path))


def images(folder: Path) -> CameraSource:
    for index in range(FRAMES):
        cv2.imwrite(str(folder / f"frame{index}.{'png' if index % 2 else 'jpg'}"), picture(index))
    (folder / "notes.txt").write_text("not a picture")
    found = find_images(str(folder))
    assert found is not None
    return ImagesSource(found, FPS)


@contextmanager
def mjpeg_server(parts: list[bytes]) -> Iterator[str]:
    """An HTTP camera that sends its parts and hangs up; its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for part in parts:
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(part)}\r\n\r\n"
                self.wfile.write(head.encode() + part + b"\r\n")
            self.wfile.write(b"--frame--\r\n")

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video.mjpg"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Case:
    """A source, and what is known of it. `live`: its end is an error."""

    source: CameraSource
    size: tuple[int, int] = (WIDTH, HEIGHT)
    bright: bool = True
    live: bool = False


@pytest.fixture(params=["mp4", "avi", "mkv", "gif", "images", "synthetic", "http", "webcam"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    match request.param:
        case "mp4":
            yield Case(video(tmp_path, "odd: name?.mp4", "mp4v"))
        case "avi":
            yield Case(video(tmp_path, "%02d.avi", "MJPG"))
        case "mkv":
            yield Case(video(tmp_path, "größe.mkv", "mp4v"))
        case "gif":
            yield Case(gif(tmp_path))
        case "images":
            yield Case(images(tmp_path))
        case "synthetic":
            yield Case(SyntheticSource(Scene(fps=FPS, frames=FRAMES)), size=(640, 480), bright=False)
        case "http":
            jpegs = [cv2.imencode(".jpg", picture(index))[1].tobytes() for index in range(FRAMES)]
            with mjpeg_server(jpegs) as url:
                yield Case(NetworkStream(url, connect=10, stall=5), live=True)
        case "webcam":
            if not Path("/dev/video0").exists():
                pytest.skip("this machine has no webcam at /dev/video0")
            yield Case(Webcam(0, None), bright=False, live=True)


def read(source: CameraSource) -> tuple[list[float], list[Picture | None]]:
    """All frames; a live source ends with an error."""
    times, pictures = [], []
    with suppress(SourceError):
        while (time := source.grab()) is not None:
            times.append(time)
            pictures.append(source.picture())
    return times, pictures


def test_gives_every_frame_in_order(case: Case) -> None:
    case.source.open()
    times, pictures = read(case.source)
    assert len(pictures) == FRAMES
    for index, each in enumerate(pictures):
        assert each is not None
        assert each.image.shape == (*case.size[::-1], 3)
        assert each.image.dtype == np.uint8
        if case.bright:
            assert each.image[5:20].mean() == pytest.approx(40 + 12 * index, abs=6)
    if case.live:
        with pytest.raises(SourceError) as caught:
            case.source.grab()
        assert not caught.value.permanent
    else:
        assert times == pytest.approx([index / FPS for index in range(FRAMES)], abs=0.01)
        assert case.source.fps == pytest.approx(FPS, rel=0.05)
        assert case.source.grab() is None
        assert case.source.early_end() == ""


def test_can_be_opened_again(case: Case) -> None:
    case.source.open()
    case.source.grab()
    case.source.close()
    case.source.close()
    case.source.open()
    assert len(read(case.source)[1]) == FRAMES
    case.source.close()


def test_frames_can_be_passed_over(case: Case) -> None:
    case.source.open()
    for _ in range(3):
        case.source.grab()
    seen = case.source.picture()
    assert seen is not None
    if case.bright:
        assert seen.image[5:20].mean() == pytest.approx(40 + 12 * 2, abs=6)


def test_open_fails_with_a_source_error(case: Case, tmp_path: Path) -> None:
    missing: dict[type, Callable[[], CameraSource]] = {
        VideoFile: lambda: VideoFile(str(tmp_path / "missing.mp4")),
        NetworkStream: lambda: NetworkStream("http://127.0.0.1:9/none", connect=2, stall=2),
        Webcam: lambda: Webcam(99, None),
    }
    make = missing.get(type(case.source))
    if make is None:
        pytest.skip("this source needs nothing that could be missing once its paths are found")
    with pytest.raises(SourceError) as caught:
        make().open()
    assert caught.value.permanent == isinstance(case.source, VideoFile)
