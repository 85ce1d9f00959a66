"""What traces cost a frame: `python -m tests.traces_cost`.

All that is done of a frame but for its picture, by the parts of capture, analyze and aggregate that know of traces;
Kafka is left out. The collector is another process; sending to it is counted.
"""

from __future__ import annotations

import multiprocessing
import secrets
import statistics
import time
from datetime import timedelta
from multiprocessing.connection import Connection

from pipeline.aggregate.traced import Traced
from pipeline.analyze.spans import FrameSpans, requesting
from pipeline.messages import FrameHeader, FrameId, begin_trace, headers_of
from pipeline.messages.trace import trace_headers
from pipeline.settings import TracesSettings
from pipeline.traces import Spans, close, fields_of, start
from tests.collector import collecting
from tests.records import START, observed

FRAMES, ROUNDS = 600, 15  # of every frame six spans, and no more than may wait
OBSERVATION = observed(1, 2.0)
MOMENTS = {"decode": (0.0, 0.001), "detect": (0.001, 0.007)}  # steady seconds


def main() -> None:
    here, there = multiprocessing.Pipe()
    collector = multiprocessing.get_context("spawn").Process(target=_collect, args=(there,))
    collector.start()
    url = here.recv()
    cases: dict[str, tuple[float | None, str | None]] = {
        "no trace context at all": (None, None),
        "off: contexts, no spans": (0.01, None),
        "on, one frame in a hundred": (0.01, url),
        "on, every frame": (1.0, url),
    }
    rounds: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS + 1):
        for name, (sample, endpoint) in cases.items():
            took = _microseconds(sample, endpoint)
            if number:  # the first round imports
                rounds[name].append(took)
    here.send(None)
    collector.join()
    without = min(rounds["no trace context at all"])
    for name, took in rounds.items():
        least, median = min(took), statistics.median(took)
        print(f"{name:28} {least:6.1f} us of CPU a frame, {least - without:+6.1f}   (median {median:.1f})")


def _microseconds(sample: float | None, endpoint: str | None) -> float:
    """Until the collector has the last span."""
    traced = Traced(lambda *_: ())
    spans = start(TracesSettings(endpoint=endpoint), "capture")
    began = time.process_time()
    for seq in range(FRAMES):
        _frame(seq, sample, spans, traced)
    close(spans)
    return (time.process_time() - began) / FRAMES * 1e6


def _frame(seq: int, sample: float | None, spans: Spans | None, traced: Traced) -> None:
    frame = FrameId("site", "door", 7, seq)
    traceparent, capture = "", None
    if sample is not None:
        context = begin_trace(sample, secrets.token_bytes)
        if context.sampled and spans is not None:
            capture = spans.start("capture.frame", None, fields_of(frame), time.monotonic())
            context = capture.context
        traceparent = str(context)
    sent = FrameHeader(frame, START + timedelta(seconds=seq), 640, 480, 0, traceparent).encode()
    if capture is not None:
        capture.end()
    header = FrameHeader.decode(sent)
    of = FrameSpans.of(spans, header)
    if of is not None and spans is not None:
        of.looked(MOMENTS)
        of.asks()
        with requesting(spans, [of], 1):
            pass
        of.scored()
    emitted = header.traceparent if of is None else of.emitted()
    headers = headers_of(OBSERVATION) + trace_headers(emitted)
    if sample is not None:
        traced.seen(OBSERVATION, headers)


def _collect(ready: Connection) -> None:
    with collecting() as collector:
        ready.send(collector.url)
        ready.recv()


if __name__ == "__main__":
    main()
