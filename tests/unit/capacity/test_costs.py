"""The parts of a sum are found from a few workloads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.capacity.costs import TERMS, Cost, Measured, Rates, fit, fitted
from pipeline.capacity.measure import FEW, MANY, cameras_for, first_look, workloads
from pipeline.capacity.needs import rates_of
from pipeline.capacity.workload import Workload

SMALL = st.floats(0.001, 10)


def rates(asked: Workload) -> list[Rates]:
    return [rates_of(workload, 2.0) for workload in workloads(first_look(asked), 6)]


@given(always=SMALL, frame=SMALL, face=SMALL)
def test_a_sum_is_taken_apart(always: float, frame: float, face: float) -> None:
    cost = Cost(always=always, frame=frame, face=face)
    seen = rates(Workload(40, 10, 3))
    found = fit(seen, [cost.of(each) for each in seen], ("always", "frame", "face"))
    assert [found.always, found.frame, found.face] == pytest.approx([always, frame, face], rel=1e-6)
    assert (found.camera, found.reading) == (0, 0)


@given(st.lists(st.floats(0, 100), min_size=5, max_size=5))
def test_nothing_costs_less_than_nothing(taken: list[float]) -> None:
    found = fit(rates(Workload(4, 10, 2)), taken, TERMS)
    assert all(getattr(found, term) >= 0 for term in TERMS)


def test_every_part_and_topic_is_fitted() -> None:
    seen = rates(Workload(4, 8, 2))
    measured = [
        Measured(rates=each, cpu={"camera": 0.01 * each.frame, "ray": 0.2}, written={"frames": 1000 * each.frame})
        for each in seen
    ]
    cpu, written = fitted(measured)
    site = rates_of(Workload(100, 10, 3), 2.0)
    assert cpu["camera"].of(site) == pytest.approx(10)
    assert cpu["ray"].of(site) == pytest.approx(0.2)
    assert written["frames"].of(site) == pytest.approx(1e6)


@pytest.mark.parametrize(("fps", "expected"), [(1, 1), (2, 2), (10, 2)])
def test_faces_are_read_so_often_at_most(fps: float, expected: float) -> None:
    assert Workload(5, fps, 3).read(2.0) == 5 * 3 * expected


@pytest.mark.parametrize(("took", "expected"), [(0.1, 20), (0.4, 5), (3.0, FEW), (0.001, MANY)])
def test_about_half_of_the_machine_works(took: float, expected: int) -> None:
    seen = Measured(rates=Rates(camera=2, frame=20, face=0, reading=0), cpu={"camera": took}, written={})
    assert cameras_for(0.5, seen, cores=2) == expected
