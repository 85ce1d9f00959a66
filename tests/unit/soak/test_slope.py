"""A leak is found; noise, a sawtooth and a single step are none."""

from __future__ import annotations

import numpy as np
import pytest

from tests.soak.slope import HOUR, Bound, Life, Slope, grows, theil_sen

BOUND = Bound(0.05, 3.0)
MINUTES = 20
TIMES = np.arange(0, MINUTES * 60, 5.0)
HOURS = MINUTES / 60
BASE = 200.0


def noise(seed: int, size: float = 2.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, size, TIMES.size)


def slope_of(*values: np.ndarray) -> Slope:
    lives = [Life(TIMES[: each.size], each).thinned(15) for each in values]
    slope = theil_sen(lives)
    assert slope is not None
    return slope


@pytest.mark.parametrize("seed", range(10))
def test_a_leak_of_one_percent_a_minute_is_found(seed: int) -> None:
    slope = slope_of(BASE * (1 + 0.01 * TIMES / 60) + noise(seed))
    assert grows(slope, HOURS, BOUND)
    assert slope.per_hour == pytest.approx(0.6 * BASE, rel=0.05)
    assert slope.low < slope.per_hour < slope.high


@pytest.mark.parametrize("seed", range(10))
def test_noise_is_no_leak(seed: int) -> None:
    slope = slope_of(BASE + noise(seed, 20))
    assert not grows(slope, HOURS, BOUND)
    assert slope.low < 0 < slope.high


@pytest.mark.parametrize("period", [20, 90, 250])
def test_a_sawtooth_is_no_leak(period: float) -> None:
    assert not grows(slope_of(BASE + 60 * (TIMES % period) / period + noise(1)), HOURS, BOUND)


@pytest.mark.parametrize("at", [0.1, 0.25, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_a_single_step_is_no_leak(at: float, seed: int) -> None:
    assert not grows(slope_of(BASE + 40 * (at * TIMES[-1] < TIMES) + noise(seed, 1)), HOURS, BOUND)


def test_steps_that_go_on_are_one() -> None:
    assert grows(slope_of(BASE + 10 * (TIMES // 120) + noise(1)), HOURS, BOUND)


def test_outliers_move_nothing() -> None:
    values = BASE + noise(1)
    values[::17] += 500
    assert not grows(slope_of(values), HOURS, BOUND)


def test_a_leak_is_seen_through_restarts() -> None:
    """Each life leaks 1 % a minute and ends after five: as one series it would be a sawtooth without a slope."""
    life = BASE * (1 + 0.01 * TIMES[:60] / 60)
    slope = slope_of(*(life + noise(seed)[:60] for seed in range(4)))
    assert grows(slope, HOURS, BOUND)
    assert slope.per_hour == pytest.approx(0.6 * BASE, rel=0.1)


def test_lives_of_different_size_are_no_leak() -> None:
    assert not grows(slope_of(*(BASE + 30 * n + noise(n)[:60] for n in range(4))), HOURS, BOUND)


def test_a_little_may_be_much_of_next_to_nothing() -> None:
    """2 MiB more of 10 are let pass by the bound in MiB."""
    assert not grows(slope_of(10 + 2 * TIMES / TIMES[-1] + noise(1, 0.01)), HOURS, BOUND)


def test_too_little_is_not_judged() -> None:
    assert theil_sen([Life(TIMES[:3], TIMES[:3])]) is None
    assert theil_sen([]) is None


def test_the_slope_is_the_lines() -> None:
    slope = slope_of(5 + 2 * TIMES)
    assert slope.per_hour == pytest.approx(2 * HOUR)
    assert slope.growth(0.5) == pytest.approx(HOUR / slope.median)
