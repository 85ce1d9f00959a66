"""The notice tells those who are filmed what the settings say."""

from __future__ import annotations

import dataclasses
import re

import pytest

from pipeline.policy.notice import notice
from pipeline.policy.notice_words import NOTICE_WORDS
from pipeline.settings import Settings, load
from pipeline.topics import plan
from pipeline.wording import Language

POLICY = {
    "purpose": "To notice distress, and look in.",
    "setting": "workplace",
    "exception": {"kind": "medical", "reference": "assessment 12/2026", "person": "E. Hart"},
    "operator": "Elm House",
    "contact": "Ada, ward 2",
    "zones": {"bed": {"setting": "care"}},
}


def told(language: Language, **changes: object) -> str:
    return notice(load(policy={**POLICY, **changes}, kafka={"frames_retention_minutes": 7}), language)


@pytest.mark.parametrize("language", Language)
def test_it_says_who_why_what_how_long_and_whom_to_ask(language: Language) -> None:
    text = told(language)
    for said in ("Elm House", "To notice distress", "assessment 12/2026", "E. Hart", "Ada, ward 2", "bed"):
        assert said in text
    assert re.search(r"7.minute", text.lower())
    assert not re.search(r"[{}]|None|policy\.", text)


@pytest.mark.parametrize("language", Language)
def test_what_the_settings_do_not_say_is_a_gap_to_be_seen(language: Language) -> None:
    text = told(language, operator="", contact="")
    assert text.count("policy.operator]") == text.count("policy.contact]") == 1


def test_what_is_kept_is_what_the_settings_say() -> None:
    full = notice(load(policy=POLICY), Language.EN)
    assert "Small pictures" in full
    assert "in each picture, without the picture" in full
    assert "Small pictures" not in notice(load(policy=POLICY, privacy={"previews": False}), Language.EN)
    sums = notice(load(policy=POLICY, privacy={"mode": "aggregates", "k_minimum": 7}), Language.EN)
    assert "fewer than 7 faces" in sums
    assert "in each picture, without the picture" not in sums
    assert "Small pictures" not in sums


def test_an_exception_is_told_only_where_one_is_needed() -> None:
    assert "forbidden" in told(Language.EN)
    assert "forbidden" not in told(Language.EN, setting="care")


def test_every_topic_that_is_kept_for_long_is_told() -> None:
    """Whoever adds a topic says here what people are told of it."""
    untold = {"aggregate-state", "camera-status", "cameras", "roles", "rollouts", "dead-letters"}  # no faces, no names
    assert set(plan(Settings().kafka)) <= set(NOTICE_WORDS[Language.EN].kept) | untold


@pytest.mark.parametrize("language", [Language.DE, Language.FR])
def test_languages_say_the_same(language: Language) -> None:
    english, other = NOTICE_WORDS[Language.EN], NOTICE_WORDS[language]
    for field in dataclasses.fields(english):
        ours, theirs = getattr(english, field.name), getattr(other, field.name)
        if isinstance(ours, str):
            assert sorted(re.findall(r"{\w+}", theirs)) == sorted(re.findall(r"{\w+}", ours)), field.name
        else:
            assert len(theirs) == len(ours), field.name
            assert not hasattr(ours, "keys") or set(theirs) == set(ours), field.name
