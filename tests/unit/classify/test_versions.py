"""Two versions of a model side by side: which of them reads, and what becomes of faces when the new one fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from pipeline.classify.classifier import Crop, CropSpec, Scored
from pipeline.classify.versions import Versions
from pipeline.errors import ClassifierUnavailable, UsageError
from pipeline.messages import ModelRef, Rollout, RolloutFigures, RolloutVerdict, ServedModel, Stage
from pipeline.metrics import Metrics
from pipeline.rollout.stages import is_canary
from tests.unit.rollout.rollouts import AT, LIVE, NEXT, rollout

HAPPY, SAD = np.eye(7, dtype=np.float32)[3], np.eye(7, dtype=np.float32)[4]
CROPS = [np.zeros((48, 48), np.uint8)] * 2
CAMERAS = [f"site/room-{number}" for number in range(40)]
CANARY = next(camera for camera in CAMERAS if is_canary(rollout(), camera))
OTHER = next(camera for camera in CAMERAS if not is_canary(rollout(), camera))
PATIENCE = 30.0


class Says:
    """Answers `row` for every crop, while it is `well`; `faults`: crops that it cannot read."""

    crop = CropSpec()
    abstain_below = 0.0

    def __init__(self, model: ModelRef, row: np.ndarray) -> None:
        self.model, self.row = model, row
        self.well, self.faults, self.asked, self.closed = True, dict[int, str](), 0, False

    def classify(self, crops: Sequence[Crop]) -> Scored:
        self.asked += 1
        if not self.well or self.closed:
            raise ClassifierUnavailable("down")
        return Scored(np.tile(self.row, (len(crops), 1)), self.faults)

    def close(self) -> None:
        self.closed = True


class Both:
    def __init__(self) -> None:
        self.live, self.next = Says(LIVE, HAPPY), Says(NEXT, SAD)
        self.metrics = Metrics("test", CollectorRegistry())
        self.versions = Versions(self.live, self.metrics, self.make)
        self.made = 0

    def make(self, model: ServedModel) -> Says:
        self.made += 1
        return self.next

    def at(self, stage: Stage, of: Rollout | None = None) -> None:
        told = of or rollout(ended=stage if stage is Stage.FINISHED else None)
        verdict = None
        if stage in (Stage.CANARY, Stage.BACKED_OUT):
            verdict = RolloutVerdict.model_validate(
                {"site": "site", "rollout_id": told.rollout_id, "stage": stage, "at": AT}
            )
        self.versions.follow(told, verdict)

    def said(self, camera: str) -> ModelRef:
        """Which model reads a camera's faces, the answers being its own."""
        scored, by = self.versions.classify(self.versions.of(camera), CROPS)
        assert not scored.errors
        assert (scored.probabilities == by.row).all()  # type: ignore[attr-defined]
        return by.model

    def figures(self) -> RolloutFigures:
        found = self.versions.figures()
        assert found is not None
        return found

    def until(self, condition: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.005)):
            if condition():
                return
            pause.wait(0.005)
        pytest.fail(f"it says {self.versions.figures()}")


def test_who_reads_at_each_stage() -> None:
    it = Both()
    told: dict[Stage | None, tuple[ModelRef, ModelRef]] = {None: (it.said(CANARY), it.said(OTHER))}
    for stage in (Stage.SHADOW, Stage.CANARY, Stage.FINISHED, Stage.BACKED_OUT):
        it.at(stage)
        told[stage] = it.said(CANARY), it.said(OTHER)
    assert told == {
        None: (LIVE, LIVE),
        Stage.SHADOW: (LIVE, LIVE),
        Stage.CANARY: (NEXT, LIVE),
        Stage.FINISHED: (NEXT, NEXT),
        Stage.BACKED_OUT: (LIVE, LIVE),
    }
    assert it.made == 1
    assert it.next.closed
    assert not it.live.closed


def test_as_a_shadow_it_is_compared_and_its_failures_touch_nobody() -> None:
    it = Both()
    it.at(Stage.SHADOW)
    it.said(OTHER)
    it.until(lambda: it.figures().compared == 2)
    it.next.well = False
    it.said(OTHER)
    it.until(lambda: it.figures().failed == 1)
    figures = it.figures()
    assert figures.stage is Stage.SHADOW
    assert (figures.asked, figures.live_asked, figures.label_changes, figures.distance) == (2, 2, 2, 2.0)


def test_a_canary_that_fails_is_answered_for_in_the_same_call() -> None:
    it = Both()
    it.at(Stage.CANARY)
    it.next.well = False
    assert it.said(CANARY) == LIVE
    it.next.well, it.next.faults = True, {1: "no probabilities"}
    assert it.said(CANARY) == LIVE
    figures = it.figures()
    assert (figures.asked, figures.failed, figures.live_asked, figures.live_failed) == (2, 2, 2, 0)


def test_when_both_fail_the_caller_asks_again_and_neither_is_to_blame() -> None:
    it = Both()
    it.at(Stage.CANARY)
    it.next.well = it.live.well = False
    with pytest.raises(ClassifierUnavailable):
        it.said(CANARY)
    figures = it.figures()
    assert (figures.failed, figures.live_failed) == (0, 0)


def test_the_live_model_reads_along_with_a_canary() -> None:
    it = Both()
    it.at(Stage.CANARY)
    it.said(OTHER)
    it.said(CANARY)
    it.until(lambda: it.figures().compared == 2)
    figures = it.figures()
    assert (figures.asked, figures.live_asked) == (1, 2)


def test_what_has_taken_over_is_answered_for_as_long_as_the_live_model_is_there() -> None:
    it = Both()
    it.at(Stage.FINISHED)
    assert it.said(OTHER) == NEXT
    assert it.live.asked == 0
    it.next.well = False
    assert it.said(OTHER) == LIVE
    it.live.well = False
    with pytest.raises(ClassifierUnavailable):
        it.said(OTHER)


def test_faces_on_their_way_to_what_is_taken_back_are_read_by_the_live_model() -> None:
    it = Both()
    it.at(Stage.CANARY)
    reader = it.versions.of(CANARY)
    it.at(Stage.BACKED_OUT)
    scored, by = it.versions.classify(reader, CROPS)
    assert by is it.live
    assert (scored.probabilities == HAPPY).all()


def test_settings_that_name_another_model_win() -> None:
    it = Both()
    for of in (rollout(live=NEXT.model_copy(update={"version": "0"})), rollout(live=NEXT)):
        it.at(Stage.SHADOW, of)
        assert it.versions.figures() is None
    assert it.made == 0


def test_what_cannot_be_asked_leaves_all_as_it_was() -> None:
    def refuse(model: ServedModel) -> Says:
        raise UsageError("classify.kind: in-process has no versions side by side", "")

    live = Says(LIVE, HAPPY)
    versions = Versions(live, Metrics("test", CollectorRegistry()), refuse)
    versions.follow(rollout(), None)
    assert versions.of(CANARY) is live
    assert versions.figures() is None


def test_a_share_that_grows_takes_effect_without_counting_anew() -> None:
    it = Both()
    it.at(Stage.CANARY)
    it.said(CANARY)
    it.at(Stage.CANARY, rollout(share=1.0))
    assert it.said(OTHER) == NEXT
    figures = it.figures()
    assert figures.asked == 2
    assert it.made == 1


def test_all_is_closed() -> None:
    it = Both()
    it.at(Stage.CANARY)
    it.versions.close()
    assert it.live.closed
    assert it.next.closed
