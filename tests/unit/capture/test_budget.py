import threading

from hypothesis import given
from hypothesis import strategies as st

from pipeline.capture.budget import Budget, InFlight


def test_bytes_are_bounded_over_all_cameras() -> None:
    budget = Budget(100, 10)
    assert budget.take("a", 60)
    assert not budget.take("b", 60)
    budget.give("a", 60)
    assert budget.take("b", 60)


def test_frames_are_bounded_for_each_camera() -> None:
    budget = Budget(1000, 2)
    assert budget.take("a", 1)
    assert budget.take("a", 1)
    assert not budget.take("a", 1)
    assert budget.take("b", 1)
    assert budget.in_flight() == InFlight(3, 3)


def test_a_frame_larger_than_the_budget_passes_alone() -> None:
    budget = Budget(100, 10)
    assert budget.take("a", 500)
    assert not budget.take("b", 1)
    budget.give("a", 500)
    assert budget.take("b", 1)


def test_room_can_be_waited_for() -> None:
    budget = Budget(100, 10)
    budget.take("a", 100)
    got = []
    waiting = threading.Thread(target=lambda: got.append(budget.take("b", 50, timeout=30)))
    waiting.start()
    budget.give("a", 100)
    waiting.join(30)
    assert got == [True]
    assert not budget.take("a", 80, timeout=0.01)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 60)), max_size=50))
def test_never_above_its_bounds(frames: list[tuple[str, int]]) -> None:
    budget, held = Budget(100, 3), []
    for index, (camera, size) in enumerate(frames):
        if budget.take(camera, size):
            held.append((camera, size))
        assert budget.in_flight() == InFlight(len(held), sum(size for _, size in held))
        assert budget.in_flight().bytes <= 100
        assert all([name for name, _ in held].count(each) <= 3 for each in "abc")
        if index % 3 == 2 and held:
            budget.give(*held.pop(0))
    for each in held:
        budget.give(*each)
    assert budget.in_flight() == InFlight(0, 0)
