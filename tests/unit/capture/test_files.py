"""Files that are not what they should be."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.capture.choose import source_of
from pipeline.capture.cut_off import is_cut_off
from pipeline.capture.images import ImagesSource, find_images, natural_order
from pipeline.capture.spec import CameraKind, CameraSpec, ReadOptions
from pipeline.capture.video import VideoFile
from pipeline.errors import SourceError


def spec(location: Path | str) -> CameraSpec:
    return CameraSpec("cam", CameraKind.PATH, str(location), str(location))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("text.mp4", b"this is a text, not a video\n" * 50, "a text file"),
        ("utf.mp4", "größe\n".encode() * 1000, "a text file"),
        ("list.txt", b"ffconcat version 1.0\nfile /etc/passwd\n", "a text file"),
        ("empty.mp4", b"", "empty"),
        ("noise.mkv", bytes(range(256)) * 40, "not a video"),
    ],
)
def test_what_is_no_video_fails_for_good(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=told) as caught:
        source_of(spec(path), ReadOptions()).open()
    assert caught.value.permanent


@pytest.mark.parametrize(("location", "told"), [("nowhere.mp4", "no such file"), ("no/*.jpg", "no file matches")])
def test_paths_that_lead_nowhere(tmp_path: Path, location: str, told: str) -> None:
    with pytest.raises(SourceError, match=told) as caught:
        source_of(spec(tmp_path / location), ReadOptions())
    assert caught.value.permanent


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SourceError, match="no images"):
        find_images(str(tmp_path))


def test_pictures_come_in_natural_order() -> None:
    names = [Path(name) for name in ("f10.jpg", "f2.jpg", "f1.jpg", "a.jpg")]
    assert [path.name for path in sorted(names, key=natural_order)] == ["a.jpg", "f1.jpg", "f2.jpg", "f10.jpg"]


def test_a_single_picture_and_a_glob(tmp_path: Path) -> None:
    for name in ("a 1.JPG", "b.png"):
        data = cv2.imencode(Path(name).suffix.lower(), np.zeros((8, 8, 3), np.uint8))[1]
        (tmp_path / name).write_bytes(data.tobytes())
    assert find_images(str(tmp_path / "a 1.JPG")) == [tmp_path / "a 1.JPG"]
    assert find_images(f"{tmp_path}/*.png") == [tmp_path / "b.png"]


def test_a_damaged_picture_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no jpeg")
    (tmp_path / "b.jpg").write_bytes(b"")
    source = ImagesSource([tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "gone.jpg"])
    source.open()
    assert [source.grab() is not None and source.picture() for _ in range(3)] == [None, None, None]


def clip(path: Path, frames: int = 60) -> bytes:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 240))
    noise = np.random.default_rng(1)
    for _ in range(frames):
        writer.write(cv2.resize(noise.integers(0, 255, (30, 40, 3), np.uint8), (320, 240)))
    writer.release()
    return path.read_bytes()


def count(source: VideoFile) -> int:
    source.open()
    frames = 0
    while source.grab() is not None:
        frames += 1
    return frames


@pytest.mark.parametrize("kind", ["mkv", "avi"])
def test_a_truncated_video_gives_what_it_has_and_says_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"cut.{kind}"
    data = clip(path)
    assert not is_cut_off(path)
    path.write_bytes(data[: len(data) // 2])
    source = VideoFile(str(path))
    assert 10 < count(source) < 50
    assert "the file is cut off" in source.early_end()


def test_a_cut_off_mp4_is_told_by_its_boxes(tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    data = clip(path)
    assert not is_cut_off(path)
    path.write_bytes(data[:-100])
    assert is_cut_off(path)


def test_a_file_whose_header_promises_too_much_is_not_called_damaged(tmp_path: Path) -> None:
    """As that of a trimmed file, or of one with longer sound, does."""
    path = tmp_path / "trim.avi"
    data = bytearray(clip(path))
    frames, length = data.index(b"avih") + 8 + 16, data.index(b"strh") + 8 + 32
    for at in (frames, length):
        data[at : at + 4] = (600).to_bytes(4, "little")
    path.write_bytes(data)
    source = VideoFile(str(path))
    assert count(source) == 60
    assert source.early_end() == ""


def test_damage_inside_does_not_end_the_file(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    data = bytearray(clip(path))
    middle = len(data) // 2
    data[middle : middle + 4000] = b"\xff" * 4000
    path.write_bytes(data)
    source = VideoFile(str(path))
    assert count(source) >= 50
    assert source.early_end() == ""
