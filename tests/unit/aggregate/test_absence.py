"""Cameras that give no data: who is told of, together or alone, and when they are back."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.alerts.absence import Absence
from pipeline.aggregate.alerts.commands import Forget, Silences
from pipeline.aggregate.alerts.owner import OwnerAlerts, Rules
from pipeline.aggregate.alerts.presence import Departures, Presence, presences
from pipeline.aggregate.tally import FRAME, Tally
from pipeline.aggregate.windows import Spec
from pipeline.messages import Alert, AlertState, ClearedBy, FrameCounts, OfScope, Scope, Window
from pipeline.settings import NoDataSettings
from tests.records import at

MINUTE = timedelta(minutes=1)
SITE = OfScope(scope=Scope.SITE, site="site", id="site")
RAISED, UPDATED, CLEARED = AlertState
HERE, AWAY, UNKNOWN = Presence(1.0), Presence(0.0), Presence(None)
DARK = Presence(0.0, "dark")
STOPPED = Presence(None, "stopped", over=True)


def window(minute: int, cameras: Mapping[str, float | None] | None = None, **values: object) -> Window:
    return Window.model_validate(
        {
            "scope": Scope.SITE, "site": "site", "id": "site", "spec": "60s", "start": at(60 * minute),
            "end": at(60 * minute + 60), "revision": 0, "final": False, "as_of": at(60 * minute + 60),
            "frames": FrameCounts(), "coverage": 1.0, "cameras": cameras or {}, "n_face_frames": 0, "n_tracks": 0,
            "n_told": 0, "n_abstained": 0, **values,
        }
    )  # fmt: skip


class Site:
    """A site's cameras, minute by minute."""

    def __init__(self, **changes: object) -> None:
        rule = Absence(NoDataSettings.model_validate(changes), Spec(MINUTE, MINUTE))
        self.alerts = OwnerAlerts(SITE, Rules((), rule), Silences())
        self.told: list[Alert] = []
        self._minute = 0

    def see(self, cameras: Mapping[str, Presence], minutes: int = 1) -> list[Alert]:
        told: list[Alert] = []
        for _ in range(minutes):
            told += self.alerts.evaluate(window(self._minute), cameras, self._minute)
            self._minute += 1
        self.told += told
        return told


def sixty(presence: Presence, but: Mapping[str, Presence] | None = None) -> dict[str, Presence]:
    return {f"cam-{number:02}": presence for number in range(60)} | dict(but or {})


def summary(alerts: Iterable[Alert]) -> list[tuple[AlertState, str]]:
    return [(alert.state, alert.id) for alert in alerts]


def test_one_broken_switch_is_one_alert() -> None:
    site = Site()
    site.see(sixty(HERE), 3)
    [raised] = site.see(sixty(AWAY), 5)
    assert (raised.state, raised.scope, raised.id, len(raised.cameras)) == (RAISED, Scope.SITE, "site", 60)
    assert (raised.since, raised.at, raised.value) == (at(180), at(300), 0.0)
    assert raised.reason == "No usable pictures: 60 cameras: 60 silent"
    [cleared] = site.see(sixty(HERE), 3)
    assert (cleared.state, cleared.cleared_by, cleared.update) == (CLEARED, ClearedBy.DATA, 1)
    assert cleared.alert_id == raised.alert_id


def test_the_group_follows_who_comes_back() -> None:
    site = Site()
    site.see(sixty(AWAY), 2)
    [fewer] = site.see(sixty(AWAY, {"cam-07": HERE}))
    assert (fewer.state, fewer.update, fewer.cameras["cam-07"]) == (UPDATED, 1, "back")
    assert fewer.reason == "No usable pictures: 59 of 60 cameras: 59 silent"
    [again] = site.see(sixty(AWAY), 3)
    assert (again.state, again.update, again.cameras["cam-07"]) == (UPDATED, 2, "silent")
    [last] = site.see(sixty(HERE, {"cam-07": AWAY}))
    assert sum(why == "silent" for why in last.cameras.values()) == 1
    [cleared] = site.see(sixty(HERE))
    assert (cleared.state, cleared.update) == (CLEARED, 4)


def test_cameras_that_go_at_slightly_other_times_are_still_one() -> None:
    """The limit cuts through the minute in which the switch broke."""
    for early in (1, 2, 30, 58):
        site = Site()
        site.see(sixty(HERE, {f"cam-{number:02}": AWAY for number in range(early)}))
        site.see(sixty(AWAY), 4)
        assert summary(site.told) == [(RAISED, "site")]
        assert len(site.told[0].cameras) == 60


def test_single_cameras_have_alerts_of_their_own() -> None:
    site = Site()
    [raised] = site.see({"a": AWAY, "b": HERE, "c": HERE}, 5)
    assert (raised.scope, raised.id, raised.state) == (Scope.CAMERA, "a", RAISED)
    assert raised.reason == "No usable pictures: camera a: silent"
    [dark] = site.see({"a": AWAY, "b": DARK, "c": HERE}, 3)
    assert (dark.id, dark.reason) == ("b", "No usable pictures: camera b: dark")
    assert sorted(summary(site.see({"a": HERE, "b": HERE, "c": HERE}))) == [(CLEARED, "a"), (CLEARED, "b")]


def test_a_single_one_goes_on_in_the_group_that_it_was_the_first_of() -> None:
    site = Site(for_seconds=60)
    [single] = site.see(sixty(HERE, {"cam-03": AWAY}))
    group, over = site.see(sixty(AWAY))
    assert (group.state, group.scope, len(group.cameras)) == (RAISED, Scope.SITE, 60)
    assert (over.alert_id, over.cleared_by, over.state) == (single.alert_id, ClearedBy.GROUPED, CLEARED)
    assert group.alert_id in over.reason
    assert summary(site.see(sixty(HERE))) == [(CLEARED, "site")]


def test_cameras_that_follow_soon_join_the_group_and_later_ones_do_not() -> None:
    site = Site(for_seconds=60)
    names = ["a", "b", "c", "d", "e"]
    site.see({name: AWAY if name < "d" else HERE for name in names})
    [joined] = site.see({name: AWAY if name < "e" else HERE for name in names})
    assert (joined.state, sorted(joined.cameras)) == (UPDATED, ["a", "b", "c", "d"])
    site.see({name: AWAY if name < "e" else HERE for name in names}, 5)
    [alone] = site.see(dict.fromkeys(names, AWAY))
    assert (alone.state, alone.id) == (RAISED, "e")


def test_data_must_be_back_for_a_while() -> None:
    site = Site(clear_for_seconds=120)
    site.see({"a": AWAY}, 3)
    assert site.see({"a": HERE}) + site.see({"a": AWAY}) + site.see({"a": HERE}) == []
    assert summary(site.see({"a": HERE})) == [(CLEARED, "a")]


def test_nothing_expected_is_no_absence() -> None:
    site = Site()
    assert site.see({"a": UNKNOWN, "b": STOPPED}, 20) == []
    site.see({"a": AWAY, "b": AWAY}, 5)
    [closed] = site.see({"a": UNKNOWN, "b": STOPPED}, 5)
    assert (closed.id, closed.cleared_by) == ("b", ClearedBy.NOTHING_EXPECTED)
    assert "not seen to be over" in closed.reason
    assert site.see({}, 50) == []
    assert summary(site.see({"a": HERE})) == [(CLEARED, "a")]


def test_what_is_forgotten_is_told_of_again_only_after_it_was_seen() -> None:
    site = Site()
    site.see(sixty(AWAY), 2)
    told = site.alerts.command(Forget(at=at(0), by="Ada", scope=Scope.CAMERA, id="cam-05"), 100)
    assert told is not None
    assert [(alert.state, alert.cameras["cam-05"]) for alert in told] == [(UPDATED, "forgotten")]
    assert summary(site.see(sixty(HERE, {"cam-05": AWAY}), 3)) == [(CLEARED, "site")]
    assert site.see(sixty(HERE, {"cam-05": AWAY}), 30) == []
    site.see(sixty(HERE))
    assert summary(site.see(sixty(HERE, {"cam-05": AWAY}), 2)) == [(RAISED, "cam-05")]
    told = site.alerts.command(Forget(at=at(0), by="Ada", rule="no-data"), 200)
    assert told is not None
    assert [(alert.state, alert.cleared_by) for alert in told] == [(CLEARED, ClearedBy.FORGOTTEN)]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_every_camera_that_is_away_is_in_exactly_one_alert(seed: int) -> None:
    """Whatever comes and goes: one names it from when it has been away for long enough until it is back."""
    rng = random.Random(seed)
    site = Site(for_seconds=120, clear_for_seconds=60)
    names = [f"cam-{number}" for number in range(8)]
    now = dict.fromkeys(names, HERE)
    since = dict.fromkeys(names, 0)
    standing: dict[str, Alert] = {}
    for minute in range(60):
        for name in names if rng.random() < 0.1 else rng.sample(names, 1):
            if rng.random() < 0.4:
                now[name], since[name] = (AWAY, minute) if now[name] is HERE else (HERE, minute)
        for alert in site.see(now):
            before = standing.pop(alert.alert_id, None)
            assert (before is None) == (alert.state is RAISED)
            assert alert.update == (0 if before is None else before.update + 1)
            if alert.state is not CLEARED:
                standing[alert.alert_id] = alert
        named = [name for alert in standing.values() for name, why in alert.cameras.items() if why == "silent"]
        assert len(named) == len(set(named))
        long_away = {name for name in names if now[name] is AWAY and minute - since[name] >= 1}
        assert long_away <= set(named) <= {name for name in names if now[name] is AWAY}


# What a window says of a camera

SECOND = FRAME  # a frame a second


@pytest.mark.parametrize(
    ("tally", "coverage", "why"),
    [
        (Tally(expected=60 * SECOND), 0.0, "silent"),
        (Tally(expected=60 * SECOND, observed=3), 0.05, "too few frames"),
        (
            Tally(expected=60 * SECOND, observed=3, dropped={"buffer_full": 50, "stale": 2}),
            0.05,
            "dropped (buffer_full)",
        ),
        (Tally(expected=60 * SECOND, dead_lettered=60), 0.0, "unreadable"),
    ],
)
def test_why_little_is_seen(tally: Tally, coverage: float, why: str) -> None:
    assert presences(window(0, {"a": coverage}), {"a": tally}, {}) == {"a": Presence(coverage, why)}


def test_a_blind_camera_gives_nothing_although_its_frames_are_read() -> None:
    blind = window(0, {"a": 1.0}, blind_cameras={"a": "out_of_focus"})
    tally = Tally(expected=60 * SECOND, observed=60, blind={"out_of_focus": 57})
    assert presences(blind, {"a": tally}, {}) == {"a": Presence(0.05, "out of focus")}


def test_cameras_that_are_gone_in_order_or_not() -> None:
    gone = {"a": "stopped", "b": "ended", "c": "failed", "d": "silent"}
    found = presences(window(0, {"a": None, "c": None, "e": None}), {}, gone)
    assert found == {
        "a": Presence(None, "stopped", over=True),
        "b": Presence(None, "ended", over=True),
        "c": Presence(0.0, "failed"),
        "d": Presence(0.0, "silent"),
        "e": Presence(None),
    }


def test_departures_are_as_of_a_moment_however_often_they_are_read() -> None:
    records = [("a", 10, False, ""), ("a", 20, True, "stopped"), ("a", 30, True, ""), ("a", 50, False, ""),
               ("a", 60, True, "failed")]  # fmt: skip
    departures = Departures()
    for camera, seconds, gone, why in [*records, *records[1:], *records[3:]]:
        departures.add(camera, at(seconds), gone, why)
    said = {seconds: departures.at(at(seconds)).get("a") for seconds in (10, 20, 45, 50, 59, 99)}
    assert said == {10: None, 20: "stopped", 45: "stopped", 50: None, 59: None, 99: "failed"}
    departures.forget(at(55))
    assert departures.at(at(55)) == {}
    assert departures.at(at(60)) == {"a": "failed"}
