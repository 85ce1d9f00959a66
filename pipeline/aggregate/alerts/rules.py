"""A rule of the settings: which windows it judges, what it measures in them, and its limits. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pipeline.aggregate.alerts.baseline import Baseline, weight_of
from pipeline.aggregate.alerts.runs import Hold
from pipeline.aggregate.windows import Spec
from pipeline.messages import Scope, Window
from pipeline.settings import AlertSettings


@dataclass(frozen=True, slots=True)
class Limits:
    """`above`: whether the far side is above. `clear` is on the calm side of `limit`, or the same."""

    limit: float
    clear: float
    above: bool

    def beyond(self, value: float) -> bool:
        return value > self.limit if self.above else value < self.limit

    def calm(self, value: float) -> bool:
        return value <= self.clear if self.above else value >= self.clear


class Rule:
    """What the settings say, made ready."""

    def __init__(self, settings: AlertSettings) -> None:
        self.settings = settings
        self.id = settings.id
        self.title = settings.title or settings.id
        spec = Spec.parse(settings.window)
        self.length = spec.length
        self.hold = Hold.of(settings.for_seconds, spec)
        self.clear_hold = Hold.of(settings.clear_for_seconds, spec)
        self._weight = weight_of(spec.every, timedelta(hours=settings.baseline_hours))

    @property
    def measured(self) -> str:
        """What its baseline is of: another one is learned when this changes."""
        settings = self.settings
        return f"{settings.measure} {'+'.join(sorted(set(settings.expressions)))} {settings.window} {settings.against}"

    def applies(self, scope: Scope, name: str) -> bool:
        return self.settings.scope == scope and (not self.settings.only or name in self.settings.only)

    def level(self, window: Window) -> float | None:
        """Share or mean score of its expressions; None where too little was seen, or too few faces."""
        of = window.scores_mean if self.settings.measure == "mean" else window.label_share
        if of is None or window.suppressed or window.n_told < self.settings.min_told:
            return None
        if (really_seen(window) or 0.0) < self.settings.min_coverage:
            return None
        return round(sum(of[label] for label in sorted(set(self.settings.expressions))), 4)

    def limits(self, baseline: Baseline) -> Limits | None:
        """None while it does not know yet what is usual."""
        settings = self.settings
        limit = settings.above if settings.above is not None else settings.below
        assert limit is not None  # the settings see to it
        above, clear = settings.above is not None, limit if settings.clear is None else settings.clear
        if settings.against == "absolute":
            return Limits(limit, clear, above)
        if baseline.windows < settings.baseline_windows:
            return None
        unit = max(baseline.deviation, settings.min_deviation) * (1 if above else -1)
        return Limits(baseline.mean + limit * unit, baseline.mean + clear * unit, above)

    def learn(self, baseline: Baseline, value: float) -> None:
        if self.settings.against == "baseline":
            baseline.learn(value, self._weight, self.settings.min_deviation)


def really_seen(window: Window) -> float | None:
    """Part of the expected frames that showed something; None where none were expected."""
    return None if window.coverage is None else round(window.coverage - (window.blind or 0.0), 4)
