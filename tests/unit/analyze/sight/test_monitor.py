"""Cameras that see nothing are told in time, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.analyze.image import Image
from pipeline.analyze.sight.glance import Glance
from pipeline.analyze.sight.monitor import REASONS, SightMonitor
from pipeline.settings import SightSettings
from tests.unit.analyze.sight.pictures import (
    Change,
    at,
    blurred,
    brightened,
    clip,
    covered,
    dimmed,
    noisy,
    passer_by,
    photo,
    play,
    seen,
    synthetic,
    turned,
    turns,
)

SETTINGS = SightSettings()
PEOPLE = "3"
BLIND: dict[str, tuple[str, Change]] = {
    "lights out": ("dark", dimmed(0.04)),
    "nothing but black": ("dark", np.zeros_like),
    "into the sun": ("overexposed", lambda image: brightened(4)(np.maximum(image, 62))),
    "a hand": ("covered", covered),
    "a card": ("covered", lambda image: noisy(np.full_like(image, 130))),
    "no signal": ("covered", lambda image: np.full_like(image, 130)),
    "out of focus": ("out_of_focus", blurred(9)),
    "far out of focus": ("out_of_focus", blurred(20)),
    "turned away": ("moved", turned),
}
SECONDS = {"dark": SETTINGS.light_seconds, "overexposed": SETTINGS.light_seconds}


def glances(images: Sequence[Image]) -> list[Glance]:
    return [seen(image) for image in images]


@cache
def room() -> list[Image]:
    return synthetic(30, people=PEOPLE)


@cache
def good() -> list[Glance]:
    return glances(room())


def changed(change: Change) -> list[Glance]:
    return glances([change(image) for image in room()[::3]])


@cache
def bad(name: str) -> list[Glance]:
    return changed(BLIND[name][1])


@pytest.mark.parametrize("name", BLIND)
@pytest.mark.parametrize("fps", [0.5, 5, 60])
def test_blindness_is_told_in_time_and_ends_in_time(name: str, fps: float) -> None:
    reason = BLIND[name][0]
    monitor = SightMonitor(SETTINGS)
    told = play(monitor, good(), 0, 30, fps) + play(monitor, bad(name), 30, 60, fps)
    blind_since = monitor.since
    told += play(monitor, good(), 60, 80, fps)
    (began, first), (ended, last) = turns(told, fps)
    assert (first, last) == (reason, "")
    within = 1 / fps + 0.1
    assert 0 <= began - 30 - SECONDS.get(reason, SETTINGS.view_seconds) <= within
    assert 0 <= ended - 60 - SETTINGS.clear_seconds <= within
    assert blind_since is not None
    assert abs(blind_since - at(30)) <= timedelta(seconds=within)


@pytest.mark.parametrize("fps", [0.5, 5, 60])
def test_a_frozen_picture_is_told_and_a_clip_that_is_looped_is_not(fps: float) -> None:
    monitor = SightMonitor(SETTINGS)
    told = play(monitor, good(), 0, 30, fps)  # six seconds over and over
    told += play(monitor, good()[:1], 30, 60, fps) + play(monitor, good()[1:], 60, 80, fps)
    (began, first), (ended, last) = turns(told, fps)
    assert (first, last) == ("frozen", "")
    assert began - 30 == pytest.approx(SETTINGS.frozen_seconds, abs=1 / fps + 0.1)
    assert ended - 60 == pytest.approx(SETTINGS.clear_seconds, abs=1 / fps + 0.1)


def test_an_empty_room_with_a_sensor_noise_of_half_a_level_is_not_frozen() -> None:
    empty = [noisy(room()[0], seed, 0.5) for seed in range(8)]
    assert not any(play(SightMonitor(SETTINGS), glances(empty), 0, 60, 5))


def test_a_frozen_picture_that_stutters_stays_frozen() -> None:
    """One other picture in five seconds, as from an encoder that repairs it; a live camera gives others for long."""
    still, other = good()[0], good()[9]
    monitor = SightMonitor(SETTINGS)
    play(monitor, [still], 0, 20, 5)
    assert set(play(monitor, [still] * 24 + [other], 20, 60, 5)) == {"frozen"}


GOOD: dict[str, Change] = {
    "as ever": lambda image: image,
    "lights dimmed": dimmed(0.3),
    "lights up": brightened(1.5),
    "a little soft": blurred(2),
    "somebody at half of it": lambda image: passer_by(image, 0.4),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_leaves_a_view_is_no_blindness(name: str) -> None:
    monitor = SightMonitor(SETTINGS)
    assert not any(play(monitor, good(), 0, 30, 5))
    assert not any(play(monitor, changed(GOOD[name]), 30, 90, 5))
    assert not any(play(monitor, good(), 90, 120, 5))


@pytest.mark.parametrize("name", [*BLIND, "somebody close"])
def test_what_passes_in_a_few_seconds_is_not_told(name: str) -> None:
    monitor = SightMonitor(SETTINGS)
    view = bad(name) if name in BLIND else changed(lambda image: passer_by(image, 0.9))
    assert not any(play(monitor, good(), 0, 30, 5))
    for visit in range(4):
        assert not any(play(monitor, view, 30 + 20 * visit, 34 + 20 * visit, 5))
        assert not any(play(monitor, good(), 34 + 20 * visit, 50 + 20 * visit, 5))


def test_people_who_walk_by_are_no_move() -> None:
    walks = []
    for step in range(30):
        image = room()[step].copy()
        left = step * 22
        image[40:, left : left + 260] = 60 + 40 * (np.arange(image[:, left : left + 260].shape[1]) // 20 % 2)[:, None]
        walks.append(seen(noisy(image)))
    assert not any(play(SightMonitor(SETTINGS), walks, 0, 90, 5))


def test_exposure_that_flickers_is_no_blindness() -> None:
    dark, white = bad("lights out"), bad("into the sun")
    mixed = [glance for three in zip(good(), dark * 3, good(), white * 3, good(), strict=False) for glance in three]
    assert not any(play(SightMonitor(SETTINGS), mixed, 0, 90, 5))


@pytest.mark.parametrize(
    ("lower", "upper"),
    [(dimmed(0.075), dimmed(0.085)), (blurred(5.5), blurred(7)), (brightened(1.9), brightened(2.1))],
)
def test_at_a_threshold_it_does_not_flap(lower: Change, upper: Change) -> None:
    monitor = SightMonitor(SETTINGS)
    play(monitor, good(), 0, 30, 5)
    pairs = [glance for pair in zip(changed(lower), changed(upper), strict=True) for glance in pair]
    assert len(turns(play(monitor, pairs, 30, 180, 5), 5)) <= 1


def test_a_camera_that_was_moved_for_good_sees_again() -> None:
    monitor = SightMonitor(SETTINGS)
    play(monitor, good(), 0, 30, 2)
    told = turns(play(monitor, bad("turned away"), 30, 400, 2), 2)
    assert [reason for _, reason in told] == ["moved", ""]
    assert told[1][0] - told[0][0] == pytest.approx(SETTINGS.relearn_seconds, abs=2)
    assert turns(play(monitor, good(), 400, 430, 2), 2)[0][1] == "moved"  # the old view is the strange one now


@given(
    fps=st.sampled_from([1.0, 5.0, 25.0]),
    blind=st.lists(st.tuples(st.sampled_from(sorted(BLIND)), st.sampled_from([2, 20, 25])), min_size=1, max_size=3),
)
@hypothesis_settings(max_examples=40, deadline=None)
def test_the_frame_rate_changes_no_verdict(fps: float, blind: list[tuple[str, int]]) -> None:
    def turned_at(rate: float) -> list[tuple[float, str]]:
        monitor, now = SightMonitor(SETTINGS), 20.0
        told = play(monitor, good(), 0, now, rate)
        for name, seconds in blind:
            told += play(monitor, bad(name), now, now + seconds, rate)
            told += play(monitor, good(), now + seconds, now + seconds + 10, rate)
            now += seconds + 10
        return turns(told, rate)

    usual, now = turned_at(10), turned_at(fps)
    assert [reason for _, reason in now] == [reason for _, reason in usual]
    for (one, _), (other, _) in zip(usual, now, strict=True):
        assert one == pytest.approx(other, abs=1 / fps + 0.2)


@given(st.lists(st.tuples(st.sampled_from(["good", *BLIND]), st.floats(-1e6, 1e6)), max_size=60))
@hypothesis_settings(max_examples=60, deadline=None)
def test_clocks_that_jump_do_no_harm(pictures: list[tuple[str, float]]) -> None:
    """Whatever times were told: when good pictures have been usual for long enough, the camera sees."""
    monitor = SightMonitor(SETTINGS)
    for name, seconds in pictures:
        assert monitor.update((good() if name == "good" else bad(name))[0], at(seconds)) in ("", *REASONS)
    told = play(monitor, good(), 2e6, 2e6 + SETTINGS.relearn_seconds + 60, 2)
    assert told[-1] == ""


def test_a_late_picture_tells_nothing_and_a_pause_counts_for_nothing() -> None:
    dark = bad("lights out")[0]
    monitor = SightMonitor(SETTINGS)
    play(monitor, good(), 0, 30, 5)
    for n in range(40):
        assert monitor.update(dark, at(29 - n / 10)) == ""
    assert monitor.update(dark, at(31)) == ""
    assert monitor.update(dark, at(5000)) == ""
    assert monitor.update(dark, at(5004)) == ""
    assert monitor.update(dark, at(5005)) == "dark"


@pytest.mark.parametrize("name", BLIND)
def test_what_another_analyzer_told_is_taken_on(name: str) -> None:
    reason = BLIND[name][0]
    monitor = SightMonitor(SETTINGS)
    monitor.restore(reason, at(0))
    assert (monitor.sight, monitor.since) == (reason, at(0))
    assert play(monitor, bad(name), 0, 10, 5)[-1] == reason
    end = 10 + SETTINGS.clear_seconds + 1 if reason != "moved" else 12 + SETTINGS.relearn_seconds
    assert play(monitor, good(), 10, end, 5)[-1] == ""


def test_each_measure_can_be_switched_off() -> None:
    off = SightSettings(dark_level=0, white_level=0, min_sharpness=0, min_likeness=0, frozen_seconds=0)
    monitor = SightMonitor(off)
    play(monitor, good(), 0, 30, 5)
    for name in BLIND:
        assert not any(play(monitor, bad(name), 30, 60, 5))


@pytest.mark.parametrize("name", ["lights out", "into the sun", "a card", "no signal", "far out of focus"])
def test_what_needs_no_past_is_told_from_the_first_picture_on(name: str) -> None:
    assert play(SightMonitor(SETTINGS), bad(name), 0, 12, 5)[-1] == BLIND[name][0]


@pytest.mark.parametrize("people", ["0", "1", "2", "8"])
@pytest.mark.parametrize("fps", [0.5, 10])
def test_the_synthetic_camera_sees(people: str, fps: float) -> None:
    frames = glances(synthetic(round(15 * fps), fps, people=people))
    assert not any(play(SightMonitor(SETTINGS), frames, 0, 60, fps))


def test_clips_that_are_looped_see(shared_data: Path) -> None:
    for path in sorted((shared_data / "videos").glob("*.[mg][kpi][v4f]")):
        images, fps = clip(path)
        assert turns(play(SightMonitor(SETTINGS), glances(images[::3]), 0, 75, fps / 3), fps / 3) == [], path.name


def test_photos_see(shared_data: Path) -> None:
    for path in sorted((shared_data / "photos").glob("*.*g")):
        assert turns(play(SightMonitor(SETTINGS), glances(photo(path)), 0, 60, 2), 2) == [], path.name


@pytest.mark.parametrize("name", [name for name in BLIND if name != "into the sun"])
def test_blindness_is_told_of_real_pictures(shared_data: Path, name: str) -> None:
    reason, change = BLIND[name]
    for path in sorted((shared_data / "videos").glob("*.mkv"))[:4]:
        images, _ = clip(path)
        monitor = SightMonitor(SETTINGS)
        told = play(monitor, glances(images[::4]), 0, 30, 5)
        told += play(monitor, glances([change(image) for image in images[::12]]), 30, 60, 5)
        told += play(monitor, glances(images[::4]), 60, 80, 5)
        assert [said for _, said in turns(told, 5)] == [reason, ""], path.name
