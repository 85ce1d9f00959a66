"""A frame's identity and headers."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from pipeline.errors import BadRecord
from pipeline.messages.kind import Headers, Kind, cloud_event, iso
from pipeline.messages.trace import carried, trace_headers


@dataclass(frozen=True, slots=True, order=True)
class FrameId:
    """The identity of a frame. `session` grows with every connection of the camera, `seq` from 0 within it."""

    site: str
    camera: str
    session: int
    seq: int

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"

    @property
    def event_id(self) -> str:
        """Deterministic: the same frame read twice gives the same id."""
        return f"{self.site}/{self.camera}/{self.session}/{self.seq}"


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What a frame says of itself beside its JPEG bytes.

    `width`, `height`: pixels of the JPEG. `crc`: crc32 of the JPEG bytes. `scripted`: see Observation.
    `traceparent`: W3C trace context; one that is none is passed over.
    `masks`: parts of the picture that were blacked out, corners as fractions of its width and height.
    `live`: its camera does not wait, so that analyzers that are too far behind may drop it.
    """

    frame_id: FrameId
    captured_at: datetime
    width: int
    height: int
    crc: int
    traceparent: str = ""
    scripted: tuple[str, ...] | None = None
    masks: tuple[tuple[tuple[float, float], ...], ...] = ()
    live: bool = False

    def encode(self, kind: Kind = Kind.FRAME) -> Headers:
        frame = self.frame_id
        headers = cloud_event(kind, frame.key, frame.event_id, self.captured_at, "image/jpeg")
        headers += [
            ("site", frame.site.encode()),
            ("camera", frame.camera.encode()),
            ("session", b"%d" % frame.session),
            ("seq", b"%d" % frame.seq),
            ("captured_at", iso(self.captured_at).encode()),
            ("size", b"%dx%d" % (self.width, self.height)),
            ("crc", b"%08x" % self.crc),
        ]
        headers += trace_headers(self.traceparent)
        if self.scripted is not None:
            headers.append(("scripted", ",".join(self.scripted).encode()))
        if self.masks:
            headers.append(("masks", json.dumps(self.masks, separators=(",", ":")).encode()))
        if self.live:
            headers.append(("live", b"1"))
        return headers

    @classmethod
    def decode(cls, headers: Iterable[tuple[str, bytes]]) -> Self:
        """Raises BadRecord(reason="headers") naming the header that is missing or wrong.

        A record for which `frame_identity` finds nothing is foreign: it carries no frame identity.
        """
        got = {key: value for key, value in headers if value is not None}
        frame_id = frame_identity(got)
        if frame_id is None:
            raise BadRecord("headers", "no frame identity: site, camera, session and seq headers are needed")
        try:
            name = "captured_at"
            captured_at = datetime.fromisoformat(got[name].decode())
            if captured_at.tzinfo is None:
                raise ValueError("no time zone")
            captured_at = captured_at.astimezone(UTC)
            name = "size"
            width, height = (int(side) for side in got[name].split(b"x"))
            if width < 1 or height < 1:
                raise ValueError("not positive")
            name = "crc"
            crc = int(got[name], 16)
            name = "scripted"
            scripted = got.get(name)
            truth = None if scripted is None else tuple(filter(None, scripted.decode().split(",")))
            name = "masks"
            masks = _masks(got.get(name, b"[]"))
        except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
            what = "is missing" if isinstance(error, KeyError) else f"is wrong ({error})"
            raise BadRecord("headers", f"header {name} of {frame_id.event_id} {what}") from None
        return cls(
            frame_id, captured_at, width, height, crc, str(carried(got) or ""), truth, masks, got.get("live") == b"1"
        )


def frame_identity(headers: Mapping[str, bytes | None]) -> FrameId | None:
    """The identity that a record's headers carry, or None when they carry none that is whole."""
    try:
        session, seq = int(headers["session"] or b""), int(headers["seq"] or b"")
        site, camera = (headers["site"] or b"").decode(), (headers["camera"] or b"").decode()
    except (KeyError, ValueError):
        return None
    if not site or not camera or not 0 <= session < 2**63 or not 0 <= seq < 2**63:
        return None
    return FrameId(site, camera, session, seq)


def _masks(text: bytes) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Raises ValueError or TypeError for what are no polygons within the picture."""
    masks = tuple(tuple((float(x), float(y)) for x, y in polygon) for polygon in json.loads(text))
    if not all(0 <= part <= 1 for polygon in masks for corner in polygon for part in corner):
        raise ValueError("not within the picture")
    return masks


def checksum(jpeg: bytes | memoryview) -> int:
    return zlib.crc32(jpeg)
