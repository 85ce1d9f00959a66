"""Records of the right form that nobody could show are told apart from those that can be."""

from __future__ import annotations

import math

import pytest

from pipeline.errors import BadRecord
from pipeline.messages import FrameCounts, Record, SeqRange
from pipeline.watch.fit import check
from tests.records import alert, camera_log, face, ledger, observed, role, status, window

ENDLESS = "x" * 5000


@pytest.mark.parametrize("record", [window(), window(spec="300s/60s", coverage=None), status(), role(), alert()])
def test_what_is_sound_is_shown(record: Record) -> None:
    check(record)


@pytest.mark.parametrize("seed", range(5))
def test_whole_logs_are_shown(seed: int) -> None:
    for record in camera_log("cam", seed):
        check(record)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (window(spec="a minute"), "spec"),
        (window(spec="0s"), "spec"),
        (window(cameras={ENDLESS: 1.0}), "cameras"),
        (window(frames=FrameCounts(dropped={ENDLESS: 1})), "dropped"),
        (alert(value=math.nan), "value"),
        (alert(threshold=-math.inf), "threshold"),
        (alert(title=ENDLESS), "title"),
        (alert(cameras={ENDLESS: ""}), "cameras."),
        (status(camera=""), "camera"),
        (status(camera=ENDLESS), "camera"),
        (status(reason=ENDLESS), "reason"),
        (role(detail=ENDLESS), "detail"),
        (ledger(0, 1, 10, dropped={"full": [SeqRange(first=5, last=3)]}), "dropped"),
        (ledger(0, 1, 10, dropped={"full": [SeqRange(first=0, last=2**62)]}), "dropped"),
        (ledger(0, 1, 10, dropped={ENDLESS: []}), "dropped"),
        (observed(1, 0, [face("happy").model_copy(update={"confidence": math.nan})]), "faces.confidence"),
        (observed(1, 0, [face("happy", ENDLESS)]), "faces"),
        (observed(1, 0, [face("happy", "t", [ENDLESS])]), "faces"),
        (observed(1, 0).model_copy(update={"width": 0}), "size"),
    ],
)
def test_what_would_fail_wherever_it_is_shown_is_named(record: Record, field: str) -> None:
    with pytest.raises(BadRecord, match=rf"{field} cannot be") as caught:
        check(record)
    assert len(caught.value.message) < 200
