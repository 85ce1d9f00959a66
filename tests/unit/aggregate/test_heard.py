"""Up to when all that was captured has been read here."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.aggregate.heard import Ends, Heard
from tests.records import at


def ends(frames: int, analyzed: int, events: int, read: int) -> Ends:
    return Ends({0: frames}, {0: analyzed}, {0: events}, {0: read})


def test_what_is_read_to_its_end_is_heard_at_once() -> None:
    assert Heard().until(ends(5, 5, 9, 9), at(3)) == {0: at(3)}


def test_cameras_that_go_on_do_not_hide_one_that_is_gone() -> None:
    heard = Heard()
    assert heard.until(ends(100, 90, 90, 80), at(0)) == {}
    assert heard.until(ends(200, 190, 190, 180), at(5)) == {}  # 100 is analyzed: at 190 of the events it is all told
    assert heard.until(ends(300, 290, 290, 280), at(10)) == {0: at(0)}
    assert heard.until(ends(400, 390, 390, 380), at(15)) == {}


def test_a_partition_that_was_given_away_begins_anew() -> None:
    heard = Heard()
    heard.until(ends(100, 90, 90, 80), at(0))
    heard.until(Ends({}, {}, {}, {}), at(5))
    assert heard.until(ends(200, 200, 200, 200), at(10)) == {0: at(10)}


@given(st.lists(st.sampled_from(("captured", "analyzed", "read", "asked")), max_size=80))
def test_nothing_captured_before_is_left_unread(steps: list[str]) -> None:
    heard = Heard()
    captured: list[datetime] = []
    analyzed = read = 0
    for second, step in enumerate(steps):
        now = at(second)
        match step:
            case "captured":
                captured.append(now)
            case "analyzed" if analyzed < len(captured):
                analyzed += 1
            case "read" if read < analyzed:
                read += 1
            case "asked":
                for until in heard.until(ends(len(captured), analyzed, analyzed, read), now).values():
                    assert all(moment > until for moment in captured[read:])
