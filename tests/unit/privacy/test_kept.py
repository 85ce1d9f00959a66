"""What is said to be kept is what the broker says, beside what was promised."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.kafka.held import Held
from pipeline.privacy.kept import Kept, Verdict, copies, kept
from pipeline.settings import Settings, load
from pipeline.topics import EVENTS, FRAMES, PREVIEWS, STATE, plan


def rows(settings: Settings, **changes: dict[str, str]) -> dict[str, Kept]:
    """With the topics as planned, but for these."""
    planned = plan(settings.kafka)
    held = {
        topic.name: Held(topic.partitions, {**topic.config, "file.delete.delay.ms": "60000", **changes.get(short, {})})
        for short, topic in planned.items()
    }
    held = {name: there for name, there in held.items() if there.config.get("gone") is None}
    return {row.topic: row for row in kept(settings, planned, held, {}, 300)}


def test_what_is_of_people_comes_first_and_pictures_before_all() -> None:
    found = rows(load())
    assert list(found)[:2] == [FRAMES, PREVIEWS]
    assert all(row.verdict is Verdict.AS_PROMISED for row in found.values())
    assert [row.pictures for row in found.values()] == [True] * 2 + [False] * (len(found) - 2)
    assert {row.topic for row in found.values() if row.of_people} >= {EVENTS, STATE}


def test_how_long_a_record_may_really_last() -> None:
    """Until its segment is full, the last one in it is old enough, somebody looks, and the file is deleted."""
    frames = rows(load())[FRAMES]
    assert (frames.promised, frames.held, frames.gone) == (900, 900, 900 + 60 + 300 + 60)
    events = rows(load())[EVENTS]
    assert events.gone == pytest.approx(7 * 86400 * 1.1 + 360)


@pytest.mark.parametrize(
    ("changes", "verdict", "held"),
    [
        ({"retention.ms": "3600000"}, Verdict.TOO_LONG, 3600),
        ({"retention.ms": "-1"}, Verdict.TOO_LONG, None),
        ({"segment.ms": "604800000"}, Verdict.TOO_LONG, 900),
        ({"cleanup.policy": "compact"}, Verdict.TOO_LONG, None),
        ({"message.timestamp.type": "CreateTime"}, Verdict.TOO_LONG, 900),
        ({"retention.ms": "60000"}, Verdict.AS_PROMISED, 60),
        ({"retention.bytes": "-1"}, Verdict.AS_PROMISED, 900),
        ({"gone": "yes"}, Verdict.MISSING, None),
    ],
)
def test_what_is_kept_for_longer_is_said(changes: dict[str, str], verdict: Verdict, held: float | None) -> None:
    frames = rows(load(), frames=changes)[FRAMES]
    assert (frames.verdict, frames.held) == (verdict, held)


def test_where_only_sums_are_told_the_words_say_so() -> None:
    settings = load(privacy={"mode": "aggregates", "k_minimum": 7})
    assert "No single face" in rows(settings)[EVENTS].holds
    assert any("fewer than 7 tracks" in row.holds for row in rows(settings).values())
    assert "No single face" not in rows(load())[EVENTS].holds
    assert not settings.privacy.shows_previews


def test_topics_of_replays_are_copies() -> None:
    names = ["north.frames", "north.replay-a.frames", "replay-a.frames", "northern.replay-a.frames"]
    for prefix, found in (("north", "north.replay-a.frames"), ("", "replay-a.frames")):
        assert copies(names, plan(load(kafka={"topic_prefix": prefix}).kafka)) == [found]


@pytest.mark.parametrize(
    ("privacy", "field"),
    [
        ({"k_minimum": 1}, "privacy.k_minimum"),
        ({"preview_cells": 64}, "privacy.preview_cells"),
        ({"mode": "sums"}, "privacy.mode"),
        ({"previews_per_second": 0}, "privacy.previews_per_second"),
    ],
)
def test_settings_that_would_give_people_away_are_refused(privacy: dict[str, object], field: str) -> None:
    with pytest.raises(UsageError, match=field):
        load(privacy=privacy)
