import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analyze.batching import Batch, Batcher

CROP = np.zeros((2, 2), np.uint8)


def crops(n: int) -> list[np.ndarray]:
    return [CROP] * n


def test_a_full_request_goes_at_once_and_the_rest_when_its_time_has_come() -> None:
    batcher: Batcher[str] = Batcher(limit=3, wait=0.5)
    assert batcher.deadline is None
    assert batcher.due(now=99) is None
    assert batcher.add(["a1", "a2"], crops(2), now=10.0) == []
    (full,) = batcher.add(["b1", "b2"], crops(2), now=10.2)
    assert full.tokens == ["a1", "a2", "b1"]
    assert batcher.deadline == 10.7
    assert batcher.due(now=10.6) is None
    rest = batcher.due(now=10.7)
    assert rest is not None
    assert rest.tokens == ["b2"]
    assert len(batcher) == 0


def test_a_crowd_fills_several_requests() -> None:
    batcher: Batcher[int] = Batcher(limit=4, wait=1)
    assert [batch.tokens for batch in batcher.add(range(9), crops(9), 0)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    left = batcher.flush()
    assert left is not None
    assert left.tokens == [8]
    assert batcher.flush() is None


def test_no_wait_means_at_the_next_look() -> None:
    batcher: Batcher[int] = Batcher(limit=4, wait=0)
    assert batcher.add([1], crops(1), now=5) == []
    assert batcher.due(now=5) is not None


frames = st.lists(st.tuples(st.integers(0, 12), st.floats(0, 0.3)), max_size=40)


@given(frames, st.integers(1, 8), st.floats(0, 0.5))
def test_no_crop_is_lost_doubled_or_late(arrivals: list[tuple[int, float]], limit: int, wait: float) -> None:
    """Faces come a frame at a time, and the batcher is asked at every deadline, as the worker does."""
    batcher: Batcher[int] = Batcher(limit, wait)
    now, sent = 0.0, 0
    came: dict[int, float] = {}
    out: list[tuple[float, Batch[int]]] = []

    def poll(until: float) -> None:
        while (deadline := batcher.deadline) is not None and deadline <= until:
            batch = batcher.due(deadline)
            assert batch is not None
            out.append((deadline, batch))

    for faces, pause in arrivals:
        poll(now + pause)
        now += pause
        tokens = range(sent, sent + faces)
        own = [np.full((1, 1), token % 256, np.uint8) for token in tokens]
        came |= dict.fromkeys(tokens, now)
        sent += faces
        out += [(now, batch) for batch in batcher.add(tokens, own, now)]
        assert len(batcher) < limit
    poll(now + wait)
    assert len(batcher) == 0
    assert [token for _, batch in out for token in batch.tokens] == list(range(sent))
    for at, batch in out:
        assert 1 <= len(batch) <= limit
        assert all(crop[0, 0] == token % 256 for token, crop in zip(batch.tokens, batch.crops, strict=True))
        assert all(at - came[token] <= wait + 1e-9 for token in batch.tokens)
