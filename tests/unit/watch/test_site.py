"""Everything that is known of a site: what is kept, what is passed over, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.messages import (
    AlertState,
    CameraState,
    CameraStatus,
    DesiredCamera,
    FrameCounts,
    RoleState,
    RoleStatus,
    Scope,
    Window,
)
from pipeline.watch import site as site_module
from pipeline.watch.camera import Preview
from pipeline.watch.condition import Kind
from pipeline.watch.flow import POINTS
from pipeline.watch.recent import Latencies
from pipeline.watch.site import SiteView
from pipeline.watch.windows import BYTES
from tests.records import alert, at, face, ledger, observed

HOUR = timedelta(hours=1)


def view(most: int = 1000) -> SiteView:
    return SiteView("site", span=HOUR, most_windows=most, silent_seconds=10)


def desired(camera: str, **values: object) -> DesiredCamera:
    return DesiredCamera.model_validate(
        {"site": "site", "id": camera, "uri": "synthetic:", "changed_at": at(0), **values}
    )


def status(camera: str, state: CameraState, seconds: float) -> CameraStatus:
    return CameraStatus(site="site", camera=camera, session=1, at=at(seconds), state=state)


def window(minute: int, camera: str = "cam", **values: Any) -> Window:
    told = {
        "scope": Scope.CAMERA, "site": "site", "id": camera, "spec": "60s", "start": at(60 * minute),
        "end": at(60 * minute + 60), "revision": 0, "final": False, "as_of": at(60 * minute + 60),
        "frames": FrameCounts(expected=600, observed=600), "coverage": 1.0, "cameras": {camera: 1.0},
        "n_face_frames": 10, "n_tracks": 1, "n_told": 10, "n_abstained": 0,
        "label_share": {"happy": 0.7, "neutral": 0.3}, **values,
    }  # fmt: skip
    return Window.model_validate(told)


def role(instance: str, seconds: float, state: RoleState = RoleState.RUNNING) -> RoleStatus:
    return RoleStatus(
        role="analyze", instance=instance, site="site", host="here", version="1", started_at=at(0), at=at(seconds),
        state=state,
    )  # fmt: skip


def names(known: SiteView, seconds: float) -> list[str]:
    return [camera.id for camera, _ in known.now(at(seconds)).cameras]


def test_records_of_another_site_are_passed_over() -> None:
    known = view()
    known.apply(observed(0, 0).model_copy(update={"site": "elsewhere"}), at(0))
    known.preview(Preview("elsewhere", "cam", 1, 0, at(0), b""))
    assert names(known, 0) == []


def test_rates_and_latency_of_all_cameras() -> None:
    known = view()
    for number in range(200):
        for camera in ("a", "b"):
            seen = observed(number, number / 10, [face("sad"), face("happy")], camera=camera)
            late = seen.model_copy(update={"processed_at": seen.captured_at + timedelta(seconds=0.5)})
            known.apply(late, at(number / 10))
    now = known.now(at(20))
    assert (now.frames_per_second, now.faces_per_second) == (20.0, 40.0)
    assert now.model is not None
    *_, last = known.flow.points(at(20.5))
    assert (last.frames_per_second, last.faces_per_second) == (20.0, 40.0)
    assert last.p50 == pytest.approx(0.5, rel=0.2)


def test_a_pause_is_seen_in_the_flow_and_an_hour_is_kept() -> None:
    known = view()
    known.apply(observed(0, 0), at(0))
    known.backlog(7, at(30))
    points = known.flow.points(at(60))
    assert [point.frames_per_second for point in points] == [0.1, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert points[3].backlog == 7
    assert known.flow.points(at(100_000)) == []
    for second in range(0, 10_000, 100):
        known.backlog(1, at(100_000 + second))
    assert len(known.flow.points(at(110_000))) <= POINTS


def test_a_removed_camera_is_gone_with_what_is_told_of_its_end() -> None:
    known = view()
    known.apply(desired("cam"), at(0))
    known.apply(observed(0, 0), at(0))
    known.removed("cam", at(1))
    known.apply(observed(1, 1), at(1))
    known.apply(ledger(0, 1, 10, final=True, state=CameraState.STOPPED), at(1))
    known.apply(status("cam", CameraState.STOPPED, 1), at(1))
    known.preview(Preview("site", "cam", 1, 1, at(1), b""))
    assert names(known, 1) == []
    known.apply(desired("cam"), at(2))
    assert names(known, 2) == ["cam"]


def test_a_removed_camera_that_runs_all_the_same_is_shown() -> None:
    known = view()
    known.apply(desired("cam"), at(0))
    known.removed("cam", at(1))
    known.apply(status("cam", CameraState.UP, 5), at(5))
    assert names(known, 5) == ["cam"]


def test_topics_that_are_read_anew_in_another_order_come_to_the_same() -> None:
    late, early = view(), view()
    up = status("cam", CameraState.UP, 0)
    late.apply(up, at(0))
    late.removed("cam", at(1))
    early.removed("cam", at(1))
    early.apply(up, at(0))
    assert names(late, 2) == names(early, 2) == []
    again = status("cam", CameraState.UP, 5)
    late.apply(again, at(5))
    early.apply(again, at(5))
    late.removed("cam", at(1))
    assert names(late, 6) == names(early, 6) == ["cam"]


def test_a_camera_of_a_settings_file_that_is_resumed_is_not_removed() -> None:
    known = view()
    known.apply(observed(0, 0), at(0))
    known.apply(desired("cam", paused=True, origin="settings"), at(1))
    assert known.desired("cam") is not None
    known.removed("cam", at(2))
    assert (known.desired("cam"), names(known, 2)) == (None, ["cam"])


def test_a_camera_that_nobody_wants_is_shown_while_something_was_heard_of_it() -> None:
    known = view()
    known.apply(status("up", CameraState.UP, 0), at(0))
    known.apply(status("stopped", CameraState.STOPPED, 0), at(0))
    known.apply(desired("wanted"), at(0))
    assert [names(known, seconds) for seconds in (1, 4000, 700_000)] == [
        ["stopped", "up", "wanted"],
        ["up", "wanted"],
        ["wanted"],
    ]


def test_the_number_of_cameras_is_bounded_and_wanted_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "CAMERAS", 5)
    known = view()
    known.apply(desired("wanted"), at(0))
    for number in range(50):
        known.apply(observed(0, 0, camera=f"made-up-{number:02}"), at(number))
    assert names(known, 50) == ["made-up-46", "made-up-47", "made-up-48", "made-up-49", "wanted"]


def test_windows_by_what_they_speak_of_newest_revision_only() -> None:
    known = view()
    for minute in range(3):
        known.apply(window(minute), at(0))
    before = known.windows.version
    known.apply(window(1, revision=2, label_share={"sad": 1.0}), at(0))
    known.apply(window(1, revision=1, label_share={"angry": 1.0}), at(0))
    kept = known.windows.of(Scope.CAMERA, "cam", "60s")
    assert [(each.revision, each.label, each.share) for each in kept] == [
        (0, "happy", 0.7), (2, "sad", 1.0), (0, "happy", 0.7),
    ]  # fmt: skip
    assert kept[1].window().label_share == {"sad": 1.0}
    assert [each.start for each in known.windows.of(Scope.CAMERA, "cam", "60s", after=before)] == [at(60)]
    assert list(known.windows.histories()) == [(Scope.CAMERA, "cam", "60s")]


def test_figures_that_are_withheld_are_not_shown_by_another_door() -> None:
    known = view()
    known.apply(window(0, suppressed=True), at(0))
    [kept] = known.windows.of(Scope.CAMERA, "cam", "60s")
    assert (kept.label, kept.share) == (None, None)


def test_windows_are_bounded_by_time_and_by_count() -> None:
    known = view(most=100)
    for minute in range(90):
        known.apply(window(minute), at(0))
    kept = known.windows.of(Scope.CAMERA, "cam", "60s")
    assert (len(kept), kept[0].start) == (60, at(60 * 30))
    for minute in range(30, 90):
        known.apply(window(minute, "other"), at(0))
    counts = [len(known.windows.of(Scope.CAMERA, camera, "60s")) for camera in ("cam", "other")]
    assert sum(counts) == 100
    assert max(counts) - min(counts) <= 1
    assert known.windows.latest(Scope.CAMERA, "cam", "60s").start == at(60 * 89)  # type: ignore[union-attr]


def test_windows_are_bounded_by_their_size() -> None:
    known = view(most=10)
    wide = {f"camera-{number:0200}": 1.0 for number in range(30)}
    for number in range(50):
        known.apply(window(0, f"cam-{number}", cameras=wide), at(0))
    kept = [known.windows.latest(*key) for key in known.windows.histories()]
    sizes = [len(each.value) for each in kept if each]
    assert 10 * BYTES - 2 * max(sizes) < sum(sizes) <= 10 * BYTES
    assert "cam-49" in [name for _, name, _ in known.windows.histories()]


def test_a_window_that_comes_after_a_later_one_is_in_order() -> None:
    known = view()
    for minute in (1, 3, 2):
        known.apply(window(minute), at(0))
    assert [kept.start for kept in known.windows.of(Scope.CAMERA, "cam", "60s")] == [at(60), at(120), at(180)]


def test_alerts_that_stand_and_those_that_are_over() -> None:
    known = view()
    known.apply(alert(), at(0))
    known.apply(alert(alert_id="b", since=at(60), cameras={"hall": "", "room": "back"}, id="hall"), at(0))
    assert [each.alert_id for each in known.alerts.standing()] == ["b", "0123456789abcdef"]
    known.apply(alert(update=1, state=AlertState.CLEARED), at(0))
    known.apply(alert(), at(0))  # read again
    assert [each.alert_id for each in known.alerts.standing()] == ["b"]
    assert [each.update for each in known.alerts.recent()] == [1]
    assert [each.alert_id for each in known.alerts.about(Scope.CAMERA, "room")] == ["b", "0123456789abcdef"]
    assert known.alerts.about(Scope.ZONE, "room") == []


def test_processes_by_their_signs_of_life() -> None:
    known = view()
    known.apply(role("1", 0), at(0))
    known.apply(role("2", 30), at(30))
    known.apply(role("3", 0, RoleState.STOPPED), at(0))
    assert [(each.status.instance, each.silent) for each in known.now(at(35)).roles] == [
        ("1", True), ("2", False), ("3", False),
    ]  # fmt: skip
    assert [each.status.instance for each in known.now(at(3600)).roles] == ["1", "2"]
    assert known.now(at(200_000)).roles == ()


def test_conditions_come_with_the_cameras() -> None:
    known = view()
    known.apply(desired("cam"), at(0))
    assert [condition.kind for _, condition in known.now(at(0)).cameras] == [Kind.WAITING]


def test_latencies_are_told_within_a_fifth() -> None:
    latencies = Latencies()
    assert latencies.quantile(0.5) is None
    for milliseconds in range(1, 1001):
        latencies.add(timedelta(milliseconds=milliseconds))
    assert latencies.quantile(0.5) == pytest.approx(0.5, rel=0.2)
    assert latencies.quantile(0.95) == pytest.approx(0.95, rel=0.2)
    latencies.add(timedelta(days=1))
    assert latencies.quantile(1.0) is not None
