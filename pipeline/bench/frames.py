"""Frames to measure with: the same JPEGs for every way of running them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from pipeline.analyze.opencv import cv2
from pipeline.capture.child import encode_jpeg
from pipeline.capture.choose import source_of
from pipeline.capture.source import Image
from pipeline.capture.spec import CameraSpec, ReadOptions
from pipeline.errors import UsageError
from pipeline.messages import FrameHeader, FrameId, checksum

Frames = list[tuple[FrameHeader, bytes]]
SESSION = 1
USUAL_FPS = 25.0
CLIP_SECONDS = 60.0
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


def crowd(cameras: Sequence[CameraSpec], count: int, fps: float, options: ReadOptions) -> Frames:
    """`count` frames at `fps` of one camera that sees all of these side by side, so that single faces make a crowd.

    Of each, what it gives in a minute at most, again and again. Raises SourceError.
    """
    clips = [_pictures(camera, options) for camera in cameras]
    columns = math.ceil(math.sqrt(len(clips)))
    height, width = (min(side) for side in zip(*(clip[0][0].shape[:2] for clip in clips), strict=True))
    frames: Frames = []
    for seq in range(count):
        seconds = seq / fps
        shown = [clip[int(seconds * rate) % len(clip)] for clip, rate in clips]
        tiles = [cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA) for picture in shown]
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
        rows = [np.hstack(tiles[at : at + columns]) for at in range(0, len(tiles), columns)]
        jpeg, *size = encode_jpeg(np.vstack(rows), options)
        identity = FrameId("bench", "crowd", SESSION, seq)
        header = FrameHeader(identity, START + timedelta(seconds=seconds), size[0], size[1], checksum(jpeg))
        frames.append((header, jpeg))
    return frames


def _pictures(camera: CameraSpec, options: ReadOptions) -> tuple[list[Image], float]:
    """A minute of the camera's pictures, and their rate."""
    source = source_of(camera, options)
    source.open()
    rate = source.fps or USUAL_FPS
    pictures: list[Image] = []
    while len(pictures) < CLIP_SECONDS * rate and source.grab() is not None:
        picture = source.picture()
        if picture is not None:
            pictures.append(picture.image)
    source.close()
    if not pictures:
        raise UsageError(f"camera {camera.public_uri} gives no frame", "name another with --camera")
    return pictures, rate


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
