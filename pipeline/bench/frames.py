"""Frames to measure with: the same JPEGs for every way of running them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.capture.child import encode_jpeg
from pipeline.capture.choose import source_of
from pipeline.capture.spec import CameraSpec, ReadOptions
from pipeline.errors import UsageError
from pipeline.messages import FrameHeader, FrameId, checksum

Frames = list[tuple[FrameHeader, bytes]]
SESSION = 1
START = datetime(2026, 1, 1, tzinfo=UTC)


def record(cameras: Sequence[CameraSpec], count: int, options: ReadOptions) -> Frames:
    """`count` frames, the cameras taking turns; sources that are shorter begin again. Raises SourceError."""
    each = -(-count // len(cameras))
    by_camera = [_read(camera, each, options) for camera in cameras]
    return [frames[at] for at in range(each) for frames in by_camera][:count]


def _read(camera: CameraSpec, count: int, options: ReadOptions) -> Frames:
    source = source_of(camera, options)
    frames: Frames = []
    source.open()
    while len(frames) < count:
        if source.grab() is None:
            if not frames:
                raise UsageError(f"camera {camera.public_uri} gives no frame", "name another with --camera")
            source.close()
            source.open()
            continue
        picture = source.picture()
        if picture is None:
            continue
        jpeg, width, height = encode_jpeg(picture.image, options)
        at = START + timedelta(seconds=len(frames) / 30)
        identity = FrameId("bench", camera.id, SESSION, len(frames))
        frames.append((FrameHeader(identity, at, width, height, checksum(jpeg)), jpeg))
    source.close()
    return frames


def save(frames: Frames, file: Path) -> None:
    """One JSON line an index entry, then all JPEGs in a row."""
    index = [
        [h.frame_id.camera, h.frame_id.seq, h.captured_at.isoformat(), h.width, h.height, h.crc, len(jpeg)]
        for h, jpeg in frames
    ]
    with file.open("wb") as out:
        out.write(json.dumps(index).encode() + b"\n")
        out.writelines(jpeg for _, jpeg in frames)


def load(file: Path) -> Frames:
    """What `save` wrote."""
    frames: Frames = []
    with file.open("rb") as data:
        for camera, seq, at, width, height, crc, size in json.loads(data.readline()):
            identity = FrameId("bench", camera, SESSION, seq)
            header = FrameHeader(identity, datetime.fromisoformat(at), width, height, crc)
            frames.append((header, data.read(size)))
    return frames
