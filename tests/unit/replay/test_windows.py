"""Windows made anew from old records, and what is told of their differences."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.aggregator import GIVE_UP
from pipeline.aggregate.windows import Policy, Spec
from pipeline.messages import LABELS, CameraState, Message, Scope, Window
from pipeline.replay.window_diff import WindowComparison
from pipeline.replay.windows import Windows, in_zones
from pipeline.settings import ZoneSettings
from pipeline.zones import Zones
from tests.records import START, at, camera_log, face, ledger, observed

CAMERAS = ("a", "b", "c")
SECONDS = timedelta(seconds=1)
POLICY = Policy((Spec(20 * SECONDS, 20 * SECONDS),), 10 * SECONDS, 20 * SECONDS)
HALL = [ZoneSettings(id="hall", camera="a", polygon=[(0, 0), (1, 0), (1, 1), (0, 1)])]


def replayed(log: Sequence[Message], cameras: Sequence[str] = (), zones: Sequence[ZoneSettings] = ()) -> list[Window]:
    windows = Windows(POLICY, Zones(zones), cameras)
    for camera in CAMERAS:
        windows.expect("site", camera, START)
    told = []
    for offset, message in enumerate(log):
        told += windows.add(message, 0, offset, START, whole=True)
    return told + windows.end()


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_the_cameras_does_not_show(seed: int) -> None:
    rng = random.Random(seed)
    logs = {camera: [*camera_log(camera, seed), observed(10**6, 400, camera=camera)] for camera in CAMERAS}
    one = [message for log in logs.values() for message in log]
    other = []
    while any(logs.values()):
        other.append(logs[rng.choice([camera for camera in CAMERAS if logs[camera]])].pop(0))
    told = [{(window.key, window.revision): window for window in replayed(log)} for log in (one, other)]
    assert told[0] == told[1]
    assert {window.scope for window in told[0].values()} == {Scope.CAMERA, Scope.SITE}


def test_a_camera_of_which_nothing_comes_is_given_up() -> None:
    """By the records' own time, or at their end."""
    windows = Windows(POLICY, Zones([]))
    for camera in CAMERAS:
        windows.expect("site", camera, START)
    told = windows.add(observed(0, 0, camera="a"), 0, 0, START, whole=True)
    told += windows.add(observed(1, 100, camera="a"), 0, 1, at(100), whole=True)
    assert {window.scope for window in told} == {Scope.CAMERA}
    told = windows.add(observed(2, 101, camera="a"), 0, 2, START + GIVE_UP + SECONDS, whole=True)
    assert [(window.scope, window.start) for window in told if window.final] == [(Scope.SITE, START)]
    late = Windows(POLICY, Zones([]))
    late.expect("site", "b", START)
    late.add(observed(0, 0, camera="a"), 0, 0, START, whole=True)
    late.add(observed(1, 100, camera="a"), 0, 1, START, whole=True)
    assert {window.scope for window in late.end()} == {Scope.SITE}


def test_files_that_have_ended_are_told_to_the_last() -> None:
    log = [observed(0, 1, camera="a"), ledger(0, 2, 1, "a", state=CameraState.ENDED, final=True)]
    assert {(window.scope, window.final) for window in replayed(log)} >= {(Scope.CAMERA, True), (Scope.SITE, True)}


def test_of_some_cameras_only_their_own_windows_are_told() -> None:
    log = [message for camera in CAMERAS for message in (observed(0, 0, camera=camera), observed(1, 99, camera=camera))]
    assert {(window.scope, window.id) for window in replayed(log, ["b"])} == {(Scope.CAMERA, "b")}


def test_zones_are_those_of_the_replay() -> None:
    seen = observed(0, 0, [face("happy", zones=["old"])], camera="a")
    assert in_zones(seen, Zones(HALL)).faces[0].zone_ids == ["hall"]  # type: ignore[union-attr]
    told = replayed([seen, observed(1, 99, camera="a")], zones=HALL)
    hall = next(window for window in told if window.scope is Scope.ZONE)
    assert (hall.id, hall.n_face_frames) == ("hall", 1)
    assert in_zones(ledger(0, 1, 1), Zones(HALL)) == ledger(0, 1, 1)


def window(camera: str = "a", seconds: int = 0, **changes: object) -> Window:
    log = [observed(n, seconds + n, [face("happy")], camera=camera) for n in range(5)]
    made = next(each for each in replayed([*log, observed(9, seconds + 99, camera=camera)]) if each.final)
    return made.model_copy(update=changes)


def compared(first: Sequence[Window], again: Sequence[Window], **limits: timedelta) -> dict[str, int]:
    owner = Scope.CAMERA, "site", "a"
    comparison = WindowComparison(told_to={owner: at(1000)})
    comparison.since = {owner: START + limits.get("since", timedelta(0))}
    comparison.told_to = {owner: START + limits.get("told_to", timedelta(days=1))}
    for each in first:
        comparison.first(each)
    for each in again:
        comparison.again(each)
    report = comparison.report()
    assert report["windows"].keys() == {"same", "different", "only_first", "only_replay", "not_compared"}
    return {name: count for name, count in report["windows"].items() if count}


def test_windows_are_alike_whenever_they_were_told() -> None:
    assert compared([window()], [window(revision=7, as_of=at(99))]) == {"same": 1}
    assert compared([window(n_tracks=9), window()], [window()]) == {"same": 1}  # the last revision counts


def test_windows_that_differ_say_in_what() -> None:
    sad = {**dict.fromkeys(LABELS, 0.0), "sad": 1.0}
    other = window(n_face_frames=9, label_share=sad, coverage=0.5)
    comparison = WindowComparison(told_to={(Scope.CAMERA, "site", "a"): at(1000)})
    comparison.first(window(coverage=0.75))
    comparison.again(other)
    kind = comparison.report()["kinds"]["camera 20s"]
    assert kind["fields"] == {"coverage": 1, "label_share": 1, "n_face_frames": 1}
    assert kind["coverage"] == {"mean_difference": 0.25, "max_difference": 0.25}
    assert kind["label_share"]["mean_total_variation"] == 1


@pytest.mark.parametrize("swapped", [False, True])
def test_windows_of_one_run_alone(swapped: bool) -> None:
    def runs(first: Sequence[Window], again: Sequence[Window]) -> dict[str, int]:
        return compared(again, first) if swapped else compared(first, again)

    only = "only_replay" if swapped else "only_first"
    assert runs([window(), window(seconds=20)], [window()]) == {"same": 1, only: 1}
    assert runs([window(), window(final=False)], [window()]) == {"same": 1}  # Kafka keeps the last revision
    assert runs([window(final=False)], []) == {only: 1}


def test_windows_of_which_not_all_was_replayed_are_not_compared() -> None:
    assert compared([window()], [window(n_tracks=9)], since=SECONDS) == {"not_compared": 1}
    assert compared([window()], [], told_to=window().end - START) == {"not_compared": 1}
    assert compared([window(camera="b")], []) == {"not_compared": 1}  # not replayed


def test_records_that_begin_in_the_midst_of_a_session() -> None:
    windows = Windows(POLICY, Zones([]))
    windows.add(observed(500, 13, camera="a"), 0, 100, START, whole=False)
    windows.add(observed(0, 14, camera="b"), 0, 101, START, whole=False)
    windows.add(observed(500, 14, camera="c"), 1, 0, START, whole=True)
    cut = at(5)
    assert windows.since((Scope.CAMERA, "site", "a"), cut) == at(20)
    assert windows.since((Scope.CAMERA, "site", "b"), cut) == cut
    assert windows.since((Scope.CAMERA, "site", "c"), cut) == cut
    assert windows.since((Scope.SITE, "site", "site"), cut) == at(20)
    assert windows.since((Scope.SITE, "elsewhere", "elsewhere"), cut) == cut
