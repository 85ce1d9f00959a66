"""A notice for the people who are filmed, from what the settings say. Pure.

It tells what the system does and for how long it keeps what; docs/policy.md says what a notice must hold besides.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.policy.notice_words import NOTICE_WORDS, NoticeWords
from pipeline.settings import ExceptionSettings, PlaceKind, Settings
from pipeline.topics import EVENTS, PREVIEWS, plan
from pipeline.wording import Language, kept


def notice(settings: Settings, language: Language) -> str:
    """Markdown, with visible gaps where the settings do not say what it needs. A purpose must be declared."""
    words, policy = NOTICE_WORDS[language], settings.policy
    assert policy.purpose is not None  # whoever asks has seen to it
    assert policy.setting is not None
    operator = policy.operator or _gap(words, "policy.operator")
    contact = policy.contact or _gap(words, "policy.contact")
    parts = [
        f"# {words.title}",
        words.what_happens,
        f"## {words.who_title}",
        words.who.format(operator=operator, site=settings.site),
        f"## {words.purpose_title}",
        policy.purpose,
        *_excepted(words, policy.setting, policy.exception),
        *_places(words, settings),
        f"## {words.processed_title}",
        _bullets(words.processed),
        f"## {words.kept_title}",
        _bullets(_kept(words, settings, language)),
        f"## {words.ask_title}",
        words.ask.format(contact=contact),
        words.law,
    ]
    return "\n\n".join(parts) + "\n"


def _gap(words: NoticeWords, field: str) -> str:
    return f"[{words.gap}: {field}]"


def _bullets(lines: Iterator[str] | tuple[str, ...]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _excepted(words: NoticeWords, setting: PlaceKind, exception: ExceptionSettings | None) -> Iterator[str]:
    if exception is not None and setting in words.forbidden:
        yield words.exception.format(
            place=words.forbidden[setting],
            reasons=words.reasons[exception.kind],
            reference=exception.reference,
            person=exception.person,
        )


def _places(words: NoticeWords, settings: Settings) -> Iterator[str]:
    """What holds in single zones and before single cameras."""
    for heading, places in ((words.zone, settings.policy.zones), (words.camera, settings.policy.cameras)):
        for name, place in places.items():
            yield f"### {heading.format(name=name)}"
            yield place.purpose or words.same_purpose
            yield from _excepted(words, place.setting, place.exception)


def _kept(words: NoticeWords, settings: Settings, language: Language) -> Iterator[str]:
    """By topic: Kafka deletes what is older, a segment at a time."""
    privacy = settings.privacy
    told = dict(words.kept)
    if privacy.aggregates:
        told[EVENTS] = words.sums
    if not privacy.shows_previews:
        del told[PREVIEWS]
    for topic, planned in plan(settings.kafka).items():
        if topic in told:
            seconds = int(planned.config["retention.ms"]) / 1000
            yield told[topic].format(time=kept(language, seconds), fewest=privacy.k_minimum)
