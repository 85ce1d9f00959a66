"""One run of the system: the roles, what is shown of them, and the account of what became of every frame."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from pipeline.aggregate.panes import pane_of
from pipeline.aggregate.report import RunReport
from pipeline.aggregate.service import policy
from pipeline.cameras.registry import CameraRegistry, apply
from pipeline.capture.spec import CameraSpec
from pipeline.console import view
from pipeline.console.board import Board
from pipeline.errors import DependencyError, EmostreamError
from pipeline.kafka.clients import UNHURRIED
from pipeline.kafka.lag import Lag
from pipeline.kafka.reader import Reader, parse, unread_frames
from pipeline.local.roles import GRACE_SECONDS, KeptRole, write_settings
from pipeline.local.steering import ROLES, Steering
from pipeline.messages import (
    Alert,
    AlertState,
    CameraSight,
    CameraState,
    CameraStatus,
    DesiredCamera,
    FrameId,
    Ledger,
    Observation,
    Scope,
    Stub,
    Window,
)
from pipeline.settings import Settings
from pipeline.topics import ALERTS, CAMERA_STATUS, CAMERAS, EVENTS, WINDOWS, name

YUNET = "yunet"
TITLE = "emostream: apparent expressions"
POLL_SECONDS = 0.2
LAG_SECONDS = 1.0
ANALYZERS_SECONDS = 30.0
DRAIN_SECONDS = 60.0  # without anything new
STOP_DRAIN_SECONDS = 8.0
WINDOWS_SECONDS = 20.0  # for the last windows of files, once all else is done
LAST_WORDS_SECONDS = 3.0  # what a process that ended has published arrives by then


@dataclass(frozen=True)
class Plan:
    """What to run. `seconds`: stop then; None: when every camera was a file and all is drained."""

    settings: Settings
    cameras: tuple[CameraSpec, ...]
    folder: Path
    seconds: float | None = None
    headless: bool = False  # without the API and the page


class Parts(Protocol):
    """Kafka, Ray and TorchServe, as LocalStack keeps them."""

    settings: Settings

    def tend(self, now: float) -> dict[str, str]:
        """Starts again what has ended, see LocalStack."""


@dataclass
class Given:
    """Parts that are somebody else's."""

    settings: Settings

    def tend(self, now: float) -> dict[str, str]:
        return {}


class RunFailed(EmostreamError):
    """The run is over, with a report, and something in it is not as it should be."""

    def __init__(self, message: str, hint: str, report: dict[str, Any]) -> None:
        super().__init__(message, hint)
        self.report = report


def draining(asked: bool) -> str:
    """What is said when nothing more is to be captured. `asked`: somebody wants an end."""
    if asked:
        most = max(STOP_DRAIN_SECONDS, GRACE_SECONDS)  # of what waits, and of capture itself
        return f"stopping: what was captured is still read, for {most:.0f} s at most; Ctrl-C again ends at once"
    return f"draining: what was captured is read to its end, or until nothing new came for {DRAIN_SECONDS:.0f} s"


def closing(windows: bool) -> str:
    """What is said after that. `windows`: the last ones of files are waited for."""
    most = 2 * GRACE_SECONDS + (WINDOWS_SECONDS if windows else 0.0)
    parts = "the analyzers, the last windows and the aggregator" if windows else "the analyzers and the aggregator"
    return f"ending {parts}, within {most:.0f} s"


class SystemRun:
    """One run of capture, analyze and aggregate on a Kafka, Ray and TorchServe that are there already."""

    def __init__(self, plan: Plan, console: Console, stop: threading.Event, parts: Parts) -> None:
        self._plan = plan
        self._console = console
        self._stop = stop
        self._parts = parts
        self._board = Board()
        self._report = RunReport(frozenset(camera.id for camera in plan.cameras if camera.live))
        self._own = {camera.id for camera in plan.cameras}
        self._ids = set(self._own)  # and those that were added while it runs
        self._wanted: dict[str, DesiredCamera] = {}
        self._states: dict[str, tuple[CameraState, str]] = {}
        self._next_lag = 0.0
        self._first_session = 0
        self._to_close: dict[str, tuple[datetime, set[str]]] = {}  # files: their last pane, kinds of windows still open
        self._moved_at = 0.0  # when a record last came that told something new

    def run(self) -> dict[str, Any]:
        """The report. Raises RunFailed, with what is known, when a role or a part of the stack ends before its time."""
        started = datetime.now(UTC)
        try:
            self._run(started)
        except DependencyError as error:
            report = {**self._finished(started), "balanced": None}  # what came after the failure was not read
            raise RunFailed(error.message, error.hint, report) from None
        return self._finished(started)

    def _finished(self, started: datetime) -> dict[str, Any]:
        states = {camera: {"state": state, "reason": reason} for camera, (state, reason) in self._states.items()}
        return {**self._report.finish(started, datetime.now(UTC)), "camera_states": states}

    def _run(self, started: datetime) -> None:
        kafka = self._plan.settings.kafka
        with ExitStack() as stack:
            reader = stack.enter_context(
                Reader(kafka, [EVENTS, CAMERA_STATUS, CAMERAS, WINDOWS, ALERTS], pace=UNHURRIED)
            )
            reader.from_end()
            with CameraRegistry(kafka, self._plan.settings.site) as registry:
                self._wanted = registry.all()
            self._ids |= self._wanted.keys()
            self._lag = lag = stack.enter_context(Lag(kafka))
            self._first_session = int(started.timestamp() * 1000)  # sessions are numbered by their start
            logs = self._plan.folder / "logs"
            metrics = self._plan.settings.metrics.model_copy(update={"targets_dir": self._plan.folder / "metrics"})
            aggregate = self._plan.settings.aggregate.model_copy(update={"member": "0"})
            changes = {"metrics": metrics, "log_dir": logs, "aggregate": aggregate}
            settings = self._plan.settings.model_copy(update=changes)
            self._role_settings = settings
            file = write_settings(settings, self._plan.folder)
            self._webhooks = KeptRole("webhooks", file, logs) if settings.webhooks else None
            if self._webhooks is not None:
                stack.callback(self._webhooks.stop)
            self._aggregate = KeptRole("aggregate", file, logs)
            stack.callback(self._aggregate.stop)
            self._analyze = KeptRole("analyze", file, logs)
            stack.callback(self._analyze.stop)
            self._await_analyzers()
            capture = KeptRole("capture", file, logs)
            stack.callback(capture.stop)
            self._steering = Steering(settings, file, logs, () if self._plan.headless else ROLES)
            stack.callback(self._steering.stop)
            shown = stack.enter_context(view.make(self._console, TITLE))
            self._watch(reader, shown, capture)
            shown.note(draining(self._stop.is_set()))
            quitting = threading.Thread(target=self._steering.stop, name="stop API and page")
            quitting.start()
            stopping = threading.Thread(target=capture.stop, name="stop capture")
            stopping.start()
            self._drain(reader, shown, stopping)
            stopping.join()
            quitting.join()
            shown.note(closing(bool(self._to_close)))
            self._analyze.stop()
            self._close_windows(reader, shown)
            self._aggregate.stop()
            for record in reader.to_end():
                self._book(record, shown)
            self._book_unread(lag)
            self._board.lag = self._report.account.total().in_flight
            shown.show(self._board, time.monotonic())

    def _await_analyzers(self) -> None:
        """Until one works, so that no camera begins with a backlog. One that cannot start says so itself."""
        give_up = time.monotonic() + ANALYZERS_SECONDS
        listed = self._plan.folder / "metrics" / "analyze.json"
        self._console.print("[dim]starting the analyzers[/dim]")
        while not listed.exists() and time.monotonic() < give_up and not self._stop.wait(0.1):
            self._analyze.process.check()

    def _watch(self, reader: Reader, shown: view.View, capture: KeptRole) -> None:
        """Until every camera has ended, the time is over (counted from a camera's first sign) or somebody asks."""
        end = float("inf")
        left_at: float | None = None
        live = any(camera.live for camera in self._plan.cameras)
        while not self._stop.is_set() and not self._over() and time.monotonic() < end:
            self._step(reader, shown)
            self._keep(self._analyze, shown)
            for told in self._steering.check(time.monotonic()):
                shown.note(told)
            if end == float("inf") and self._plan.seconds is not None and self._board.rows:
                end = time.monotonic() + self._plan.seconds
            if capture.process.running():
                left_at = None
                continue
            left_at = left_at or time.monotonic()
            failed_as_told = capture.process.code == 1 and self.failed()
            if capture.process.code and not failed_as_told and time.monotonic() - left_at > LAST_WORDS_SECONDS:
                if live:
                    self._keep(capture, shown)
                else:  # files that ran would be told a second time
                    capture.process.check()
            if time.monotonic() - max(left_at, self._moved_at) > DRAIN_SECONDS:
                return

    def _over(self) -> bool:
        """Whether every camera has come to its end. One that is paused has not."""
        paused = any(camera.paused for camera in self._wanted.values())
        return not paused and self._wanted.keys() <= self._board.rows.keys() and self._told_last()

    def _told_last(self) -> bool:
        """Whether the last ledger record of every camera came through."""
        failed = self.failed().keys() - self._own  # of an added camera that could not even start there is none
        return self._board.ended >= (self._own | self._ids & self._board.rows.keys()) - failed

    def _drain(self, reader: Reader, shown: view.View, stopping: threading.Thread) -> None:
        """Until the last ledger record of every camera came through, behind all of its frames.

        Given up when nothing moves any more, and soon when somebody asked to stop: what is left is in flight.
        """
        began = time.monotonic()
        while stopping.is_alive() or not self._told_last():
            self._step(reader, shown)
            self._keep(self._analyze, shown)
            now = time.monotonic()
            asked = self._stop.is_set() and now - began > STOP_DRAIN_SECONDS and not stopping.is_alive()
            if asked or now - max(began, self._moved_at) > DRAIN_SECONDS:
                return

    def _close_windows(self, reader: Reader, shown: view.View) -> None:
        """Until the windows of files that came to their end were told for the last time."""
        give_up = time.monotonic() + WINDOWS_SECONDS
        while self._to_close and time.monotonic() < give_up:
            self._step(reader, shown)

    def _step(self, reader: Reader, shown: view.View) -> None:
        for record in reader.poll(POLL_SECONDS):
            self._book(record, shown)
        self._tend(shown)
        self._keep(self._aggregate, shown)
        if self._webhooks is not None:
            self._keep(self._webhooks, shown)
        now = time.monotonic()
        if now >= self._next_lag:
            with suppress(DependencyError):  # Kafka is away: all wait for it, and so do we
                self._board.lag = self._lag.records()
            self._next_lag = time.monotonic() + LAG_SECONDS
        shown.show(self._board, now)

    @staticmethod
    def _keep(kept: KeptRole, shown: view.View) -> None:
        if ended := kept.check(time.monotonic()):
            shown.note(f"{ended}; started again")

    def _tend(self, shown: view.View) -> None:
        ended = self._parts.tend(time.monotonic())
        for why in ended.values():
            shown.note(f"{why}; started again")
        if ended.keys() & {"Ray", "TorchServe"}:
            classify = self._role_settings.classify.model_copy(update={"token": self._parts.settings.classify.token})
            write_settings(self._role_settings.model_copy(update={"classify": classify}), self._plan.folder)
            self._analyze.kill()

    def _book(self, record: Any, shown: view.View) -> None:
        if record.topic == name(self._plan.settings.kafka, CAMERAS):
            apply(record, self._plan.settings.site, self._wanted)
            self._ids |= self._wanted.keys()
            return
        message = parse(record)
        if not self._is_ours(message):
            return
        if isinstance(message, Observation) and self._report.detector is None and message.detector.name != YUNET:
            shown.note(f"detector: {message.detector.name}, which finds fewer faces; see emostream doctor")
        if isinstance(message, Observation | Stub | Ledger) and self._report.add(message):
            self._moved_at = time.monotonic()
            self._board.add(message, self._moved_at)
        elif isinstance(message, CameraStatus):
            self._board.add(message, time.monotonic())
            if self._states.get(message.camera) != (message.state, message.reason):
                before = self._states.get(message.camera)
                was_down = before is not None and before[0] is CameraState.DOWN
                if not (was_down and message.state is CameraState.STOPPED):  # why it was down stays known
                    self._states[message.camera] = (message.state, message.reason)
                shown.note(f"{message.camera}: {message.state}" + (f": {message.reason}" if message.reason else ""))
        elif isinstance(message, CameraSight):
            why = message.sight.replace("_", " ")
            shown.note(f"{message.camera}: " + (f"sees nothing of use: {why}" if why else "sees again"))

        if isinstance(message, Ledger) and message.final and message.state is CameraState.ENDED and message.next_seq:
            specs = {str(spec) for spec in policy(self._plan.settings.aggregate).specs}
            self._to_close[message.camera] = pane_of(message.covers_to), specs
        elif isinstance(message, Alert):
            if self._report.alert(message) or message.state is AlertState.CLEARED:
                shown.note(f"alert {message.state}: {message.owner}: {message.reason}")
        elif isinstance(message, Window):
            self._report.window(message)
            pane, specs = self._to_close.get(message.id, (None, set()))
            if message.scope is Scope.CAMERA and message.final and pane is not None and message.end > pane:
                specs.discard(message.spec)
                if not specs:
                    del self._to_close[message.id]

    @property
    def observed(self) -> int:
        """Frames observed so far."""
        return sum(row.frames for row in self._board.rows.values())

    def failed(self) -> dict[str, str]:
        """Cameras that ended in failure, with the reason."""
        return {camera: reason for camera, (state, reason) in self._states.items() if state is CameraState.FAILED}

    def _is_ours(self, message: object) -> bool:
        """Of this run's cameras and sessions; an earlier run's backlog is somebody else's."""
        if isinstance(message, Window | Alert):
            return message.site == self._plan.settings.site and not self._ids.isdisjoint(message.cameras)
        return (
            isinstance(message, Observation | Stub | Ledger | CameraStatus | CameraSight | FrameId)
            and message.site == self._plan.settings.site
            and message.camera in self._ids
            and message.session >= self._first_session
        )

    def _book_unread(self, lag: Lag) -> None:
        for found in unread_frames(self._plan.settings.kafka, lag.committed()):
            if not self._is_ours(found):
                continue
            if isinstance(found, FrameId):
                self._report.account.unread(found)
            else:
                self._report.account.ledger(found)
