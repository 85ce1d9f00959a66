"""Batches are run in few sizes, and what is added to them changes no answer."""

from pathlib import Path

import numpy as np

from serving.inference.predictor import Predictor, padded

MODEL = Path(__file__).parents[3] / "model_store" / "emonext-atto-48"


def test_sizes_are_few_and_close() -> None:
    assert [padded(count) for count in (1, 2, 3, 4, 5, 7, 9, 13, 25, 33, 64)] == [1, 2, 3, 4, 6, 8, 12, 16, 32, 48, 64]
    sizes = {padded(count) for count in range(1, 513)}
    assert len(sizes) == 18
    assert all(count <= padded(count) <= 1.5 * count for count in range(1, 513))
    assert all(padded(size) == size for size in sizes)


def test_padding_changes_no_answer() -> None:
    predictor = Predictor(MODEL, threads=1)
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 255, (7, 48, 48), np.uint8)
    together = predictor.predict(crops)
    assert together.shape == (7, 7)
    assert np.abs(together - np.concatenate([predictor.predict(crops[i : i + 1]) for i in range(7)])).max() < 0.02


def test_every_size_is_run_before_requests_come() -> None:
    """What oneDNN keeps for a size is there after the first batch of it."""
    predictor = Predictor(MODEL, threads=1, batch=12)
    run: list[int] = []
    forward = predictor.model.features
    predictor.model.features = lambda faces: run.append(len(faces)) or forward(faces)  # type: ignore
    predictor.warm_up(60)
    assert run == [1, 2, 3, 4, 6, 8, 12]
    run.clear()
    predictor.warm_up(0)
    assert not run
