"""What `emostream alerts` says, and what it does not take."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from rich.console import Console

from pipeline.aggregate.ask import Target
from pipeline.console.alerts import _find, _table, duration, show_rules
from pipeline.errors import UsageError
from pipeline.messages import AlertState, ClearedBy, Scope
from pipeline.settings import load
from tests.records import alert, at


@pytest.mark.parametrize(("text", "lasts"), [("90s", 90), ("1.5h", 5400), ("24h", 86400), ("1d", 86400), ("0s", 0)])
def test_how_long_a_silence_lasts(text: str, lasts: float) -> None:
    assert duration(text) == timedelta(seconds=lasts)


@pytest.mark.parametrize("text", ["", "soon", "5", "-1h", "nanh", "25h", "2d", "1e999h"])
def test_how_long_a_silence_does_not_last(text: str) -> None:
    with pytest.raises(UsageError, match="--for: "):
        duration(text)


def test_an_alert_is_found_by_how_its_id_begins() -> None:
    alerts = {each: alert(alert_id=each) for each in ("abcd", "abef")}
    assert _find(alerts, "abc").alert_id == "abcd"
    for wanted, said in (("x", "no alert 'x'"), ("", "no alert ''"), ("ab", "2 alerts begin with 'ab'")):
        with pytest.raises(UsageError, match=said):
            _find(alerts, wanted)


def test_what_is_meant_must_be_named_and_known() -> None:
    settings = load(site="here")
    Target("here", "no-data", None, "a").check(settings)
    with pytest.raises(UsageError, match="nothing is named"):
        Target("here", None, Scope.CAMERA, None).check(settings)
    with pytest.raises(UsageError, match="'sad' is not known; one of no-data"):
        Target("here", "sad").check(settings)


def shown(renderable: object) -> str:
    output = io.StringIO()
    Console(file=output, width=220).print(renderable)
    return output.getvalue()


def test_the_list_says_what_stands_and_who_looks_after_it() -> None:
    text = shown(
        _table([
            alert(acknowledged_at=at(70), acknowledged_by="Ada", silenced_until=at(90), stale=True),
            alert(state=AlertState.CLEARED, cleared_by=ClearedBy.DATA, reason="[bold]x"),
        ])
    )  # fmt: skip
    for said in ("0123456789abcdef", "camera room", "stands, acknowledged by Ada, silenced until", "not judged now",
                 "cleared (data)", "[bold]x"):  # fmt: skip
        assert said in text


def test_rules_are_listed_with_the_one_that_is_built_in() -> None:
    output = io.StringIO()
    rule = {"id": "calm", "expressions": ["happy", "sad"], "below": 3, "against": "baseline", "only": ["a"]}
    show_rules(load(alerts=[rule]), Console(file=output, width=220))
    assert "no-data" in output.getvalue()
    assert "share of happy + sad below 3 deviations from what is usual there, for 0 s" in output.getvalue()
