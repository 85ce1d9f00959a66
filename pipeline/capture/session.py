"""One session of a camera: every frame it captured is followed to its fate, and the ledger tells of it.

The camera's thread adds frames and asks for ledger records; acknowledgements come from the publisher's threads.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.capture import wire
from pipeline.capture.budget import Budget
from pipeline.capture.clock import SessionClock
from pipeline.capture.ledger import SessionLedger
from pipeline.capture.publisher import TOO_LARGE, FramePublisher
from pipeline.logs import of
from pipeline.masks import Polygons
from pipeline.messages import CameraState, FrameHeader, FrameId, Ledger, begin_trace, checksum
from pipeline.metrics import Metrics
from pipeline.topics import MAX_RECORD_BYTES
from pipeline.traces import Span, Spans, fields_of

log = logging.getLogger(__name__)

DROPS = (TOO_LARGE, "buffer_full", "publish_failed")  # reasons, counted from zero on
RECORD_OVERHEAD = 4096  # bytes of a record beside its JPEG, generously


@dataclass(frozen=True)
class Outlet:
    """What all cameras share."""

    site: str
    budget: Budget
    go: threading.Event  # cleared while what can wait has to
    publisher: FramePublisher
    metrics: Metrics
    sample: float = 0.0  # share of the frames whose traces are kept
    spans: Spans | None = None


class Session:
    """`live`: what cannot be taken is dropped; else it is waited for, and sent again until it is delivered.

    Moments are told in steady time (see clock.py); what is published of them is the session's own time.
    """

    def __init__(
        self,
        outlet: Outlet,
        camera: str,
        session: int,
        clock: SessionClock,
        live: bool,
        masks: Polygons = (),
    ) -> None:
        self._outlet = outlet
        self._camera = camera
        self.clock = clock
        self._start = start = clock.at(clock.began)
        self._live = live
        self._masks = masks
        self._ledger = SessionLedger(outlet.site, camera, session, start)
        self._changed = threading.Condition()
        self._in_flight = 0
        self._again: deque[tuple[FrameHeader, bytes]] = deque()  # failed, to be sent again
        self._spans: dict[int, Span] = {}  # open, by frame
        self._finished = False
        self._newest = start  # captured_at of the last frame
        self.id = session

    @property
    def captured(self) -> int:
        return self._ledger.next_seq

    def add(self, frame: wire.Frame, timeout: float) -> bool:
        """Captures a frame. False: there is no room for it within `timeout` seconds, and it may wait; try again."""
        size = len(frame.jpeg)
        too_large = size + RECORD_OVERHEAD > MAX_RECORD_BYTES
        if not (self._live or self._outlet.go.wait(timeout)):
            return False
        room = not too_large and self._outlet.budget.take(self._camera, size, 0.0 if self._live else timeout)
        if not (room or too_large or self._live):
            return False
        with self._changed:
            captured_at = self._captured_at(frame)
            self._newest = captured_at
            seq = self._ledger.captured()
            if room:
                self._in_flight += 1
            else:
                self._drop(seq, TOO_LARGE if too_large else "buffer_full")
        metrics = self._outlet.metrics
        metrics.frames_captured.labels(self._camera).inc()
        metrics.camera_last_frame.labels(self._camera).set(captured_at.timestamp())
        if room:
            frame_id = FrameId(self._outlet.site, self._camera, self.id, seq)
            header = FrameHeader(
                frame_id,
                captured_at,
                frame.width,
                frame.height,
                checksum(frame.jpeg),
                self._traceparent(frame_id, frame.taken_at),
                frame.scripted,
                self._masks,
                self._live,
            )
            self._send(header, frame.jpeg)
            self._show_in_flight()
        return True

    def expect(self, now: float, fps: float | None) -> None:
        """Counts the frames promised since the last call, at `fps`; files read as they go promise what they give."""
        with self._changed:
            self._ledger.expect(self.clock.at(now), fps if self._live else None)

    def expect_one(self) -> None:
        with self._changed:
            if self._live:
                self._ledger.expect_one()

    def write_ledger(self, now: float, state: CameraState, reason: str) -> None:
        """The record of what gathered since the last one, unless that is still under way. Failed frames go again."""
        self._send_again()
        with self._changed:
            if self._ledger.under_way or self._finished:
                return
            ledger = self._ledger.cut(self._covered(now), self.clock.at(now), state, reason)
        self._publish(ledger)

    def finish(self, now: float, state: CameraState, reason: str) -> bool:
        """Moves towards the final record, which waits for every frame's fate. True once it is in the log."""
        with self._changed:
            if self._finished:
                return True
            if self._in_flight or self._again or self._ledger.under_way:
                return False
            ledger = self._ledger.cut(self._covered(now), self.clock.at(now), state, reason, final=True)
        self._publish(ledger)
        return self._finished

    def wait(self, timeout: float) -> None:
        """Until something was acknowledged or failed, at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._in_flight or self._ledger.under_way), timeout)

    def unsettled(self) -> int:
        """Frames whose fate is open."""
        with self._changed:
            return self._in_flight + len(self._again)

    def _traceparent(self, frame: FrameId, taken_at: float) -> str:
        """Of its trace, which begins here. Its first span lasts until the frame's fate in capture is known."""
        context = begin_trace(self._outlet.sample, secrets.token_bytes)
        if context.sampled and self._outlet.spans is not None:
            span = self._outlet.spans.start("capture.frame", None, fields_of(frame), taken_at)
            self._spans[frame.seq] = span
            context = span.context
        return str(context)

    def _captured_at(self, frame: wire.Frame) -> datetime:
        """Never before the last ledger record's end: that record has told consumers how far time has come."""
        if not self._live:
            return self._start + timedelta(seconds=frame.media_time)
        return max(self.clock.at(frame.taken_at), self._ledger.covers_from)

    def _covered(self, now: float) -> datetime:
        return self.clock.at(now) if self._live else self._newest

    def _send(self, header: FrameHeader, jpeg: bytes) -> None:
        self._outlet.publisher.frame(header, jpeg, lambda error: self._settled(header, jpeg, error))

    def _send_again(self) -> None:
        with self._changed:
            frames = list(self._again)
            self._again.clear()
            self._in_flight += len(frames)
        for header, jpeg in frames:
            self._send(header, jpeg)

    def _settled(self, header: FrameHeader, jpeg: bytes, error: str | None) -> None:
        again = error not in (None, TOO_LARGE) and not self._live
        with self._changed:
            self._in_flight -= 1
            if error is None:
                self._outlet.metrics.frames_published.labels(self._camera).inc()
            elif again:
                self._again.append((header, jpeg))
            else:
                self._drop(header.frame_id.seq, TOO_LARGE if error == TOO_LARGE else "publish_failed")
            self._changed.notify_all()
        if error is not None:
            seq = header.frame_id.seq
            log.debug("camera %s: frame %d not published: %s", self._camera, seq, error, extra=of(header))
        if not again:
            self._outlet.budget.give(self._camera, len(jpeg))
            self._show_in_flight()
            if span := self._spans.pop(header.frame_id.seq, None):
                span.end(error=error or "")

    def _drop(self, seq: int, reason: str) -> None:
        self._ledger.dropped(seq, reason)
        self._outlet.metrics.frames_dropped.labels(self._camera, "capture", reason).inc()

    def _publish(self, ledger: Ledger) -> None:
        def settled(error: str | None) -> None:
            with self._changed:
                if error is None:
                    self._ledger.written()
                    self._finished = ledger.final
                else:
                    self._ledger.taken_back()
                self._changed.notify_all()
            if error is not None:
                log.warning("camera %s: ledger record not written, it goes with the next: %s", self._camera, error)

        self._outlet.publisher.ledger(ledger, settled)

    def _show_in_flight(self) -> None:
        held = self._outlet.budget.in_flight()
        self._outlet.metrics.inflight_frames.labels("capture").set(held.frames)
        self._outlet.metrics.inflight_bytes.labels("capture").set(held.bytes)
