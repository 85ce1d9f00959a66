"""Whether a video file ends before its container says it does: a copy or a download that broke off."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO


def is_cut_off(path: Path) -> bool:
    """Tells it of MP4/MOV, AVI and Matroska/WebM; False of all that it cannot tell."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(12)
            if start[:4] == b"RIFF":
                return 8 + int.from_bytes(start[4:8], "little") > size
            if start[:4] == b"\x1a\x45\xdf\xa3":
                return _end_of_segment(file) > size
            return start[4:8] == b"ftyp" and _end_of_boxes(file, size) > size
    except OSError:
        return False


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Where the last of an MP4's boxes ends; 0 where it does not say so."""
    end = 0
    while end < size:
        file.seek(end)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:
            return 0
        end += length
    return end


def _end_of_segment(file: BinaryIO) -> int:
    """Where a Matroska file's one segment ends; 0 where it does not say so."""
    file.seek(4)
    length = _number(file)
    file.seek(file.tell() + (length or 0))
    if length is None or file.read(4) != b"\x18\x53\x80\x67":
        return 0
    length = _number(file)
    return 0 if length is None else file.tell() + length


def _number(file: BinaryIO) -> int | None:
    """Matroska's: the zero bits it begins with tell how many bytes follow, all bits set that it is not known."""
    first = int.from_bytes(file.read(1), "big")
    more = 8 - first.bit_length()
    if more > 7:
        return None
    value = int.from_bytes(bytes([first & (0x7F >> more)]) + file.read(more), "big")
    return None if value == (1 << 7 * (more + 1)) - 1 else value
