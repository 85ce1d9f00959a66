"""A preview: a small picture of one frame of a camera, too blurred to tell a face by."""

from __future__ import annotations

from dataclasses import replace

from pipeline.messages.frame import FrameHeader, checksum
from pipeline.messages.kind import Headers, Kind


def preview_headers(frame: FrameHeader, width: int, height: int, jpeg: bytes) -> Headers:
    """The frame's own, but `size` and `crc`, which are those of the preview's JPEG: FrameHeader reads them back."""
    own = replace(frame, width=width, height=height, crc=checksum(jpeg), scripted=None, masks=())
    return own.encode(Kind.PREVIEW)
