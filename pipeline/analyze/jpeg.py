"""A JPEG's size and soundness, read from its markers without decoding a pixel."""

from __future__ import annotations

from pipeline.errors import BadRecord

SOI = b"\xff\xd8"
EOI = b"\xff\xd9"
SOS = b"\xff\xda"
SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # C4, C8 and CC are tables
PROGRESSIVE = 0xC2
BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
MAX_SEGMENTS = 1024  # before the picture's size
MAX_SCANS = 128  # each costs a pass over the whole picture
TRAILING_BYTES = 4096  # cameras pad their pictures


def size_of(jpeg: bytes) -> tuple[int, int]:
    """(width, height) in pixels as stored, before any EXIF rotation.

    Raises BadRecord: "empty", "not_jpeg", "truncated" (it ends before its end marker), or "too_many_scans".
    """
    if not jpeg:
        raise BadRecord("empty", "the frame is empty")
    if jpeg[:2] != SOI:
        raise BadRecord("not_jpeg", f"the frame begins with {jpeg[:4].hex()}, not with a JPEG's ffd8")
    at, end = 2, len(jpeg)
    for _ in range(MAX_SEGMENTS):
        while at < end and jpeg[at] == 0xFF and at + 1 < end and jpeg[at + 1] == 0xFF:  # fill bytes
            at += 1
        if at + 4 > end:
            raise BadRecord("truncated", "the JPEG ends within its header")
        if jpeg[at] != 0xFF:
            raise BadRecord("not_jpeg", f"no JPEG marker at byte {at}")
        marker = jpeg[at + 1]
        if marker in SOF:
            return _checked(jpeg, at, marker)
        if marker in BARE:
            at += 2
            continue
        if marker in (0xD8, 0xD9, 0xDA):
            raise BadRecord("not_jpeg", "the JPEG does not say its size")
        at += 2 + (jpeg[at + 2] << 8 | jpeg[at + 3])
    raise BadRecord("not_jpeg", f"no picture size within {MAX_SEGMENTS} segments")


def _checked(jpeg: bytes, at: int, marker: int) -> tuple[int, int]:
    if at + 9 > len(jpeg):
        raise BadRecord("truncated", "the JPEG ends within its header")
    height, width = jpeg[at + 5] << 8 | jpeg[at + 6], jpeg[at + 7] << 8 | jpeg[at + 8]
    if not width or not height:
        raise BadRecord("not_jpeg", f"the JPEG says it is {width}x{height} pixels")
    if not jpeg.endswith(EOI) and jpeg.rfind(EOI, max(at, len(jpeg) - TRAILING_BYTES)) < 0:
        raise BadRecord("truncated", "the JPEG has no end marker")
    if marker == PROGRESSIVE and jpeg.count(SOS, at) > MAX_SCANS:
        raise BadRecord("too_many_scans", f"a progressive JPEG of more than {MAX_SCANS} scans")
    return width, height
