"""A small JPEG that claims to be huge is refused before memory is taken for it: measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

MIB = 2**20
MOST_MIB = 50

PROBE = """
import json, resource, time, tracemalloc
from datetime import UTC, datetime

from pipeline.analyze.decode import Decoder
from pipeline.analyze.opencv import cv2
from pipeline.errors import BadRecord
from pipeline.messages import FrameHeader, FrameId, checksum
from pipeline.settings import AnalyzeSettings
import numpy as np

jpeg = bytearray(cv2.imencode(".jpg", np.full((64, 64), 90, np.uint8))[1].tobytes())
at = jpeg.index(b"\\xff\\xc0")
jpeg[at + 5 : at + 9] = (32000).to_bytes(2, "big") * 2
bomb = bytes(jpeg)
header = FrameHeader(FrameId("s", "c", 1, 0), datetime.now(UTC), 32000, 32000, checksum(bomb), "")
limits = AnalyzeSettings()
decoder = Decoder(limits.max_frame_bytes, limits.max_frame_pixels, max_side=320)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tracemalloc.start()
began = time.perf_counter()
try:
    decoder(bomb, header)
    reason = "none"
except BadRecord as error:
    reason = error.reason
seconds = time.perf_counter() - began
peak = tracemalloc.get_traced_memory()[1]
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
print(json.dumps({"reason": reason, "bytes": len(bomb), "seconds": seconds, "peak": peak, "grown": grown}))
"""


def test_a_jpeg_bomb_takes_no_memory() -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, cwd=root)
    told = json.loads(done.stdout)
    print(
        f"{told['bytes']} bytes: {told['reason']} after {1000 * told['seconds']:.2f} ms, {told['grown'] / MIB:.1f} MiB"
    )
    assert told["reason"] == "too_many_pixels"
    assert told["bytes"] < 1000
    assert told["peak"] < MOST_MIB * MIB
    assert told["grown"] < MOST_MIB * MIB
