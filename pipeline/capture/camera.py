"""One camera's life: connect, watch, reconnect, and say what it is doing. One thread a camera."""

from __future__ import annotations

import logging
import os
import random
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline.capture import wire
from pipeline.capture.clock import Clock, SessionClock, SystemClock
from pipeline.capture.connection import CameraProcess
from pipeline.capture.session import DROPS, Outlet, Session
from pipeline.capture.spec import CameraSpec, ReadOptions
from pipeline.capture.watchdog import Backoff, Watchdog
from pipeline.logs import about
from pipeline.messages import GONE, CameraState, CameraStatus
from pipeline.settings import CaptureSettings

log = logging.getLogger(__name__)

LEDGER_SECONDS = 1.0
CLOCK_STEP = 2.0  # seconds by which the wall clock must have been set before a session ends for it
FILE_ATTEMPTS = 3  # a file whose reading breaks off so often is given up


class StopSignal:
    """An event that a poll on file descriptors can wait for."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._read, self._write = os.pipe()

    def fileno(self) -> int:
        return self._read

    def set(self) -> None:
        if not self._event.is_set():
            self._event.set()
            os.write(self._write, b"!")

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, timeout: float) -> bool:
        return self._event.wait(timeout)

    def __del__(self) -> None:
        os.close(self._read)
        os.close(self._write)


@dataclass(frozen=True)
class Outcome:
    """How a connection ended."""

    state: CameraState
    reason: str


class Camera:
    """Supervises one camera in a thread of its own, which also owns the camera's process.

    `last_session`: the number of its newest session so far; the next ones get higher numbers, whatever the clock says.
    """

    def __init__(
        self,
        spec: CameraSpec,
        settings: CaptureSettings,
        outlet: Outlet,
        last_session: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self.spec = spec
        self._settings = settings
        self._outlet = outlet
        self._options = ReadOptions(
            settings.max_side, settings.jpeg_quality, settings.connect_timeout_seconds, settings.stall_timeout_seconds
        )
        self._stop = StopSignal()
        self._stop_deadline = float("inf")
        self._stop_reason = ""
        self._backoff = Backoff(settings.backoff_seconds, settings.backoff_max_seconds)
        self._clock = clock or SystemClock()
        self._session_id = last_session
        self._attempt = 0
        self._source_fps: float | None = None
        self._resumes = not (spec.endless or spec.loop)  # a new process goes on where the last one was
        self._next_ledger = 0.0
        self._was_up = False
        self._status = self._make_status(CameraState.CONNECTING, "")
        self._status_written = True
        self._thread = threading.Thread(target=self._run, name=f"camera-{spec.id}", daemon=True)

    @property
    def status(self) -> CameraStatus:
        return self._status

    def start(self) -> None:
        self._thread.start()

    def stop(self, deadline: float, reason: str = "") -> None:
        """Asks it to stop: no frame is captured any more, what was captured is settled until `deadline`
        (steady time)."""
        self._stop_deadline = deadline
        self._stop_reason = reason
        self._stop.set()

    def join(self, timeout: float | None = None) -> bool:
        """Whether its thread is over."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        with about(site=self._outlet.site, camera=self.spec.id):
            self._live()

    def _live(self) -> None:
        self._outlet.metrics.camera_up.labels(self.spec.id).set(0)
        self._outlet.metrics.camera_reconnects.labels(self.spec.id)
        for reason in DROPS:
            self._outlet.metrics.frames_dropped.labels(self.spec.id, "capture", reason)
        try:
            while self._live_one_session():
                pass
        except Exception as error:
            log.exception("camera %s: internal error", self.spec.id)
            self._change(CameraState.FAILED, f"internal error: {type(error).__name__}: {error}")

    def _live_one_session(self) -> bool:
        """Connect, stream, pause, settle. False when the camera is over."""
        clock = SessionClock.of(self._clock)
        self._session_id = max(int(clock.start * 1000), self._session_id + 1)
        self._attempt += 1
        session = Session(self._outlet, self.spec.id, self._session_id, clock, self.spec.live, self.spec.masks)
        if self._attempt == 1:
            self._change(CameraState.CONNECTING, "")
        self._next_ledger = self._clock.steady() + LEDGER_SECONDS
        outcome = self._judge(self._connect(session))
        self._enter(session, outcome.state, outcome.reason)
        if outcome.state is CameraState.DOWN:
            self._pause(session)
        if self._stop.is_set() and self._status.state not in GONE:
            self._enter(session, CameraState.STOPPED, self._stop_reason)
        self._settle(session)
        return self._status.state not in GONE

    def _connect(self, session: Session) -> Outcome:
        """One process, from its start to its end."""
        if self._stop.is_set():
            return Outcome(CameraState.STOPPED, self._stop_reason)
        try:
            process = CameraProcess(self.spec, self._options)
        except OSError as error:
            return Outcome(CameraState.DOWN, f"no process for the camera: {error.strerror}")
        outcome = Outcome(CameraState.DOWN, "")
        try:
            outcome = self._stream(session, process)
        except EOFError:
            pass
        except ValueError as error:
            outcome = Outcome(CameraState.DOWN, str(error))
        finally:
            ended = process.end()
        return outcome if outcome.reason or outcome.state is not CameraState.DOWN else _crash(ended)

    def _stream(self, session: Session, process: CameraProcess) -> Outcome:
        began = self._clock.steady()
        watchdog = Watchdog(
            began,
            self._settings.connect_timeout_seconds,
            self._settings.stall_timeout_seconds,
            resuming=self._options.after is not None,
        )
        while not self._stop.is_set():
            now = self._clock.steady()
            self._tick(session, now)
            if told := self._clock_was_set(session):
                return Outcome(CameraState.DOWN, told)
            message = process.hear(min(self._next_ledger, watchdog.deadline) - now, self._stop.fileno())
            now = self._clock.steady()
            match message:
                case wire.Frame():
                    self._source_fps = message.fps or self._source_fps
                    watchdog.frame(now, self._expected_fps())
                    if self._status.state is not CameraState.UP:
                        self._came_up(session)
                    elif now - began > self._settings.backoff_max_seconds:
                        self._backoff.reset()
                    if self._add(session, message):
                        watchdog.held_up(self._clock.steady())
                case wire.Alive():
                    watchdog.alive(now)
                case wire.Ended():
                    return Outcome(CameraState.DOWN if self.spec.endless else CameraState.ENDED, message.reason)
                case wire.Failed():
                    return Outcome(CameraState.FAILED if message.permanent else CameraState.DOWN, message.reason)
                case None if watchdog.expired(now):
                    return Outcome(CameraState.DOWN, watchdog.reason)
        return Outcome(CameraState.STOPPED, self._stop_reason)

    def _clock_was_set(self, session: Session) -> str:
        """Says so. The session ends for it: its times would be wrong from here on. A file keeps a time of its own."""
        ahead = session.clock.set_by(self._clock)
        if self._resumes or abs(ahead) < CLOCK_STEP:
            return ""
        return f"the clock was set {'ahead' if ahead > 0 else 'back'} by {abs(ahead):.0f} s"

    def _add(self, session: Session, frame: wire.Frame) -> bool:
        """Whether it had to be waited for. Not reading on makes the process wait as well."""
        waited = False
        while not self._stop.is_set():
            if session.add(frame, timeout=0.2):
                if self._resumes:
                    self._options = replace(self._options, after=frame.media_time)
                break
            waited = True
            self._tick(session, self._clock.steady())
        return waited

    def _came_up(self, session: Session) -> None:
        if self._was_up:
            self._outlet.metrics.camera_reconnects.labels(self.spec.id).inc()
        self._was_up = True
        self._enter(session, CameraState.UP, "")
        session.expect_one()

    def _judge(self, outcome: Outcome) -> Outcome:
        tries_on = self.spec.endless or self.spec.loop or self._attempt < FILE_ATTEMPTS
        if outcome.state is not CameraState.DOWN or tries_on:
            return outcome
        return Outcome(CameraState.FAILED, f"{outcome.reason}, {self._attempt} times")

    def _pause(self, session: Session) -> None:
        """Between two connections the old session's ledger goes on."""
        until = self._clock.steady() + self._backoff.pause(random.random())
        while (now := self._clock.steady()) < until:
            self._tick(session, now)
            if self._stop.wait(min(until, self._next_ledger) - now):
                return

    def _settle(self, session: Session) -> None:
        """Waits for every frame's fate and writes the final record. Without a broker, until it is back or we stop."""
        self._expect(session)
        while True:
            now = self._clock.steady()
            if session.finish(now, self._status.state, self._status.reason):
                return
            if now >= self._stop_deadline:
                log.warning(
                    "camera %s: stopped with %d frames and its last ledger record not delivered",
                    self.spec.id,
                    session.unsettled(),
                )
                return
            self._tick(session, now)
            session.wait(0.2)

    def _tick(self, session: Session, now: float) -> None:
        """Each second: a ledger record, and the state again if it could not be published."""
        if now < self._next_ledger:
            return
        self._next_ledger = now + LEDGER_SECONDS
        self._expect(session)
        session.write_ledger(now, self._status.state, self._status.reason)
        if not self._status_written:
            self._publish_status()

    def _expect(self, session: Session) -> None:
        session.expect(self._clock.steady(), self._promised_fps())

    def _expected_fps(self) -> float | None:
        """Frames/s that this camera is to give: its own rate, under the cap."""
        rates = [rate for rate in (self._source_fps, self.spec.fps) if rate]
        return min(rates) if rates else None

    def _promised_fps(self) -> float | None:
        if self._status.state is CameraState.CONNECTING or self._status.state in GONE:
            return 0.0  # before its first connection and after its end a camera promises nothing
        fps = self._expected_fps()
        return 0.0 if fps is None and self._status.state is CameraState.DOWN else fps

    def _enter(self, session: Session, state: CameraState, reason: str) -> None:
        self._expect(session)
        self._change(state, reason)

    def _change(self, state: CameraState, reason: str) -> None:
        """A new state, if it is one: told to the log, to the topic and to the metrics."""
        before = self._status
        self._status = self._make_status(state, reason)
        if state in (CameraState.ENDED, CameraState.STOPPED):
            self._outlet.metrics.forget_camera(self.spec.id)
        else:
            self._outlet.metrics.camera_up.labels(self.spec.id).set(state is CameraState.UP)
        if self._attempt > 1 and (before.state, before.reason) == (state, reason):
            return
        level = logging.WARNING if state in (CameraState.DOWN, CameraState.FAILED) else logging.INFO
        log.log(level, "camera %s: %s%s", self.spec.id, state, f": {reason}" if reason else "")
        self._publish_status()

    def _make_status(self, state: CameraState, reason: str) -> CameraStatus:
        return CameraStatus(
            site=self._outlet.site,
            camera=self.spec.id,
            session=self._session_id,
            at=datetime.fromtimestamp(self._clock.wall(), UTC),
            state=state,
            reason=reason,
            source=self.spec.public_uri,
            attempt=self._attempt,
        )

    def _publish_status(self) -> None:
        self._status_written = True
        self._outlet.publisher.status(self._status, self._status_settled)

    def _status_settled(self, error: str | None) -> None:
        if error is not None:
            self._status_written = False


def _crash(ended: str) -> Outcome:
    return Outcome(CameraState.DOWN, f"the camera's process broke off: {ended}")
