"""Memory of many threads comes from one heap: asked of the C library itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAPS = """
import ctypes, sys, threading
from pipeline.analyze.heap import give_back, one_heap
if sys.argv[1] == "one":
    one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def take():
    together.wait()
    for _ in range(1000):
        libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
give_back()
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


def heaps(how: str) -> int:
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", HEAPS, how],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return len(re.findall(r"<heap nr=", done.stdout))


@pytest.mark.skipif(os.confstr("CS_GNU_LIBC_VERSION") is None, reason="not the C library of GNU")
def test_threads_share_one_heap() -> None:
    assert heaps("many") > 1
    assert heaps("one") == 1
