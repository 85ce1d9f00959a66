"""Rules on windows, against an oracle that looks back over the whole history each time."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.alerts.baseline import Baseline, weight_of
from pipeline.aggregate.alerts.commands import Acknowledge, Forget, Silence, Silences
from pipeline.aggregate.alerts.owner import AlertsState, OwnerAlerts, Rules
from pipeline.aggregate.alerts.presence import Presence
from pipeline.messages import LABELS, Alert, AlertState, ClearedBy, FrameCounts, OfScope, Scope, Window
from pipeline.settings import AlertSettings
from tests.records import at

CAMERA = OfScope(scope=Scope.CAMERA, site="site", id="room")
SEEN = {"room": Presence(1.0)}
STOPPED = {"room": Presence(None, "stopped", over=True)}
RAISED, UPDATED, CLEARED = AlertState


def window(minute: int, sad: float | None, coverage: float | None = 1.0, **values: Any) -> Window:
    """A minute in which this part of the readings is sad, the rest neutral; None: nobody was seen."""
    share = None if sad is None else {**dict.fromkeys(LABELS, 0.0), "sad": sad, "neutral": round(1 - sad, 4)}
    return Window.model_validate(
        {
            "scope": Scope.CAMERA, "site": "site", "id": "room", "spec": "60s", "start": at(60 * minute),
            "end": at(60 * minute + 60), "revision": 0, "final": False, "as_of": at(60 * minute + 60),
            "frames": FrameCounts(), "coverage": coverage, "cameras": {"room": coverage},
            "n_face_frames": 0 if sad is None else 100, "n_tracks": 1, "n_told": 0 if sad is None else 100,
            "n_abstained": 0, "label_share": share, "scores_mean": share, **values,
        }
    )  # fmt: skip


def rule(**values: Any) -> AlertSettings:
    return AlertSettings.model_validate({"id": "sadness", "expressions": ["sad"], "above": 0.5, **values})


class Owner:
    """One camera's alerts, and what was told of them."""

    def __init__(self, *rules: AlertSettings) -> None:
        self.silences = Silences()
        self.alerts = OwnerAlerts(CAMERA, Rules(rules), self.silences)
        self.told: list[Alert] = []
        self._minute = self._offset = 0

    def see(self, *shares: float | None, presences: dict[str, Presence] = SEEN, **values: Any) -> list[Alert]:
        """One minute after the other; the alerts told of them."""
        told: list[Alert] = []
        for share in shares:
            self._offset += 1
            told += self.alerts.evaluate(window(self._minute, share, **values), presences, self._offset)
            self._minute += 1
        self.told += told
        return told

    def ask(self, command: Acknowledge | Silence | Forget) -> list[Alert]:
        self._offset += 1
        if isinstance(command, Silence):
            self.silences.add(command)
        return self.alerts.command(command, self._offset) or []


def states(alerts: Iterable[Alert]) -> list[AlertState]:
    return [alert.state for alert in alerts]


def test_a_raised_alert_says_what_was_seen() -> None:
    owner = Owner(rule(title="Apparent sadness", for_seconds=120, severity="critical"))
    [alert] = owner.see(0.2, 0.8, 0.75)
    assert (alert.state, alert.update, alert.rule, alert.owner) == (RAISED, 0, "sadness", CAMERA.owner)
    assert (alert.since, alert.at, alert.value, alert.threshold) == (at(60), at(180), 0.75, 0.5)
    assert alert.reason == "Apparent sadness: apparent sad in 75 % of the readings, more than 50 %".replace(" %", "%")
    assert [ref.key for ref in alert.windows] == [window(1, 0).key, window(2, 0).key]
    assert alert.severity == "critical"
    assert list(alert.cameras) == ["room"]


def test_between_clear_and_limit_nothing_changes() -> None:
    owner = Owner(rule(clear=0.3, clear_for_seconds=120))
    assert states(owner.see(0.4, 0.6)) == [RAISED]
    assert owner.see(0.4, 0.6, 0.2, 0.4, 0.2) == []
    [cleared] = owner.see(0.3)
    assert (cleared.state, cleared.cleared_by, cleared.update) == (CLEARED, ClearedBy.DATA, 1)


def test_nobody_seen_is_no_calm() -> None:
    owner = Owner(rule(for_seconds=120, clear_for_seconds=120))
    assert states(owner.see(0.9, None, 0.9)) == [RAISED]
    assert states(owner.see(*[None] * 30)) == [UPDATED]
    assert owner.told[-1].stale
    assert "no sign of calm" in owner.told[-1].reason
    assert owner.see(0.1, coverage=0.4) == []
    back = owner.see(0.1, 0.1)
    assert [(alert.state, alert.stale) for alert in back] == [(UPDATED, False), (CLEARED, False)]


@pytest.mark.parametrize(
    "unjudged",
    [{"coverage": 0.4}, {"coverage": 1.0, "blind": 0.6}, {"n_told": 9}, {"suppressed": True}, {"coverage": None}],
)
def test_a_window_that_cannot_be_judged_neither_raises_nor_clears(unjudged: dict[str, Any]) -> None:
    owner = Owner(rule())
    assert owner.see(*[0.9] * 5, **unjudged) == []
    owner.see(0.9)
    assert CLEARED not in states(owner.see(*[0.0] * 50, **unjudged))


def test_when_its_camera_is_stopped_an_alert_is_closed_and_says_so() -> None:
    owner = Owner(rule())
    [_, closed] = owner.see(0.9) + owner.see(None, coverage=None, presences=STOPPED)
    assert (closed.state, closed.cleared_by) == (CLEARED, ClearedBy.NOTHING_EXPECTED)
    owner.see(0.9)
    gone = owner.see(*[None] * 9, coverage=None, presences={"room": Presence(0.0, "silent")})
    assert CLEARED not in states(gone)


def test_a_window_told_again_or_out_of_order_counts_once() -> None:
    owner = Owner(rule(for_seconds=120))
    assert owner.see(0.9) == []
    assert owner.alerts.evaluate(window(0, 0.9), SEEN, 9) == []
    assert owner.alerts.evaluate(window(-1, 0.9), SEEN, 10) == []


def test_change_is_from_the_window_before() -> None:
    owner = Owner(rule(measure="change", above=0.3))
    assert owner.see(0.6, 0.6, None, 0.9) == []
    [raised, cleared] = owner.see(0.5, 0.9, 0.9)
    assert (raised.value, raised.state, cleared.state) == (0.4, RAISED, CLEARED)
    assert "+40 points" in raised.reason
    sinking = Owner(rule(measure="change", above=None, below=-0.3))
    assert [alert.value for alert in sinking.see(0.9, 0.5)] == [-0.4]


def test_change_in_overlapping_windows_is_from_the_one_that_ends_where_this_one_starts() -> None:
    owner = Owner(rule(measure="change", above=0.3, window="120s/60s"))
    for minute, share in enumerate([0.1, 0.3, 0.4, 0.7]):
        told = owner.alerts.evaluate(window(minute, share, spec="120s/60s", end=at(60 * minute + 120)), SEEN, minute)
        assert [alert.value for alert in told] == ([0.4] if minute == 3 else [])


def test_mean_and_sums_of_expressions() -> None:
    owner = Owner(rule(measure="mean", expressions=["sad", "neutral"], above=0.99))
    assert states(owner.see(0.2)) == [RAISED]


def test_for_is_from_the_start_of_the_first_window_to_the_end_of_the_last() -> None:
    owner = Owner(rule(window="120s/60s", for_seconds=300))
    told = [
        owner.alerts.evaluate(window(minute, 0.9, spec="120s/60s", end=at(60 * minute + 120)), SEEN, minute)
        for minute in range(4)
    ]
    assert [len(each) for each in told] == [0, 0, 0, 1]
    assert told[3][0].at - told[3][0].since == timedelta(seconds=300)


# Baselines


def usual(**values: Any) -> AlertSettings:
    return rule(**{"against": "baseline", "above": 4, "baseline_windows": 30, **values})


def test_against_what_is_usual_there() -> None:
    rng = random.Random(1)
    owner = Owner(usual(for_seconds=120))
    assert owner.see(*(round(rng.gauss(0.4, 0.03), 4) for _ in range(30))) == []
    [raised] = owner.see(0.65, 0.65)
    assert raised.baseline is not None
    assert raised.baseline.mean == pytest.approx(0.4, abs=0.02)
    assert raised.threshold == pytest.approx(0.4 + 4 * 0.05, abs=0.02)  # a deviation counts as 0.05 at least
    assert "usual here: 40%" in raised.reason or "usual here: 39%" in raised.reason


def test_below_counts_deviations_downwards() -> None:
    owner = Owner(usual(above=None, below=4, clear=2))
    owner.see(*[0.8] * 30)
    assert states(owner.see(0.61, 0.59, 0.69, 0.71)) == [RAISED, CLEARED]


def test_nothing_is_said_before_enough_was_learned() -> None:
    owner = Owner(usual())
    assert owner.see(*[0.1] * 29, 0.9) == []
    assert states(owner.see(0.9)) == [RAISED]


def test_an_alert_does_not_become_usual() -> None:
    """Neither while it stands nor while it is about to be raised; and it is over when things are as they were."""
    owner = Owner(usual(for_seconds=600, clear=2))
    owner.see(*[0.1] * 60)
    before = owner.alerts.state.rules["sadness"].baseline.mean
    assert states(owner.see(*[0.9] * 500)) == [RAISED]
    assert owner.alerts.state.rules["sadness"].baseline.mean == before
    assert states(owner.see(0.15)) == [CLEARED]


def test_a_baseline_adapts_slowly_and_far_off_values_move_it_little() -> None:
    weight = weight_of(timedelta(minutes=1), timedelta(hours=24))
    rng = random.Random(2)
    baseline = Baseline()
    for _ in range(2000):
        baseline.learn(rng.gauss(0.3, 0.1), weight, 0.01)
    assert (baseline.mean, baseline.deviation) == (pytest.approx(0.3, abs=0.01), pytest.approx(0.1, abs=0.01))
    spoiled = Baseline()
    for at_ in range(2000):
        spoiled.learn(1.0 if at_ % 20 == 15 else rng.gauss(0.3, 0.1), weight, 0.01)
    assert spoiled.mean == pytest.approx(0.3, abs=0.03)  # a plain mean: 0.335
    for _ in range(2 * 1440):
        baseline.learn(0.6, weight, 0.01)
    assert baseline.mean > 0.5


def test_what_cannot_be_judged_is_not_learned() -> None:
    owner = Owner(usual())
    owner.see(*[0.1] * 20)
    owner.see(*[0.9] * 100, coverage=0.2)
    assert owner.alerts.state.rules["sadness"].baseline.windows == 20


# The oracle


def oracle(shares: Sequence[float | None], hold: int, clear_hold: int) -> list[tuple[AlertState, int]]:
    """By definition: looking back from each window over those that count, where they are not too far apart."""
    found: list[tuple[AlertState, int]] = []
    start = 0
    for now in range(len(shares)):
        standing = bool(found) and found[-1][0] is RAISED
        needed = clear_hold if standing else hold
        counted, last = 0, now
        for back in range(now, start - 1, -1):
            share = shares[back]
            if share is None:
                continue
            if (share > 0.3 if standing else share <= 0.5) or last - back - 1 > needed:
                break
            counted, last = counted + 1, back
        if counted >= needed and shares[now] is not None:
            found.append((CLEARED if standing else RAISED, now))
            start = now + 1
    return found


SHARES = st.lists(st.sampled_from([None, 0.1, 0.3, 0.4, 0.5, 0.6, 0.9]), max_size=60)


@settings(max_examples=400, deadline=None)
@given(SHARES, st.integers(1, 4), st.integers(1, 4))
def test_alerts_are_raised_and_cleared_when_the_oracle_says(
    shares: list[float | None], hold: int, clear_hold: int
) -> None:
    owner = Owner(rule(clear=0.3, for_seconds=60 * hold, clear_for_seconds=60 * clear_hold))
    owner.see(*shares)
    changes = [alert for alert in owner.told if alert.state is not UPDATED]
    assert [(alert.state, int((alert.at - at(60)) / timedelta(minutes=1))) for alert in changes] == oracle(
        shares, hold, clear_hold
    )
    by_id: dict[str, list[Alert]] = {}
    for alert in owner.told:
        by_id.setdefault(alert.alert_id, []).append(alert)
    for records in by_id.values():
        assert [alert.update for alert in records] == list(range(len(records)))
        assert records[0].state is RAISED
        assert CLEARED not in states(records[:-1])


# What people ask


def test_an_acknowledged_alert_says_by_whom() -> None:
    owner = Owner(rule())
    [raised] = owner.see(0.9)
    acknowledge = Acknowledge(alert_id=raised.alert_id, at=at(100), by="Ada")
    [told] = owner.ask(acknowledge)
    assert (told.state, told.update, told.acknowledged_by, told.acknowledged_at) == (UPDATED, 1, "Ada", at(100))
    assert owner.ask(acknowledge.model_copy(update={"by": "Bob"})) == []
    [cleared] = owner.see(0.1)
    assert (cleared.acknowledged_by, cleared.update) == ("Ada", 2)
    assert owner.see(0.9)[0].acknowledged_at is None


def test_a_silenced_alert_is_told_with_a_flag_until_the_silence_is_over() -> None:
    owner = Owner(rule())
    silence = Silence(at=at(0), by="Ada", rule="sadness", until=at(200))
    assert owner.ask(silence) == []
    [raised] = owner.see(0.9)
    assert (raised.silenced, raised.silenced_by) == (True, "Ada")
    [calls] = owner.see(0.9, 0.9, 0.9)
    assert (calls.state, calls.at, calls.silenced) == (UPDATED, at(240), False)
    [told] = owner.ask(Silence(at=at(241), by="Bob", id="room", until=at(900)))
    assert told.silenced
    [loud] = owner.ask(Silence(at=at(250), by="Bob", id="room", until=at(250)))
    assert not loud.silenced
    assert owner.ask(Silence(at=at(251), by="Bob", rule="other", until=at(900))) == []


def test_what_is_forgotten_is_learned_anew() -> None:
    owner = Owner(usual())
    owner.see(*[0.1] * 40)
    owner.see(0.9)
    [closed] = owner.ask(Forget(at=at(0), by="Ada", rule="sadness", id="room"))
    assert (closed.state, closed.cleared_by) == (CLEARED, ClearedBy.FORGOTTEN)
    assert owner.see(*[0.9] * 60) == []
    assert states(owner.see(0.1, 0.1)) == []


def test_an_alert_whose_rule_is_gone_is_closed() -> None:
    owner = Owner(rule())
    owner.see(0.9)
    anew = OwnerAlerts(CAMERA, Rules(), Silences(), owner.alerts.state)
    [closed] = anew.evaluate(window(1, 0.9), SEEN, 2)
    assert (closed.state, closed.cleared_by) == (CLEARED, ClearedBy.RULE)
    assert anew.evaluate(window(2, 0.9), SEEN, 3) == []
    assert anew.state.rules == {}


def test_a_standing_alert_is_told_again_each_day() -> None:
    owner = Owner(rule())
    assert states(owner.see(*[0.9] * (1 + 3 * 1440))) == [RAISED, UPDATED, UPDATED, UPDATED]


def test_rules_apply_to_whom_they_name() -> None:
    rules = Rules([rule(id="a", only=["room"]), rule(id="b", only=["other"]), rule(id="c", scope="zone")])
    assert list(rules.of(Scope.CAMERA, "room")) == ["a"]
    assert list(rules.of(Scope.ZONE, "bed")) == ["c"]


def test_a_state_begins_empty() -> None:
    assert AlertsState() == OwnerAlerts(CAMERA, Rules(), Silences()).state
