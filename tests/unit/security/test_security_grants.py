"""The table of rights, and what the command line makes of it."""

from __future__ import annotations

import pytest

from pipeline.cluster.environment import MODE, TOKEN, TOKEN_PATH, given, shut_in
from pipeline.errors import UsageError
from pipeline.kafka.acls import planned, told
from pipeline.kafka.grants import NEEDS, Grant, grants
from pipeline.settings import Settings
from pipeline.topics import EVENTS, FRAMES, PREVIEWS


def settings(**changes: object) -> Settings:
    return Settings.model_validate(changes)


def readers(topic: str) -> set[str]:
    return {role for role in NEEDS if Grant("topic", topic, "read") in grants(settings(), role)}


def test_pictures_are_read_by_those_who_need_them() -> None:
    assert readers(FRAMES) == {"analyze"}
    assert readers(PREVIEWS) == {"dashboard"}


def test_capture_writes_frames_and_how_it_is() -> None:
    found = {(each.name, each.operation) for each in grants(settings(), "capture") if each.kind == "topic"}
    assert found == {
        *(("cameras", "read"), ("camera-status", "read")),
        *(("frames", "write"), ("camera-status", "write"), ("roles", "write")),
    }


def test_nobody_creates_deletes_or_alters() -> None:
    operations = {each.operation for role in NEEDS for each in grants(settings(delivery="exactly_once"), role)}
    assert operations == {"read", "write", "describe", "describe-configs"}


def test_names_are_as_the_settings_say() -> None:
    kafka = {"topic_prefix": "north", "group": "readers", "webhooks_group": "told"}
    assert Grant("topic", f"north.{EVENTS}", "write") in grants(settings(kafka=kafka), "analyze")
    assert Grant("group", "readers", "read") in grants(settings(kafka=kafka), "analyze")
    assert Grant("group", "told-", "read", prefixed=True) in grants(settings(kafka=kafka), "webhooks")


def test_transactional_ids_only_with_transactions() -> None:
    wanted = Grant("transactional-id", "emostream-analyze-", "write", prefixed=True)
    assert wanted not in grants(settings(), "analyze")
    assert wanted in grants(settings(delivery="exactly_once"), "analyze")
    assert wanted not in grants(settings(delivery="exactly_once"), "aggregate")


def test_a_right_in_words() -> None:
    lines = [told(right) for right in planned(settings(), ["webhooks"], "CN={role},O=example")]
    assert lines == [
        "User:CN=webhooks,O=example read group emostream-webhooks-*",
        "User:CN=webhooks,O=example write topic dead-letters",
        "User:CN=webhooks,O=example read topic emotion-alerts",
        "User:CN=webhooks,O=example write topic roles",
    ]


def test_one_user_for_all_has_each_right_once() -> None:
    rights = planned(settings(), list(NEEDS), "emostream")
    assert len(rights) == len(set(rights)) == len({right.grant for right in rights})


@pytest.mark.parametrize("user", ["", "{role}*", "*", "{name}"])
def test_a_user_that_is_nobody_or_everybody_is_refused(user: str) -> None:
    with pytest.raises(UsageError, match="--user"):
        planned(settings(), ["capture"], user)


def test_a_ray_of_ones_own_has_a_token_of_its_own() -> None:
    first, second = shut_in(), shut_in()
    assert first[MODE] == "token"
    assert first[TOKEN_PATH] is None
    assert first[TOKEN] != second[TOKEN]
    assert len(str(first[TOKEN])) == 64


@pytest.mark.parametrize(
    ("environ", "mode"),
    [
        ({}, {MODE: "disabled"}),
        ({TOKEN: "x"}, {MODE: "token"}),
        ({TOKEN_PATH: "/x"}, {MODE: "token"}),
        ({MODE: "token"}, {}),
    ],
)
def test_a_token_that_was_given_is_used(environ: dict[str, str], mode: dict[str, str | None]) -> None:
    assert given(environ) == mode
