"""Records of the right form that say what cannot be: nobody has to fail at them."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.account import Account
from pipeline.aggregate.aggregator import EventsPartition, StatePartition
from pipeline.aggregate.state import PanesRecord
from pipeline.aggregate.windows import Policy, Spec
from pipeline.errors import BadRecord
from pipeline.kafka.believable import check
from pipeline.messages import FrameCounts, Idle, Ledger, Message, Observation
from pipeline.zones import Zones
from tests.records import START, alert, at, face, idle, ledger, observed, role, status, window

TAKEN = at(60)
MINUTE = timedelta(minutes=1)
POLICY = Policy((Spec(MINUTE, MINUTE),), MINUTE, MINUTE)


def changed(record: Message, **changes: Any) -> Message:
    return type(record).decode(json.dumps({**record.model_dump(mode="json"), **changes}).encode())


def with_face(**changes: Any) -> Message:
    seen = observed(0, 1, [face("sad")])
    return changed(seen, faces=[{**seen.faces[0].model_dump(mode="json"), **changes}])


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (changed(observed(0, 1), captured_at="2026-01-01T00:00:01"), "captured_at"),
        (changed(observed(0, 1), captured_at="9999-12-31T23:59:59Z"), "captured_at"),
        (changed(observed(0, 1), captured_at="0001-01-01T00:00:00Z"), "captured_at"),
        (changed(observed(0, 1), seq=-1), "seq"),
        (changed(observed(0, 1), session=2**70), "session"),
        (changed(observed(0, 1), camera=""), "camera"),
        (changed(observed(0, 1), site="s" * 300), "site"),
        (with_face(label="bored"), "faces.label"),
        (with_face(scores={"sad": 1.0}), "faces.scores.angry"),
        (with_face(smoothed=dict.fromkeys(face("sad").scores or {}, float("nan"))), "faces.smoothed.angry"),
        (with_face(bbox={"x": float("inf"), "y": 0, "width": 1, "height": 1}), "faces.bbox.x"),
        (changed(ledger(0, 1, 5), covers_to="2026-01-01T00:00:01"), "covers_to"),
        (changed(ledger(0, 1, 5), covers_from="1980-01-01T00:00:00Z"), "covers_from"),
        (ledger(1, 0, 5), "covers_from"),
        (changed(ledger(0, 1, 5), covers_to="2200-01-01T00:00:00Z"), "covers_to"),
        (changed(ledger(0, 1, 5), expected=1e300), "expected"),
        (changed(ledger(0, 1, 5), dropped={"full": [{"first": 0, "last": 2**80}]}), "dropped"),
        (changed(idle(0, 9), until="2026-01-01T00:00:09"), "until"),
        (changed(idle(0, 9), since="1980-01-01T00:00:00Z"), "since"),
        (changed(idle(0, 9), until="9000-01-01T00:00:00Z"), "until"),
        (window(end=START), "end"),
        (window(end=START - MINUTE), "end"),
        (window(id=""), "id"),
        (window(start=START.replace(tzinfo=None)), "start"),
        (window(coverage=math.nan), "coverage"),
        (window(blind=math.inf), "coverage"),
        (window(cameras={"cam": -1.0}), "coverage"),
        (window(frames=FrameCounts(expected=math.nan)), "frames"),
        (window(frames=FrameCounts(dropped={"full": -1})), "frames"),
        (window(n_tracks=2**70), "n_tracks"),
        (window(label_share={"happy": math.nan}), "label_share"),
        (window(label_share={"__proto__": 1.0}), "label_share"),
        (window(scores_mean={"happy": 3.0}), "scores_mean"),
        (alert(id="x" * 300), "id"),
        (alert(value=math.nan), "value"),
        (alert(threshold=-math.inf), "threshold"),
        (alert(coverage=2.0), "coverage"),
        (alert(update=2**70), "update"),
        (status(camera=""), "camera"),
        (status(session=-1), "session"),
        (status(at=START.replace(tzinfo=None)), "at"),
        (role(instance=""), "instance"),
        (role(site="s" * 300), "site"),
    ],
)
def test_what_cannot_be_is_refused_by_the_field_that_says_it(record: Message, field: str) -> None:
    with pytest.raises(BadRecord, match=f"^{field} cannot be"):
        check(record, TAKEN)


@pytest.mark.parametrize(
    "record",
    [
        observed(2**62, 3600 * 24 * 300, [face("sad")], session=2**62),  # a long file that was read fast
        ledger(-3600 * 24 * 30, 0, 1e6),  # after an outage of a month
        with_face(scores=None, label=None, abstained=True),
        with_face(scores={**dict.fromkeys(face("sad").scores or {}, 0.0), "sad": 1.001}),
        idle(0, 3600),
        window(coverage=None, label_share=None),
        alert(value=None, coverage=None),
        status(),
        role(),
    ],
)
def test_what_may_be_is_believed(record: Message) -> None:
    check(record, TAKEN)


ODD_TIMES = st.sampled_from(
    ["2026-01-01T00:00:30Z", "2026-01-01T00:01:30+14:00", "2026-01-01T00:00:30", "1970-01-01T00:00:00Z",
     "0001-01-01T00:00:00Z", "2026-12-30T00:00:00Z", "9999-12-31T23:59:59.999999Z", 0, 1e12]
)  # fmt: skip
ODD_NUMBERS = st.sampled_from([0, 1, -1, 2**31, 2**63 - 1, 2**63, 10**40])
ODD_SCORE = st.sampled_from([0, 0.5, 1, -1, 1e308, float("nan"), float("inf")])
ODD_FACE = st.fixed_dictionaries(
    {"scores": st.none() | st.dictionaries(st.sampled_from(["sad", "happy", "bored"]), ODD_SCORE)},
    optional={
        "label": st.sampled_from(["sad", "bored", "", None]),
        "smoothed": st.none(),
        "track_id": st.sampled_from(["", "t", None]),
    },
)


@st.composite
def odd_records(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from([observed(0, 1, [face("sad")]), ledger(0, 1, 5), idle(0, 9)]))
    values = kind.model_dump(mode="json")
    for field, value in values.items():
        if draw(st.booleans()):
            continue
        if field.endswith(("_at", "_from", "_to")) or field in ("since", "until"):
            values[field] = draw(ODD_TIMES)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            values[field] = draw(ODD_NUMBERS)
        elif field == "faces":
            values[field] = [{**value[0], **draw(ODD_FACE)}]
        elif field == "dropped":
            values[field] = {"full": [{"first": draw(ODD_NUMBERS), "last": draw(ODD_NUMBERS)}]}
        elif field in ("site", "camera"):
            values[field] = draw(st.sampled_from(["", "a/b", "käm\x00😀", "x" * 256]))
    return {"kind": type(kind), "values": values}


@settings(max_examples=100, deadline=None)
@given(st.lists(odd_records(), max_size=4))
def test_whatever_is_believed_can_be_counted_and_stored(records: list[dict[str, Any]]) -> None:
    events, scopes, account = EventsPartition(POLICY, Zones([])), StatePartition(POLICY), Account()
    for offset, each in enumerate(records):
        kind: type[Observation | Ledger | Idle] = each["kind"]
        try:
            message = kind.decode(json.dumps(each["values"]).encode())
            check(message, TAKEN)
        except BadRecord:
            continue
        account.add(message)
        for made in events.add(message, offset, TAKEN):
            again = type(made).decode(made.encode())
            if isinstance(again, PanesRecord):
                for told in scopes.add(again, (), offset):
                    type(told).decode(told.encode())
    account.total()
