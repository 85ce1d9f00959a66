"""Keeps the analyzers running: starts them, watches their progress, replaces what died or stalled."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError

from pipeline.analyze.status import Status
from pipeline.cluster.analyzer import ACTOR_OPTIONS, Analyzer
from pipeline.cluster.head import Head
from pipeline.cluster.scaling import Scaling, Seen
from pipeline.cluster.supervision import Watch
from pipeline.errors import DependencyError
from pipeline.kafka.members import leave
from pipeline.metrics import list_targets
from pipeline.settings import Settings

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
COMPARE_SECONDS = 5.0
STATUS_SECONDS = 5.0  # an answer to `status` may take so long before the next is asked for
STARTS_IN_A_MINUTE = 5  # a slot that dies more often than this has a cause that a restart does not cure
NOT_THEIRS = {"cameras", "webhooks", "api"}  # analyzers are given no secrets that they do not need
STOP_SECONDS = 8.0  # with Ray's own end it stays under 15 s


@dataclass(slots=True)
class Slot:
    """One place in the consumer group and the actor that fills it."""

    index: int
    actor: Any = None
    running: Any = None  # the call of Analyzer.run
    asked: Any = None  # the outstanding call of Analyzer.status
    place: Any = None  # (node id, process id), or the outstanding call of Analyzer.place
    watch: Watch | None = None
    starts: list[float] = field(default_factory=list)
    metrics_port: int = 0
    said: Status | None = None  # last
    leaves_by: float | None = None  # there are to be fewer: it is asked to end, and made to by then


class Supervisor:
    """Runs as many analyzers as the settings want and the load asks for, until stopped. Ray must be connected."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._actor_class = ray.remote(**{**ACTOR_OPTIONS, "num_cpus": settings.ray.analyzer_cpus})(Analyzer)
        self._listed: list[int] = []
        analyze = settings.analyze
        self._slots = [Slot(index) for index in range(analyze.actors)]
        most = analyze.max_actors or analyze.actors
        self._scaling = Scaling(analyze.actors, most, analyze.scale_up_seconds, analyze.scale_down_seconds)
        self._compared: dict[int, Status] = {}  # by slot: what was said when they were last compared
        self._compared_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Returns after `stop`, with every analyzer ended. Raises DependencyError when one cannot be kept up, or Ray
        is gone, and the analyzers with it."""
        head = Head(time.monotonic())
        try:
            while not stop.is_set():
                head.check(time.monotonic())
                for slot in list(self._slots):
                    self._tend(slot, time.monotonic())
                self._scale(time.monotonic())
                self._list_endpoints()
                stop.wait(CHECK_SECONDS)
        finally:
            if not head.gone:
                self._end_all()

    def _list_endpoints(self) -> None:
        """The endpoints of the analyzers that work; that some are listed tells that frames are read."""
        ports = [slot.metrics_port for slot in self._slots if slot.metrics_port]
        if ports != self._listed:
            metrics = self._settings.metrics
            list_targets(metrics.targets_dir, "analyze", metrics.host, ports)
            self._listed = ports

    def _scale(self, now: float) -> None:
        """One analyzer more or less, when there is reason to; one change at a time."""
        slots = [slot for slot in self._slots if slot.said is not None]
        if now - self._compared_at < COMPARE_SECONDS or len(slots) < len(self._slots):
            return
        pairs = [(self._compared.get(slot.index), slot.said) for slot in slots]
        seconds, self._compared_at = now - self._compared_at, now
        self._compared = {slot.index: slot.said for slot in slots if slot.said is not None}
        known = [(then, said) for then, said in pairs if then is not None and said is not None]
        if len(known) < len(slots):
            return
        wanted = self._scaling.wanted(Seen.of(known, seconds), now)
        if wanted > len(slots):
            log.warning("frames wait: analyzer %d is started", len(slots))
            self._slots.append(Slot(len(slots)))
        elif wanted < len(slots):
            log.info("there is little to do: analyzer %d is ended", slots[-1].index)
            self._leave(self._slots[-1], now)

    def _leave(self, slot: Slot, now: float) -> None:
        slot.actor.stop.remote()
        slot.leaves_by = now + STOP_SECONDS

    def _tend(self, slot: Slot, now: float) -> None:
        if slot.leaves_by is not None:
            if self._why_ended(slot) is not None or now > slot.leaves_by:
                self._kill_process(slot)
                self._kill(slot)
                self._slots.remove(slot)
                leave(self._settings.kafka, slot.index)
            return
        if slot.actor is None:
            self._start(slot, now)
            return
        why = self._why_ended(slot)
        if why is None:
            self._ask(slot, now)
            why = slot.watch.stalled(now) if slot.watch else None
            if why is not None:
                self._kill_process(slot)
        if why is not None:
            log.warning("analyzer %d is replaced: %s", slot.index, why)
            self._kill(slot)
            recent = [at for at in slot.starts if at > now - 60]
            if len(recent) >= STARTS_IN_A_MINUTE:
                what = f"analyzer {slot.index} ended {len(recent)} times in a minute: {why}"
                raise DependencyError(what, "see its log")
            self._start(slot, now)

    def _start(self, slot: Slot, now: float) -> None:
        slot.actor = self._actor_class.remote(self._settings.model_dump_json(exclude=NOT_THEIRS), slot.index)
        slot.place = slot.actor.place.remote()
        slot.running = slot.actor.run.remote()
        slot.asked = None
        slot.metrics_port = 0
        slot.said = None
        self._compared.pop(slot.index, None)  # another process: its CPU time begins anew
        slot.watch = Watch(self._settings.analyze.stall_seconds, now)
        slot.starts = [*slot.starts[-STARTS_IN_A_MINUTE:], now]

    def _why_ended(self, slot: Slot) -> str | None:
        done, _ = ray.wait([slot.running], timeout=0)
        if not done:
            return None
        try:
            ray.get(slot.running)
        except RayError as error:
            cause = getattr(error, "cause", None)
            lines = str(cause or error).strip().splitlines()
            return lines[0] if lines else type(cause or error).__name__
        return "its loop ended"

    def _ask(self, slot: Slot, now: float) -> None:
        if not isinstance(slot.place, tuple) and ray.wait([slot.place], timeout=0)[0]:
            slot.place = self._get(slot.place)
        if slot.asked is None:
            slot.asked = slot.actor.status.remote()
        if ray.wait([slot.asked], timeout=0)[0]:
            answer = self._get(slot.asked)
            slot.asked = None
            if answer is not None and slot.watch is not None:
                status, port = answer
                slot.watch.saw(status, now)
                slot.said = status
                if status is not None:
                    slot.metrics_port = port

    @staticmethod
    def _get(call: Any) -> Any:
        try:
            return ray.get(call, timeout=STATUS_SECONDS)
        except (RayError, GetTimeoutError):
            return None

    @staticmethod
    def _kill(slot: Slot) -> None:
        ray.kill(slot.actor, no_restart=True)
        slot.actor = None

    @staticmethod
    def _kill_process(slot: Slot) -> None:
        """A process that is stopped does not hear Ray; on this node it can be ended all the same."""
        if isinstance(slot.place, tuple) and slot.place[0] == ray.get_runtime_context().get_node_id():
            with contextlib.suppress(ProcessLookupError):
                os.kill(slot.place[1], signal.SIGKILL)

    def _end_all(self) -> None:
        """Let each commit what it wrote, then end it."""
        running = [slot for slot in self._slots if slot.actor is not None]
        for slot in running:
            slot.actor.stop.remote()
        calls = [slot.running for slot in running]
        if calls:
            ray.wait(calls, num_returns=len(calls), timeout=STOP_SECONDS)
        for slot in running:
            self._kill(slot)
