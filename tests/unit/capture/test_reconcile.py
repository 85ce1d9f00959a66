"""Which cameras start and stop when what is wanted changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.capture.reconcile import Wanted, steps
from pipeline.messages import DesiredCamera

NAMES = ("hall", "room-1", "room-2", "yard")


def camera(name: str, **changes: Any) -> DesiredCamera:
    values = {"uri": f"synthetic:?id={name}", "changed_at": datetime(2026, 1, 1, tzinfo=UTC)}
    return DesiredCamera(site="site-1", id=name, **(values | changes))


def wanted(*cameras: DesiredCamera, mine: tuple[str, ...] | None = None) -> Wanted:
    by_id = {each.id: each for each in cameras}
    return Wanted(by_id, frozenset(by_id if mine is None else mine))


def test_an_added_camera_starts_where_its_partition_is() -> None:
    hall, yard = camera("hall"), camera("yard")
    todo = steps({}, frozenset(), wanted(hall, yard, mine=("hall",)))
    assert (todo.stop, todo.start) == ({}, {"hall"})


def test_a_camera_that_was_changed_stops_and_starts() -> None:
    todo = steps({"hall": camera("hall")}, frozenset(), wanted(camera("hall", fps=5)))
    assert (todo.stop, todo.start) == ({"hall": "changed"}, {"hall"})


def test_a_camera_tells_why_it_stops() -> None:
    running = {"hall": camera("hall"), "room-1": camera("room-1"), "room-2": None, "yard": camera("yard")}
    now = wanted(
        camera("hall", paused=True, changed_by="anna"),
        camera("room-1"),
        camera("room-2", paused=True),
        mine=("hall",),
    )
    todo = steps(running, frozenset({"room-2"}), now)
    assert todo.stop == {
        "hall": "paused by anna",
        "room-1": "another capture process takes it over",
        "room-2": "paused",
        "yard": "removed",
    }
    assert not todo.start


def test_an_own_camera_wins_over_an_added_one_of_its_name() -> None:
    todo = steps({"hall": None}, frozenset({"hall"}), wanted(camera("hall")))
    assert not todo.stop
    assert not todo.start


@given(st.data())
def test_after_the_steps_runs_what_is_wanted(data: st.DataObject) -> None:
    some = st.sets(st.sampled_from(NAMES))
    cameras = {name: camera(name, paused=data.draw(st.booleans()), fps=data.draw(st.sampled_from((None, 5.0))))
               for name in data.draw(some)}  # fmt: skip
    own = frozenset(data.draw(some))
    running = {name: data.draw(st.sampled_from((None, camera(name), camera(name, fps=5)))) for name in data.draw(some)}
    mine = frozenset(data.draw(some)) & cameras.keys()
    todo = steps(running, own, Wanted(cameras, mine))

    assert todo.stop.keys() <= running.keys()
    after = {name: what for name, what in running.items() if name not in todo.stop}
    after |= {name: None if name in own else cameras[name] for name in todo.start}
    expected = {name: cameras[name] for name in mine} | dict.fromkeys(own)
    paused = {name for name, each in cameras.items() if each.paused}
    assert after == {name: what for name, what in expected.items() if name not in paused}
    assert all(todo.stop.values())
