"""A capture process follows what is wanted: real camera processes over a log in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.reconcile import Wanted
from pipeline.capture.service import CaptureService
from pipeline.messages import CameraState, DesiredCamera
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from tests.capturing import SOON, check_account, settings


def camera(name: str, uri: str = "synthetic:?size=160x120&fps=20", **changes: Any) -> DesiredCamera:
    return DesiredCamera(site="site-1", id=name, uri=uri, changed_at=datetime(2026, 1, 1, tzinfo=UTC), **changes)


def wanted(*cameras: DesiredCamera) -> Wanted:
    by_id = {each.id: each for each in cameras}
    return Wanted(by_id, frozenset(by_id))


class Follower:
    def __init__(self, own: Settings) -> None:
        self.log = MemoryPublisher()
        self.metrics = Metrics("capture")
        self.service = CaptureService(own, self.log, self.metrics)

    def until(self, now: Wanted, done: Callable[[], bool]) -> None:
        def look() -> bool:
            self.service.follow(now)
            return done()

        assert self.log.wait_for(look, SOON)

    def last(self, name: str) -> tuple[CameraState, str] | None:
        told = [(status.state, status.reason) for status in self.log.statuses if status.camera == name]
        return told[-1] if told else None

    def up(self, name: str) -> Callable[[], bool]:
        return lambda: self.last(name) == (CameraState.UP, "")


def test_cameras_come_change_pause_and_go() -> None:
    run = Follower(settings("synthetic:?size=160x120&fps=20&id=own"))
    hall, yard = camera("hall"), camera("yard", credentials="env:CAMERA_NOWHERE", uri="rtsp://127.0.0.1:1/s")
    try:
        run.until(Wanted(), run.up("own"))
        run.until(wanted(hall), run.up("hall"))
        first = run.log.statuses[-1].session

        faster = hall.model_copy(update={"fps": 5.0})
        run.until(wanted(faster), lambda: run.log.statuses[-1].session > first and run.up("hall")())
        assert (CameraState.STOPPED, "changed") in [(s.state, s.reason) for s in run.log.statuses if s.camera == "hall"]

        paused = camera("own", paused=True, changed_by="anna")
        run.until(Wanted({"own": paused, "hall": faster}, frozenset({"hall"})),
                  lambda: run.last("own") == (CameraState.STOPPED, "paused by anna"))  # fmt: skip
        assert not run.service.ended()
        run.until(wanted(faster), run.up("own"))

        run.until(wanted(faster, yard), lambda: run.last("yard") is not None)
        state, reason = run.last("yard") or (None, "")
        assert state is CameraState.FAILED
        assert "env:CAMERA_NOWHERE: no user:password" in reason

        run.until(Wanted(), lambda: run.last("hall") == (CameraState.STOPPED, "removed"))
        run.until(Wanted(), lambda: "hall" not in str(list(run.metrics.camera_up.collect())))
    finally:
        run.service.stop(timeout=5)
    check_account(run.log, "own")
    check_account(run.log, "hall")


def test_a_process_with_an_added_camera_goes_on_until_it_has_ended_too() -> None:
    run = Follower(settings("synthetic:?size=160x120&frames=3&id=own&realtime=false"))
    added = wanted(camera("more", "synthetic:?size=160x120&frames=40&fps=20"))
    try:
        run.until(added, lambda: run.last("own") == (CameraState.ENDED, "") and run.up("more")())
        assert not run.service.ended()
        run.until(added, run.service.ended)
    finally:
        run.service.stop(timeout=5)
    assert run.last("more") == (CameraState.ENDED, "")
