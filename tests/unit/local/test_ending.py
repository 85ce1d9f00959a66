"""An end says what is waited for, and for how long at most."""

from __future__ import annotations

from pipeline.local.system import closing, draining


def test_who_asks_for_an_end_is_told_how_long_it_takes_and_how_to_have_it_at_once() -> None:
    assert "for 15 s at most" in draining(asked=True)
    assert "Ctrl-C" in draining(asked=True)


def test_an_end_of_its_own_goes_on_while_frames_are_read() -> None:
    assert "until nothing new came for 60 s" in draining(asked=False)
    assert "Ctrl-C" not in draining(asked=False)


def test_the_last_windows_are_waited_for_where_there_are_any() -> None:
    assert "the last windows and the aggregator, within 50 s" in closing(windows=True)
    assert "windows" not in closing(windows=False)
