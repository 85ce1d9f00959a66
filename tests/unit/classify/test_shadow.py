"""A shadow that answers otherwise, late, wrongly or not at all, beside a model that must not notice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from pipeline.classify.along import total_variation
from pipeline.classify.choose import make
from pipeline.classify.classifier import CropSpec, Scored
from pipeline.classify.shadow import Shadowed
from pipeline.errors import ClassifierUnavailable, DependencyError, UsageError
from pipeline.messages import ModelRef
from pipeline.metrics import Metrics
from pipeline.settings import ClassifySettings, ShadowSettings, load

PATIENCE = 30.0


class Says:
    """Gives every crop the same probabilities; `answer` may raise, or wait."""

    abstain_below = 0.3

    def __init__(
        self, name: str, row: Sequence[float], crop: CropSpec | None = None, answer: Callable[[], Any] = lambda: None
    ) -> None:
        self.model = ModelRef(name=name, version="1")
        self.crop = crop or CropSpec()
        self.row = row
        self.answer = answer
        self.asked = 0
        self.closed = False

    def classify(self, crops: Sequence[np.ndarray]) -> Scored:
        self.asked += 1
        answer = self.answer()
        rows = np.tile(np.array(self.row, np.float32), (len(crops), 1))
        return answer if isinstance(answer, Scored) else Scored(rows)

    def close(self) -> None:
        self.closed = True


HAPPY = (0, 0, 0, 0.8, 0.2, 0, 0)
SAD = (0, 0, 0, 0.3, 0.7, 0, 0)
CROPS = [np.zeros((48, 48), np.uint8)] * 3


class Watched:
    """A model with a shadow, and what the metrics say."""

    def __init__(self, shadow: Says, batches: int = 100, max_bytes: int = 2**20) -> None:
        self.metrics = Metrics("test", CollectorRegistry())
        self.first = Says("first", HAPPY)
        self.shadow = shadow
        self.both = Shadowed(self.first, shadow, self.metrics, batches, max_bytes)

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"emostream_{name}", labels) or 0.0

    def until(self, name: str, wanted: float, **labels: str) -> None:
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.005)):
            if self.value(name, **labels) == wanted:
                return
            pause.wait(0.005)
        pytest.fail(f"{name} is {self.value(name, **labels)}, not {wanted}")


@pytest.fixture
def watched() -> Iterator[Callable[..., Watched]]:
    with ExitStack() as stack:

        def begin(*args: Any, **kwargs: Any) -> Watched:
            made = Watched(*args, **kwargs)
            stack.callback(made.both.close)
            return made

        yield begin


def test_the_first_models_answer_is_given_and_the_shadows_is_compared(watched: Callable[..., Watched]) -> None:
    it = watched(Says("new", SAD))
    scored = it.both.classify(CROPS)
    np.testing.assert_allclose(scored.probabilities, [HAPPY] * 3)
    it.until("shadow_faces_total", 3, model="new", version="1")
    it.until("shadow_score_distance_count", 3)
    assert it.value("shadow_label_changes_total") == 3
    assert it.value("shadow_score_distance_sum") == pytest.approx(3 * 0.5)
    assert (it.both.model, it.both.crop, it.both.abstain_below) == (it.first.model, it.first.crop, 0.3)


def test_one_that_answers_alike_changes_nothing(watched: Callable[..., Watched]) -> None:
    it = watched(Says("same", HAPPY))
    it.both.classify(CROPS)
    it.until("shadow_score_distance_count", 3)
    assert it.value("shadow_label_changes_total") == it.value("shadow_score_distance_sum") == 0


@pytest.mark.parametrize(
    ("error", "reason"), [(ClassifierUnavailable("down"), "unavailable"), (RuntimeError("a bug"), "error")]
)
def test_one_that_fails_is_counted_and_asked_again(
    watched: Callable[..., Watched], error: Exception, reason: str
) -> None:
    def fails() -> None:
        raise error

    it = watched(Says("new", SAD, answer=fails))
    for _ in range(3):
        assert it.both.classify(CROPS).errors == {}
    it.until("shadow_skipped_total", 9, reason=reason)
    it.shadow.answer = lambda: None
    it.both.classify(CROPS)
    it.until("shadow_faces_total", 3, model="new", version="1")


@pytest.mark.parametrize("bounds", [{"batches": 4}, {"max_bytes": 4 * 3 * 48 * 48}])
def test_one_that_is_slow_holds_nobody_up(watched: Callable[..., Watched], bounds: dict[str, int]) -> None:
    go, begun = threading.Event(), threading.Event()

    def waits() -> None:
        begun.set()
        assert go.wait(PATIENCE)

    it = watched(Says("new", SAD, answer=waits), **bounds)
    it.both.classify(CROPS)
    assert begun.wait(PATIENCE)
    for _ in range(10):  # four of them find room
        assert it.both.classify(CROPS).errors == {}
    assert it.value("shadow_skipped_total", reason="full") == 3 * 6
    go.set()
    it.until("shadow_faces_total", 3 * 5, model="new", version="1")
    assert it.first.asked == 11


def test_faces_that_one_of_them_does_not_read_are_not_compared(watched: Callable[..., Watched]) -> None:
    it = watched(Says("new", SAD, answer=lambda: Scored(np.tile(np.float32(SAD), (3, 1)), {1: "no face"})))
    it.both.classify(CROPS)
    it.until("shadow_faces_total", 2, model="new", version="1")
    it.until("shadow_score_distance_count", 2)
    assert it.value("shadow_skipped_total", reason="unscored") == 1


def test_an_answer_for_other_crops_is_an_error(watched: Callable[..., Watched]) -> None:
    it = watched(Says("new", SAD, answer=lambda: Scored(np.tile(np.float32(SAD), (2, 1)))))
    it.both.classify(CROPS)
    it.until("shadow_skipped_total", 3, reason="error")


def test_no_crops_are_no_work_for_the_shadow(watched: Callable[..., Watched]) -> None:
    it = watched(Says("new", SAD))
    it.both.classify([])
    it.both.classify(CROPS)
    it.until("shadow_faces_total", 3, model="new", version="1")
    assert it.shadow.asked == 1


def test_a_first_model_that_is_down_says_so_itself(watched: Callable[..., Watched]) -> None:
    it = watched(Says("new", SAD))

    def fails() -> None:
        raise ClassifierUnavailable("down")

    it.first.answer = fails
    with pytest.raises(ClassifierUnavailable):
        it.both.classify(CROPS)
    it.both.close()
    assert it.shadow.asked == 0


def test_it_closes_though_the_shadow_hangs() -> None:
    go, begun = threading.Event(), threading.Event()

    def hangs() -> None:
        begun.set()
        go.wait(2 * PATIENCE)

    it = Watched(Says("new", SAD, answer=hangs))
    for _ in range(5):
        it.both.classify(CROPS)
    assert begun.wait(PATIENCE)
    closing = threading.Thread(target=it.both.close)
    closing.start()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert it.first.closed
    assert it.shadow.closed
    assert it.shadow.asked == 1  # what waited was dropped
    go.set()
    it.both._along._thread.join(PATIENCE)
    assert it.shadow.asked == 1


@pytest.mark.parametrize("crop", [CropSpec(64), CropSpec(48, "bgr"), CropSpec(48, "gray", 0.2)])
def test_one_that_wants_other_crops_is_refused(crop: CropSpec) -> None:
    with pytest.raises(UsageError, match=r"classify\.shadow: new wants crops of .* replay --model"):
        Watched(Says("new", SAD, crop))


def test_distances() -> None:
    rows = np.float32([HAPPY, HAPPY]), np.float32([SAD, (1, 0, 0, 0, 0, 0, 0)])
    np.testing.assert_allclose(total_variation(*rows), [0.5, 1.0])


def test_settings_name_it_by_its_folder() -> None:
    settings = load(classify={"shadow": {"model": "elsewhere"}}).classify
    assert isinstance(settings.shadow, ShadowSettings)
    assert (settings.kind, settings.shadow.kind) == ("torchserve-grpc", "in-process")
    with pytest.raises(UsageError, match=r"classify\.shadow.*url"):
        load(classify={"shadow": {"kind": "torchserve", "url": "host:1"}})


def test_a_shadow_without_a_model_ends_the_start() -> None:
    settings = ClassifySettings(kind="torchserve-grpc", shadow=ShadowSettings(model="/nowhere"))
    with pytest.raises(DependencyError, match="/nowhere"):
        make(settings, Metrics("test", CollectorRegistry()))
    make(settings).close()  # nobody counts: no shadow
