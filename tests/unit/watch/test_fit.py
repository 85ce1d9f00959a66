"""Records of the right form that nobody could show are told apart from those that can be."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from pipeline.errors import BadRecord
from pipeline.messages import CameraState, CameraStatus, FrameCounts, Record, RoleStatus, Scope, SeqRange, Window
from pipeline.watch.fit import check
from tests.records import START, alert, camera_log, face, ledger, observed

ENDLESS = "x" * 5000


def window(**values: Any) -> Window:
    told = {
        "scope": Scope.CAMERA, "site": "site", "id": "cam", "spec": "60s", "start": START,
        "end": START + timedelta(seconds=60), "revision": 0, "final": True, "as_of": START, "coverage": 0.9,
        "frames": FrameCounts(expected=100, observed=90), "cameras": {"cam": 0.9}, "n_face_frames": 0, "n_tracks": 0,
        "n_told": 0, "n_abstained": 0, "label_share": {"happy": 1.0}, **values,
    }  # fmt: skip
    return Window.model_validate(told)


def status(**values: Any) -> CameraStatus:
    told = {"site": "site", "camera": "cam", "session": 1, "at": START, "state": CameraState.UP, **values}
    return CameraStatus.model_validate(told)


def role(**values: Any) -> RoleStatus:
    told = {"role": "analyze", "instance": "0", "site": "site", "host": "h", "version": "1", "started_at": START}
    return RoleStatus.model_validate({**told, "at": START, **values})


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
        (window(coverage=math.nan), "window"),
        (window(blind=math.inf), "window"),
        (window(frames=FrameCounts(expected=math.nan)), "window"),
        (window(label_share={"happy": math.nan}), "window"),
        (window(label_share={"__proto__": 1.0}), "label_share"),
        (window(end=START), "end"),
        (window(end=START - timedelta(hours=1)), "end"),
        (window(spec="a minute"), "spec"),
        (window(spec="0s"), "spec"),
        (window(id=ENDLESS), "id"),
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
