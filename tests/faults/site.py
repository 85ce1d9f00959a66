"""One system under test: topics of its own on a stack, its roles as processes, its log followed."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from pipeline.capture.uri import camera_specs
from pipeline.errors import DependencyError
from pipeline.kafka.clients import apply_topics
from pipeline.kafka.lag import Lag
from pipeline.kafka.reader import Reader, parse, unread_frames
from pipeline.local.process import Process
from pipeline.local.roles import KeptRole, write_settings
from pipeline.messages import FrameId, Ledger, Window
from pipeline.settings import CameraSettings, Settings
from pipeline.topics import EVENTS, WINDOWS
from tests.faults.event_log import EventLog
from tests.faults.fault import Outcome

SITES = itertools.count(1)
ROLES = ("aggregate", "analyze", "capture")
READY_SECONDS = 180.0
TEND_SECONDS = 0.1


class Parts(Protocol):
    """Kafka, and what else is needed: LocalStack, or brokers of the fault's own."""

    settings: Settings

    def tend(self, now: float) -> dict[str, str]: ...


class Role(Protocol):
    """A command that is kept running: KeptRole, or one on another host."""

    process: Process

    def check(self, now: float) -> str: ...

    def kill(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Ending:
    """How a role ended that was asked to: `seconds` until it had, `code` its exit code."""

    role: str
    seconds: float
    code: int | None


class Site:
    """Roles are started again when they end, as whoever runs their containers does. `with` it.

    `changes`: top-level fields of the settings.
    """

    ready_seconds = READY_SECONDS

    def __init__(self, parts: Parts, folder: Path, uris: Sequence[str] = (), **changes: Any) -> None:
        number = next(SITES)
        self.folder = folder / f"site-{number}"
        (self.folder / "logs").mkdir(parents=True)
        kafka = parts.settings.kafka.model_copy(
            update={"topic_prefix": f"f{number}", "group": f"f{number}", "aggregate_group": f"f{number}-aggregate"}
        )
        values = {**parts.settings.model_dump(), "kafka": kafka, "cameras": [CameraSettings(uri=uri) for uri in uris]}
        metrics = parts.settings.metrics.model_copy(update={"targets_dir": self.folder / "metrics"})
        values |= {"metrics": metrics, "log_dir": self.folder / "logs", **changes}
        self.settings = type(parts.settings).model_validate(values)
        self.cameras = [spec.id for spec in camera_specs(self.settings.cameras)]
        self.notes: list[str] = []  # what was started again, and why
        self._parts = parts
        self._roles: dict[str, Role] = {}
        self._launches: dict[str, Callable[[], Role]] = {}
        self._tending = threading.Lock()
        self._stop = threading.Event()
        self._failed: BaseException | None = None
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def __enter__(self) -> Self:
        apply_topics(self.settings.kafka)
        self.log = EventLog(self.settings.kafka)
        self.file = write_settings(self.settings, self.folder)
        self._keeper.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._keeper.join(60)
        for role in reversed(list(self._roles.values())):
            role.stop()
        self.log.close()

    # roles

    def start(self, name: str, label: str = "") -> None:
        """Starts a role, under a `label` of its own where there are several. Of analyze, waits until it reads."""
        logs = self.folder / "logs" / label
        logs.mkdir(exist_ok=True)
        listed = self.folder / "metrics" / "analyze.json"
        if name == "analyze":
            listed.unlink(missing_ok=True)
        launch = partial(self._kept, name, label or name, logs)
        with self._tending:
            self._launches[label or name] = launch
            self._roles[label or name] = launch()
        if name == "analyze":
            self.wait(listed.exists, self.ready_seconds, "the analyzers do not start")

    def _kept(self, name: str, label: str, logs: Path) -> Role:
        """A role that runs: on this machine, whatever its label."""
        return KeptRole(name, self.file, logs)

    def begin(self, frames: int = 30) -> None:
        """Starts all roles, and waits until so many frames went through."""
        for role in ROLES:
            self.start(role)
        self.frames(self.log.new() + frames, self.ready_seconds)

    def stop(self, label: str) -> Ending:
        """In good order."""
        with self._tending:
            role = self._roles.pop(label)
        began = time.monotonic()
        role.stop()
        return Ending(label, time.monotonic() - began, role.process.code)

    def kill(self, label: str) -> None:
        """At once; it is started again."""
        self._roles[label].kill()

    def give(self, **changes: Any) -> None:
        """Other settings for all roles but capture, which are killed and started again with them."""
        with self._tending:
            self._rewrite(**changes)

    def _rewrite(self, **changes: Any) -> None:
        self.settings = self.settings.model_copy(update=changes)
        write_settings(self.settings, self.folder)
        for label, role in self._roles.items():
            if label == "analyze":
                role.kill()

    def _keep(self) -> None:
        while not self._stop.wait(TEND_SECONDS):
            try:
                self._tend(time.monotonic())
            except DependencyError as error:
                self._failed = error
                return

    def _tend(self, now: float) -> None:
        ended = self._parts.tend(now)
        self.notes += ended.values()
        with self._tending:
            if ended.keys() & {"Ray", "TorchServe"}:
                token = self._parts.settings.classify.token
                self._rewrite(classify=self.settings.classify.model_copy(update={"token": token}))
            for label, role in list(self._roles.items()):
                if label == "capture" and not role.process.running() and role.process.code == 0:
                    continue  # all of its cameras came to their end
                try:
                    why = role.check(now)
                except DependencyError as error:  # whoever runs its containers does not give up
                    why = error.message
                    self._roles[label] = self._launches[label]()
                if why:
                    self.notes.append(why)

    # waiting and the end

    def wait(self, condition: Any, patience: float, otherwise: str) -> None:
        """Raises AssertionError where it does not come true in time, or something cannot be kept up."""
        true = self.log.wait(lambda: self._failed or condition(), patience)
        if self._failed:
            raise AssertionError(f"{otherwise}: {self._failed}")
        assert true, f"{otherwise} within {patience:g} s"

    def frames(self, count: int, patience: float) -> None:
        """Until so many frames have met their fate."""
        self.wait(lambda: self.log.new() >= count, patience, f"{self.log.new()} of {count} frames")

    def recovered(self, since: float, patience: float = 120.0) -> float:
        return self.log.recovered(self.cameras, since, patience)

    def lag(self) -> int:
        with Lag(self.settings.kafka) as lag:
            return lag.records()

    def finish(self, patience: float = 180.0) -> Outcome:
        """Capture stops, all that it gave is read, and the account is made."""
        if "capture" in self._roles:
            self.stop("capture")
        with Lag(self.settings.kafka) as lag:
            self.wait(lambda: not self._records(lag), patience, "frames are not read")
        assert self.log.caught_up(60), "the end of emotion-events is not reached"
        outcome, unended = self.outcome(), self.log.unended()
        outcome.hold(not unended, f"no last ledger record of {unended}: nobody knows how many frames there were")
        return outcome

    @staticmethod
    def _records(lag: Lag) -> int:
        try:
            return lag.records()
        except DependencyError:
            return -1

    def outcome(self) -> Outcome:
        """The equation as it stands, from the log alone."""
        total = self.log.total(self.unread())
        lost = total.missing + total.dropped.get("expired", 0)
        outcome = Outcome(
            frames=total.captured,
            lost=lost,
            duplicates_raw=self.log.duplicates_raw(),
            duplicates=self.log.duplicates(),
            balanced=total.balanced,
        )
        outcome.figures |= {
            "observed": total.observed, "dead_lettered": total.dead_lettered, "dropped": total.dropped,
            "in_flight": total.in_flight, "started_again": len(self.notes),
        }  # fmt: skip
        outcome.hold(total.balanced, f"{total.missing} frames are not accounted for")
        outcome.hold(not lost, f"{lost} acknowledged frames are lost")
        outcome.hold(not outcome.duplicates, f"{outcome.duplicates} duplicates after deduplication")
        outcome.hold(total.captured > 0, "no frame was captured")
        if self.settings.delivery == "exactly_once":
            outcome.hold(not outcome.duplicates_raw, f"{outcome.duplicates_raw} duplicates, read committed")
        return outcome

    def windows(self) -> list[Window]:
        with Reader(self.settings.kafka, [WINDOWS]) as reader:
            reader.from_beginning()
            return [window for window in map(parse, reader.to_end()) if isinstance(window, Window)]

    def unread(self) -> list[FrameId | Ledger]:
        """What stands on `frames` behind what analyze has committed."""
        with Lag(self.settings.kafka) as lag:
            return list(unread_frames(self.settings.kafka, lag.committed()))

    def messages(self) -> list[Any]:
        """What emotion-events holds, duplicates and all."""
        with Reader(self.settings.kafka, [EVENTS]) as reader:
            reader.from_beginning()
            return [parse(record) for record in reader.to_end()]
