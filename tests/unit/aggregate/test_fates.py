"""The terms of the equation as an aggregator counts them from the log, against the account of the whole log."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from pipeline.aggregate.account import Account
from pipeline.aggregate.aggregator import EventsPartition
from pipeline.aggregate.panes import CameraPanes
from pipeline.aggregate.shown import Shown
from pipeline.aggregate.state import CameraRecord
from pipeline.aggregate.windows import Policy, Spec
from pipeline.messages import CameraState, Message, SeqRange
from pipeline.metrics import Metrics
from pipeline.zones import Zones
from tests.records import at, busy_log, camera_log, ledger, observed, stub

GRACE = timedelta(seconds=20)
POLICY = Policy((Spec(timedelta(seconds=60), timedelta(seconds=60)),), timedelta(seconds=10), GRACE)


def counted(log: Sequence[Message]) -> CameraPanes:
    panes = CameraPanes(GRACE)
    for offset, message in enumerate(log):
        panes.add(message, offset)
    return panes


def still_open(panes: CameraPanes) -> int:
    assert panes.state is not None
    return sum(session.open for session in panes.state.sessions.values())


@pytest.mark.parametrize("seed", range(30))
def test_terms_are_those_of_the_account(seed: int) -> None:
    log = camera_log("cam", seed) if seed % 2 else busy_log("cam", seed, stops=0.1)
    account = Account()
    for message in log:
        account.add(message)
    frames = account.total()
    panes = counted(log)
    fates = panes.fates
    assert (fates.observed, fates.dead_lettered) == (frames.observed, frames.dead_lettered)
    assert {reason: n for reason, n in fates.dropped.items() if n} == frames.dropped
    assert fates.captured == fates.observed + fates.dead_lettered + sum(fates.dropped.values()) + (
        fates.unexplained + still_open(panes)
    )


def test_a_frame_of_which_nothing_comes_is_open_and_at_the_sessions_end_unexplained() -> None:
    log = [observed(0, 0), observed(1, 0.2), ledger(0, 1, 5, next_seq=5)]
    panes = counted(log)
    assert (panes.fates.captured, panes.fates.observed, still_open(panes)) == (5, 2, 3)
    panes.add(observed(3, 0.6), 3)
    assert (still_open(panes), panes.fates.unexplained) == (2, 0)
    dropped = {"publish_failed": [SeqRange(first=2, last=2)]}
    panes.add(ledger(1, 2, 0, first_seq=5, next_seq=5, dropped=dropped, final=True, state=CameraState.STOPPED), 4)
    assert (still_open(panes), panes.fates.unexplained) == (0, 1)
    assert panes.fates.dropped == {"publish_failed": 1}


def test_a_session_that_is_cut_off_is_unexplained_once_it_is_forgotten() -> None:
    log = [observed(0, 0), ledger(0, 1, 3, next_seq=3), observed(0, 5, session=2), observed(1, 100, session=2)]
    assert counted(log[:3]).fates.unexplained == 0
    panes = counted([*log, observed(2, 200, session=2)])
    assert (panes.fates.unexplained, still_open(panes)) == (2, 0)


def test_what_came_before_it_listened_is_not_its_to_judge() -> None:
    log = [observed(517, 0), ledger(-1, 1, 30, first_seq=500, next_seq=530, dropped={}), observed(530, 2)]
    panes = counted(log)
    assert (panes.fates.captured, still_open(panes)) == (14, 12)
    later = counted([observed(7, 0), observed(0, 1, session=2), observed(2, 2, session=2)])
    assert still_open(later) == 1, "of the second session it knows that it began"


def test_frames_that_are_read_again_count_once_after_a_restart() -> None:
    log = busy_log("cam", 3)
    whole, first = CameraPanes(GRACE), CameraPanes(GRACE)
    resume, state = 0, None
    for offset, message in enumerate(log):
        whole.add(message, offset)
        if offset < len(log) // 2 and first.add(message, offset) is not None:
            resume, state = offset + 1, copy.deepcopy(first.state)
    second = CameraPanes(GRACE, state=state)
    for offset, message in enumerate(log[resume:], resume):
        second.add(message, offset)
    assert still_open(second) == still_open(whole)
    assert second.fates.captured == second.fates.observed + sum(second.fates.dropped.values()) + (
        second.fates.dead_lettered + second.fates.unexplained
    )


class Page:
    """What /metrics would show."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics("aggregate", self.registry)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"emostream_{name}", {"camera_id": "cam", **labels})


def test_metrics_count_what_is_new_and_forget_cameras_that_ended() -> None:
    page = Page()
    shown, partition = Shown(page.metrics), EventsPartition(POLICY, Zones([]))
    for offset, message in enumerate([observed(0, 0), stub(1, 0.2), ledger(0, 1, 4, next_seq=4)]):
        partition.add(message, offset, at(0))
    for _ in range(2):
        shown.show([partition], {0})
    assert page.value("log_captured_total") == 4
    assert page.value("log_observed_total") == page.value("log_dead_lettered_total") == 1
    assert page.value("log_dropped_total", reason="buffer_full") == 0
    assert (page.value("log_expected_total"), page.value("log_open_frames")) == (4, 2)
    assert page.value("watermark_timestamp_seconds") == at(1).timestamp()
    drops = {"buffer_full": [SeqRange(first=2, last=3)]}
    over = ledger(1, 2, 0, first_seq=4, next_seq=4, dropped=drops, final=True, state=CameraState.ENDED)
    partition.add(over, 3, at(0))
    shown.show([partition], {0})
    assert page.value("log_dropped_total", reason="buffer_full") == 2
    assert page.value("log_unexplained_total") == 0
    assert page.value("watermark_timestamp_seconds") is page.value("log_open_frames") is None


def test_a_partition_that_is_somebody_elses_now_is_not_shown() -> None:
    page = Page()
    shown, partition = Shown(page.metrics), EventsPartition(POLICY, Zones([]))
    partition.add(observed(0, 0), 0, at(0))
    shown.covered("cam", 0.5, partition=3)
    shown.show([partition], {3})
    assert page.value("watermark_timestamp_seconds") is not None
    assert page.value("window_coverage_ratio") == 0.5
    shown.show([], {1})
    assert page.value("watermark_timestamp_seconds") is page.value("window_coverage_ratio") is None
    assert page.value("log_observed_total") == 1


def test_a_camera_that_expects_nothing_has_no_coverage() -> None:
    page = Page()
    shown = Shown(page.metrics)
    shown.covered("cam", None, partition=0)
    shown.covered("cam", 0.9, partition=0)
    assert page.value("window_coverage_ratio") == 0.9
    shown.covered("cam", None, partition=0)
    assert page.value("window_coverage_ratio") is None


def test_the_state_of_a_former_release_is_read() -> None:
    partition = EventsPartition(POLICY, Zones([]))
    (record, *_) = [
        made
        for offset, message in enumerate([observed(0, 0), observed(1, 15)])
        for made in partition.add(message, offset, at(0))
        if isinstance(made, CameraRecord)
    ][::-1]
    told = record.model_dump(mode="json")
    for session in told["state"]["sessions"].values():
        del session["first"], session["captured"]
    old = CameraRecord.model_validate(told)
    panes = CameraPanes(GRACE, state=old.state)
    panes.add(observed(2, 16), old.state.offset)
    assert still_open(panes) == 0
