"""The report's totals, and what the views show of them."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from pipeline.aggregate.report import RunReport
from pipeline.console.board import Board
from pipeline.console.events import parse_since
from pipeline.console.summary import summary
from pipeline.console.view import LiveView, PlainView
from pipeline.messages import (
    Box,
    CameraState,
    CameraStatus,
    Face,
    Ledger,
    ModelRef,
    Observation,
    Quality,
    SeqRange,
    Stub,
    scores_of,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)


def face(label: str | None = "happy", **changes: Any) -> Face:
    scores = scores_of([0.1, 0.0, 0.0, 0.6, 0.1, 0.1, 0.1])
    read: dict[str, Any] = {"scores": scores, "label": label, "confidence": 0.6} if label else {"inferred": False}
    box = Box(x=0.1, y=0.1, width=0.2, height=0.2)
    return Face(bbox=box, detection_confidence=0.9, quality=Quality(size_px=80), **{**read, **changes})


def observation(seq: int, faces: list[Face], camera: str = "cam", latency: float = 0.5) -> Observation:
    at = AT + timedelta(seconds=seq)
    return Observation(
        event_id=f"site/{camera}/1/{seq}", site="site", camera=camera, session=1, seq=seq, captured_at=at,
        processed_at=at + timedelta(seconds=latency), width=640, height=480, detector=ModelRef(name="d"),
        model=ModelRef(name="m"), faces=faces, scripted=["happy"] * len(faces),
    )  # fmt: skip


def ledger(following: int, **changes: Any) -> Ledger:
    values: dict[str, Any] = {
        "site": "site", "camera": "cam", "session": 1, "written_at": AT, "covers_from": AT, "covers_to": AT,
        "first_seq": 0, "next_seq": following, "expected": following, "state": CameraState.UP,
    }  # fmt: skip
    return Ledger(**{**values, **changes})


def test_the_report_adds_up_and_duplicates_count_for_nothing() -> None:
    report = RunReport(live=frozenset(["cam"]))
    for seq in range(10):
        assert report.add(observation(seq, [face(), face(None, reason="too_small", abstained=True)]))
    assert not report.add(observation(3, [face()]))
    report.add(ledger(12, dropped={"buffer_full": [SeqRange(first=10, last=11)]}))
    found = report.finish(AT - timedelta(seconds=5), AT + timedelta(hours=1))
    assert found["frames"] == {
        "captured": 12, "published": 10, "observed": 10, "dead_lettered": 0, "dropped": {"buffer_full": 2},
        "in_flight": 0,
    }  # fmt: skip
    assert found["balanced"]
    assert (found["faces"], found["inferences"], found["duplicates"]) == (20, 10, 1)
    assert found["seconds"] == 9.5  # first capture to last observation
    assert found["latency_seconds"] == {"p50": 0.5, "p95": 0.5, "p99": 0.5}
    assert found["cameras"]["cam"] == {**found["frames"], "faces": found["faces"]}


def test_latency_is_that_of_live_cameras() -> None:
    report = RunReport(live=frozenset())
    report.add(observation(0, []))
    assert report.finish(AT, AT + timedelta(seconds=1))["latency_seconds"] == {"p50": None, "p95": None, "p99": None}


def test_a_run_without_frames_has_a_report() -> None:
    found = RunReport(live=frozenset()).finish(AT, AT + timedelta(seconds=1))
    assert (found["frames"]["captured"], found["model"], found["balanced"]) == (0, None, True)


def filled() -> Board:
    board = Board()
    board.add(CameraStatus(site="site", camera="cam", session=1, at=AT, state=CameraState.UP), 0)
    board.add(CameraStatus(site="site", camera="gone", session=1, at=AT, state=CameraState.DOWN, reason="no route"), 0)
    for second in range(5):
        board.add(observation(second, [face(), face("sad", abstained=True, reason="uncertain")]), second)
    board.add(Stub(event_id="site/cam/1/5", site="site", camera="cam", session=1, seq=5, captured_at=AT,
                   processed_at=AT, reason="checksum"), 5)  # fmt: skip
    board.add(ledger(8, dropped={"buffer_full": [SeqRange(first=6, last=7)]}), 5)
    return board


def test_the_board_counts_and_knows_who_has_ended() -> None:
    board = filled()
    row = board.rows["cam"]
    assert (row.frames, row.faces, row.dropped, row.dead) == (5, 10, 2, 1)
    assert row.rate(now=4) == 1.0
    assert row.rate(now=100) == 0.0
    assert board.ended == set()
    board.add(ledger(8, final=True, state=CameraState.DOWN), 6)
    assert board.ended == set()  # it will come back
    board.add(ledger(8, final=True, state=CameraState.ENDED), 6)
    assert board.ended == {"cam"}


def test_both_views_show_what_was_read_beside_what_was_scripted() -> None:
    for kind, terminal in ((LiveView, True), (PlainView, False)):
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=140)
        shown = kind(console, "title") if kind is LiveView else kind(console)
        with shown:
            shown.show(filled(), 5)
        text = out.getvalue()
        assert "happy" in text
        assert "60%" in text
        assert "not sure" in text
        assert "scripted" in text
        assert "gone" in text


def test_the_summary_tells_what_is_missing() -> None:
    report = RunReport(live=frozenset(["cam"]))
    report.add(ledger(3))
    out = io.StringIO()
    summary(report.finish(AT, AT + timedelta(seconds=1)), Console(file=out, width=200))
    assert "3 captured = 0 observed" in out.getvalue()
    assert "3 missing" in out.getvalue()


def test_times_of_events() -> None:
    assert parse_since("10m", AT) == AT - timedelta(minutes=10)
    assert parse_since("2026-01-01T00:00:00", AT) == AT
