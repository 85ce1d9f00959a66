"""What is known of one camera, and what that means to whoever looks after it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pipeline.messages import CameraSight, CameraState, CameraStatus, DesiredCamera, Idle, Observation, SeqRange
from pipeline.watch.camera import CameraView, Preview
from pipeline.watch.condition import LATE_SECONDS, Condition, Kind, Level, condition
from tests.records import at, face, ledger, observed, stub

SILENT = 10.0


def status(state: CameraState, seconds: float, reason: str = "") -> CameraStatus:
    return CameraStatus(site="site", camera="cam", session=1, at=at(seconds), state=state, reason=reason)


def desired(seconds: float, **values: object) -> DesiredCamera:
    wanted = {"site": "site", "id": "cam", "uri": "synthetic:", "changed_at": at(seconds), **values}
    return DesiredCamera.model_validate(wanted)


def frame(seq: int, seconds: float, latency: float = 0.2, blind: str = "") -> Observation:
    seen = observed(seq, seconds, [face("happy")], blind=blind)
    return seen.model_copy(update={"processed_at": seen.captured_at + timedelta(seconds=latency)})


def running(until: float, fps: int = 10, view: CameraView | None = None) -> CameraView:
    """A camera that has been up since second 0."""
    view = view or CameraView("cam")
    view.add(status(CameraState.UP, 0), at(0))
    for number in range(int(until * fps)):
        view.add(frame(number, number / fps), at(number / fps))
    view.add(ledger(until - 1, until, 10, state=CameraState.UP), at(until))
    return view


def judged(view: CameraView, seconds: float) -> Condition:
    return condition(view.now(at(seconds)), at(seconds), SILENT)


def test_a_camera_that_sees() -> None:
    now = running(30).now(at(30))
    assert (now.state, now.fps, now.expected_fps, now.lag) == (CameraState.UP, 10.0, 10.0, pytest.approx(0.3))
    assert now.shown is not None
    assert (now.shown.seq, now.shown.faces[0].label) == (299, "happy")
    assert judged(running(30), 30) == Condition(Kind.SEES, Level.FINE, at(0))


def test_frames_that_are_told_again_after_a_crash_count_once() -> None:
    view = running(20)
    for number in range(150, 200):
        view.add(frame(number, number / 10), at(20))
    assert view.now(at(20)).fps == 10.0
    assert view.now(at(21)).fps == 9.0


def test_a_camera_of_which_nothing_comes_any_more_is_silent_since_its_last_frame() -> None:
    view = running(30)
    assert judged(view, 39).kind is not Kind.SILENT
    silent = judged(view, 45)
    assert (silent.kind, silent.level, silent.since) == (Kind.SILENT, Level.ATTENTION, at(29.9))
    assert silent.words == "nothing is heard of it"
    view.add(ledger(44, 45, 10, state=CameraState.UP), at(45))
    assert judged(view, 45).words == "capture tells of it, but no frame is analyzed"


def test_what_an_aggregator_says_of_a_silent_camera_is_no_sign_of_life() -> None:
    view = running(30)
    view.add(Idle(site="site", camera="cam", since=at(30), until=at(50), written_at=at(50)), at(50))
    assert view.now(at(50)).heard_at == at(30)


@pytest.mark.parametrize(
    ("state", "kind", "level"),
    [
        (CameraState.DOWN, Kind.DOWN, Level.ATTENTION),
        (CameraState.FAILED, Kind.FAILED, Level.ATTENTION),
        (CameraState.ENDED, Kind.ENDED, Level.OFF),
        (CameraState.STOPPED, Kind.STOPPED, Level.OFF),
    ],
)
def test_what_capture_says_counts(state: CameraState, kind: Kind, level: Level) -> None:
    view = running(30)
    view.add(status(state, 31, "refused"), at(31))
    assert judged(view, 32) == Condition(kind, level, at(31), "refused")


def test_a_camera_is_down_since_it_went_however_often_it_is_tried() -> None:
    view = running(30)
    for attempt, reason in enumerate(["no route", "refused", "refused"]):
        view.add(status(CameraState.DOWN, 31 + 10 * attempt, reason), at(31 + 10 * attempt))
    assert judged(view, 60) == Condition(Kind.DOWN, Level.ATTENTION, at(31), "refused")
    view.add(status(CameraState.UP, 62), at(62))
    assert view.now(at(62)).since == at(62)


def test_a_status_that_comes_late_changes_nothing() -> None:
    view = running(30)
    view.add(status(CameraState.DOWN, -5), at(30))
    assert view.now(at(30)).state is CameraState.UP


def test_a_camera_that_was_not_paused_but_whose_capture_was_stopped_wants_to_be_looked_at() -> None:
    view = running(30)
    view.desired = desired(0)
    view.add(status(CameraState.STOPPED, 31, "capture was asked to stop"), at(31))
    assert judged(view, 35).level is Level.NOTICE
    assert judged(view, 60).level is Level.ATTENTION


def test_paused_wins_over_what_it_does() -> None:
    view = running(30)
    view.add(status(CameraState.STOPPED, 31), at(31))
    view.desired = desired(30, paused=True, changed_by="Ada")
    assert judged(view, 60) == Condition(Kind.PAUSED, Level.OFF, at(30), "by Ada")


def test_a_camera_that_nobody_has_taken_up_says_so() -> None:
    view = CameraView("cam", desired=desired(0))
    assert judged(view, 5).level is Level.NOTICE
    assert judged(view, 60) == Condition(Kind.WAITING, Level.ATTENTION, at(0), "no capture process has taken it up")


def test_a_camera_that_connects_for_long_wants_to_be_looked_at() -> None:
    view = CameraView("cam")
    view.add(status(CameraState.CONNECTING, 0), at(0))
    assert [judged(view, seconds).level for seconds in (5, 60)] == [Level.NOTICE, Level.ATTENTION]


def test_blindness_is_told_with_its_reason_and_since_when() -> None:
    view = running(30)
    view.add(CameraSight(site="site", camera="cam", session=1, at=at(30), sight="out_of_focus", since=at(12)), at(30))
    assert judged(view, 30) == Condition(Kind.BLIND, Level.ATTENTION, at(12), "out of focus")
    view.add(frame(300, 30.1), at(30.1))
    assert judged(view, 31).kind is Kind.SEES


def test_lag_grows_while_nothing_comes_whatever_the_clocks_of_others_say() -> None:
    view = running(30)
    view.add(frame(300, 30, latency=25), at(30))
    assert view.now(at(34)).lag == 29.0
    assert judged(view, 34) == Condition(Kind.LATE, Level.NOTICE, None, "what is seen is 29 s old")
    view.desired = desired(0, realtime=False)
    assert view.now(at(34)).lag is None


def test_too_few_frames_are_told_once_the_camera_has_settled() -> None:
    view = running(30, fps=2)
    assert judged(view, 30) == Condition(Kind.FEW_FRAMES, Level.NOTICE, None, "2 of 10 frames/s")
    assert judged(running(5, fps=2), 5).kind is Kind.SEES


def test_what_was_lost_in_the_last_minute() -> None:
    view = running(30)
    view.add(stub(300, 30), at(30))
    view.add(ledger(30, 31, 10, dropped={"buffer_full": [SeqRange(first=1, last=4)]}), at(31))
    now = view.now(at(40))
    assert (now.dead, now.dropped) == (1, {"buffer_full": 4})
    later = view.now(at(120))
    assert (later.dead, later.dropped) == (0, {})


def test_boxes_are_those_of_the_picture_that_is_shown() -> None:
    def preview(session: int, seq: int, captured: datetime) -> Preview:
        return Preview("site", "cam", session, seq, captured, b"jpeg")

    view = running(30)
    view.preview = preview(1, 290, at(29))
    assert [view.now(at(30)).shown.seq] == [290]  # type: ignore[union-attr]
    view.preview = preview(1, 10, at(1))  # too long ago: its boxes are forgotten
    assert [view.now(at(30)).shown.seq] == [299]  # type: ignore[union-attr]


def test_a_camera_whose_status_has_expired_is_known_by_its_ledger() -> None:
    view = CameraView("cam")
    view.add(ledger(0, 1, 10, state=CameraState.DOWN, reason="no route"), at(1))
    assert judged(view, 2) == Condition(Kind.DOWN, Level.ATTENTION, None, "no route")


def test_while_the_analyzers_are_behind_nobody_can_know_that_it_is_silent() -> None:
    view = running(30)
    assert condition(view.now(at(60)), at(60), SILENT, behind=LATE_SECONDS).kind is Kind.SILENT
    late = condition(view.now(at(60)), at(60), SILENT, behind=200)
    assert (late.kind, late.level) == (Kind.LATE, Level.ATTENTION)
    assert late.words == "the analyzers are 200 s behind: nothing newer is known of it"
    view.add(status(CameraState.DOWN, 61, reason="no route"), at(61))
    assert condition(view.now(at(62)), at(62), SILENT, behind=200).kind is Kind.DOWN
