"""The example for care homes: it loads, its words are careful, and its rules speak when they should and not else."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.aggregate.alerts.commands import Silences
from pipeline.aggregate.alerts.owner import OwnerAlerts, Rules
from pipeline.aggregate.alerts.presence import Presence
from pipeline.messages import LABELS, Alert, AlertState, FrameCounts, OfScope, Scope, Window
from pipeline.settings import load
from tests.records import at

FILE = Path(__file__).parents[3] / "deploy" / "examples" / "care.yaml"
CARE = load(FILE)
USUAL = {"neutral": 0.7, "happy": 0.12, "sad": 0.1, "surprise": 0.08}
FLAT = {"neutral": 0.99, "sad": 0.01}
DISTRESS = {"sad": 0.5, "fear": 0.25, "neutral": 0.25}


class Room:
    """A room's windows, minute by minute: the last one, and the last five of them."""

    def __init__(self, seed: int, only: str = "") -> None:
        chosen = [rule for rule in CARE.alerts if rule.id == (only or rule.id)]
        owner = OfScope(scope=Scope.CAMERA, site="house-elm", id="room-101")
        self._alerts = OwnerAlerts(owner, Rules(chosen), Silences())
        self._rng = random.Random(seed)
        self._minutes: list[dict[str, float]] = []

    def show(self, minutes: int, mood: dict[str, float]) -> list[Alert]:
        told: list[Alert] = []
        for _ in range(minutes):
            noisy = {label: max(0.0, mood.get(label, 0.0) * self._rng.gauss(1, 0.25)) for label in LABELS}
            total = sum(noisy.values())
            self._minutes.append({label: value / total for label, value in noisy.items()})
            told += self._see("60s", 1) + self._see("300s/60s", 5)
        return told

    def _see(self, spec: str, length: int) -> list[Alert]:
        shown, end = self._minutes[-length:], at(60 * len(self._minutes))
        share = {label: round(sum(each[label] for each in shown) / len(shown), 4) for label in LABELS}
        window = Window(
            scope=Scope.CAMERA, site="house-elm", id="room-101", spec=spec, start=end - timedelta(minutes=length),
            end=end, revision=0, final=False, as_of=end, frames=FrameCounts(), coverage=1.0,
            cameras={"room-101": 1.0}, n_face_frames=300 * length, n_tracks=1, n_told=300 * length, n_abstained=0,
            scores_mean=share, label_share=share,
        )  # fmt: skip
        return self._alerts.evaluate(window, {"room-101": Presence(1.0)}, 0)


def raised(alerts: list[Alert]) -> set[str]:
    return {alert.rule for alert in alerts if alert.state is AlertState.RAISED}


@pytest.mark.parametrize("seed", range(3))
def test_an_ordinary_day_raises_nothing(seed: int) -> None:
    assert Room(seed).show(1440, USUAL) == []


def test_apparent_distress_is_told_in_minutes_and_is_over_when_it_is_over() -> None:
    room = Room(1)
    room.show(600, USUAL)
    assert raised(room.show(2, DISTRESS)) == set()
    assert {"distress", "sudden-change"} <= raised(room.show(3, DISTRESS))
    goes_on = room.show(20, DISTRESS)
    assert raised(goes_on) == {"distress-for-this-room"}
    assert {alert.rule for alert in goes_on if alert.state is AlertState.CLEARED} == {"sudden-change"}  # it is no more
    cleared = {alert.rule for alert in room.show(60, USUAL) if alert.state is AlertState.CLEARED}
    assert cleared == {"distress", "distress-for-this-room"}


def test_who_always_looks_so_is_told_of_by_the_plain_rule_alone() -> None:
    usual = {"sad": 0.7, "neutral": 0.3}
    assert raised(Room(2).show(1440, usual)) == {"distress"}


def test_a_flat_apparent_expression_is_told_after_an_hour() -> None:
    room = Room(3, "flat")
    room.show(900, USUAL)
    assert raised(room.show(50, FLAT)) == set()
    assert raised(room.show(15, FLAT)) == {"flat"}


def test_it_speaks_of_what_appears() -> None:
    assert all("apparent" in rule.title.lower() for rule in CARE.alerts)
    text = FILE.read_text().lower()
    for said in ("apparent", "no diagnosis", "look in, in person", "not been validated on the faces of old people"):
        assert said in text
