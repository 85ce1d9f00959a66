"""Roles, their lives and what is said of them."""

from __future__ import annotations

import pytest

from tests.soak.kills import FEW, plan
from tests.soak.measured import Measured
from tests.soak.processes import Reading
from tests.soak.verdict import MIB, find, lives

SECONDS = 1800.0


def reading(time: float, role: str, pid: int, mebibytes: float, descriptors: int = 10) -> Reading:
    return Reading(time, role, pid, int(mebibytes * MIB), int(mebibytes * MIB), descriptors, 1)


def steady(role: str, pid: int, start: float, end: float, leak: float = 0.0) -> list[Reading]:
    """`leak`: MiB a minute."""
    return [reading(at, role, pid, 100 + leak * at / 60) for at in range(int(start), int(end), 5)]


def test_children_are_summed_and_the_others_have_a_life_each() -> None:
    both = [reading(at, role, pid, 10) for at in (0, 5) for role in ("camera", "analyzer") for pid in (1, 2)]
    (camera,) = lives(both, "camera", "memory")
    assert list(camera.values) == [20, 20]
    assert [list(life.values) for life in lives(both, "analyzer", "descriptors")] == [[10, 10], [10, 10]]


def test_what_leaks_is_named_and_the_rest_passes() -> None:
    readings = steady("capture", 1, 0, SECONDS) + steady("up", 2, 0, SECONDS, leak=1)
    failed = {(each.role, each.what) for each in find(Measured(SECONDS, readings)) if not each.passed}
    assert failed == {("up", "memory")}


def test_a_leak_in_a_process_that_is_killed_is_named() -> None:
    readings = steady("aggregate", 1, 0, 1100, leak=1) + steady("aggregate", 2, 1105, SECONDS, leak=1)
    (memory,) = [each for each in find(Measured(SECONDS, readings)) if each.what == "memory"]
    assert not memory.passed


def test_growth_in_the_warm_up_is_none() -> None:
    readings = steady("up", 1, 0, SECONDS / 3, leak=5)
    level = readings[-1].own / MIB
    readings += [reading(at, "up", 1, level) for at in range(int(SECONDS / 3), int(SECONDS), 5)]
    assert all(each.passed for each in find(Measured(SECONDS, readings)))


@pytest.mark.parametrize(("peak", "passed"), [(300, True), (150, False)])
def test_memory_that_follows_the_backlog_stays_below_its_first_peak(peak: float, passed: bool) -> None:
    """After the peak it is at 100 MiB, and grows to about 200 until the end."""
    third = SECONDS / 3
    readings = [reading(at, "analyzer", 1, peak) for at in range(0, int(third), 5)]
    readings += [
        reading(at, "analyzer", 1, 100 + 150 * (at - third) / SECONDS) for at in range(int(third), int(SECONDS), 5)
    ]
    memory, _ = find(Measured(SECONDS, readings))
    assert memory.passed == passed


@pytest.mark.parametrize(("heap", "passed"), [("-Xmx512m", True), ("-Xmx64m", True), ("-Xmx16m", False), ("", False)])
def test_a_heap_may_fill_to_its_bound(heap: str, passed: bool) -> None:
    """It grows to 280 MiB: below 512 + 256 and 64 + 256, above 16 + 256."""
    readings = steady("kafka", 1, 0, SECONDS, leak=6)
    memory, _ = find(Measured(SECONDS, readings, commands={"kafka": f"java {heap} kafka.Kafka"}))
    assert memory.passed == passed


@pytest.mark.parametrize(("kept", "passed"), [(150, True), (10_000, False)])
def test_frames_on_the_disk_are_bounded_by_retention(kept: float, passed: bool) -> None:
    """Half a MiB a second, of which the last `kept` seconds stay, and all else is kept."""
    disk = [(at, {"kafka/frames": int(min(at, kept) * MIB / 2), "logs": at * MIB}) for at in range(0, 1800, 20)]
    (found,) = find(Measured(SECONDS, disk=disk))
    assert (found.role, found.what, found.passed) == ("frames", "disk", passed)


def test_kills_are_planned_by_seed() -> None:
    kills = plan(SECONDS, 3)
    assert kills == plan(SECONDS, 3) != plan(SECONDS, 4)
    assert [kill.time for kill in kills] == sorted(kill.time for kill in kills)
    assert all(0 < kill.time < SECONDS for kill in kills)
    assert all(sum(kill.role == role for kill in kills) == 2 for role in FEW)
    assert {"camera", "analyzer"} < {kill.role for kill in kills}
