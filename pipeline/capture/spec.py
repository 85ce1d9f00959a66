"""What one camera is: plain values, light to import, because every camera process imports them at its start."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from pipeline.masks import Polygons, polygons


class CameraKind(StrEnum):
    NETWORK = "network"  # rtsp, rtsps, http, https
    PATH = "path"  # a video file, a picture, a folder or a glob of pictures
    WEBCAM = "webcam"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class CameraSpec:
    """One camera, as its URI and settings say.

    `location`: URL, path, glob, webcam index or "" (synthetic). `fps`: cap in frames/s, None: as the source gives;
    folders and synthetic cameras play at it. `options`: the synthetic camera's parameters. `public_uri`: the URI
    without credentials, the only form that is shown or published. `masks`: parts of the picture that are never
    published, corners as fractions of its width and height.
    """

    id: str
    kind: CameraKind
    location: str
    public_uri: str
    fps: float | None = None
    loop: bool = False
    realtime: bool = True
    masks: Polygons = ()
    options: dict[str, str] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Frames come when they come: what the system cannot take is dropped. Else the source waits."""
        return self.realtime or self.kind in (CameraKind.NETWORK, CameraKind.WEBCAM)

    @property
    def endless(self) -> bool:
        """Its end is a failure to be mended by a new connection."""
        return self.kind in (CameraKind.NETWORK, CameraKind.WEBCAM)


@dataclass(frozen=True)
class ReadOptions:
    """How a camera process reads and encodes. Times in seconds, `max_side` in pixels, `jpeg_quality` 10..100.

    `after`: the media time of the last frame that an earlier process gave; up to it frames are passed over.
    `cells`: of a picture nothing is given away but a preview of so many cells along its longer side.
    """

    max_side: int = 1280
    jpeg_quality: int = 85
    connect_timeout: float = 10.0
    stall_timeout: float = 5.0
    after: float | None = None
    cells: int | None = None


def encode_task(spec: CameraSpec, options: ReadOptions) -> bytes:
    """What a camera process is told, through its pipe: command lines are for all eyes, credentials are not."""
    return json.dumps([dataclasses.asdict(spec), dataclasses.asdict(options)]).encode()


def decode_task(task: bytes) -> tuple[CameraSpec, ReadOptions]:
    spec, options = json.loads(task)
    typed = {"kind": CameraKind(spec["kind"]), "masks": polygons(spec["masks"])}
    return CameraSpec(**{**spec, **typed}), ReadOptions(**options)


@dataclass(frozen=True)
class Size:
    """Pixels."""

    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """ "1280x720". Raises ValueError."""
        width, separator, height = text.lower().partition("x")
        if not separator or not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
            raise ValueError(f"{text!r} is no size such as 640x480")
        return cls(int(width), int(height))
