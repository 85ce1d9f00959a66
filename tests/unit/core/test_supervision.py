"""An analyzer without progress is replaced; one that waits for the model is not."""

from pipeline.analyze.status import Status
from pipeline.cluster.supervision import START_SECONDS, Watch


def status(loops: int, written: int, inflight: int = 1, waiting: bool = False) -> Status:
    return Status(loops, written, inflight, waiting)


def test_progress_is_not_a_stall() -> None:
    watch = Watch(limit=10, started=0)
    for second in range(100):
        watch.saw(status(second, second), second)
        assert watch.stalled(second) is None


def test_no_answer_is_a_stall() -> None:
    watch = Watch(limit=10, started=0)
    watch.saw(status(1, 1), 5)
    assert watch.stalled(15) is None
    assert watch.stalled(15.1) == "no sign of life for 10 s"


def test_the_same_answer_again_is_a_stall() -> None:
    watch = Watch(limit=10, started=0)
    for second in range(12):
        watch.saw(status(1, 1, inflight=0), second)
    assert watch.stalled(11) == "no sign of life for 10 s"


def test_a_loop_that_turns_and_writes_nothing_is_a_stall() -> None:
    watch = Watch(limit=10, started=0)
    for second in range(12):
        watch.saw(status(second, written=3), second)
    assert watch.stalled(11) == "holds frames and wrote nothing for 10 s"


def test_waiting_for_the_model_and_for_frames_are_no_stalls() -> None:
    for kwargs in ({"waiting": True}, {"inflight": 0}):
        watch = Watch(limit=10, started=0)
        for second in range(100):
            watch.saw(status(second, 3, **kwargs), second)  # type: ignore[arg-type]
            assert watch.stalled(second) is None


def test_waiting_for_kafka_is_no_stall() -> None:
    watch = Watch(limit=10, started=0)
    watch.saw(status(1, 1), 1)
    for second in range(2, 100):
        watch.saw(Status(1, 1, 5, waiting_for_model=False, waiting_for_kafka=True), second)
        assert watch.stalled(second) is None
    watch.saw(status(1, 1), 100)
    assert watch.stalled(110) == "no sign of life for 10 s"


def test_an_analyzer_that_never_gets_ready_is_replaced() -> None:
    watch = Watch(limit=10, started=100)
    watch.saw(None, 105)
    assert watch.stalled(100 + START_SECONDS) is None
    assert watch.stalled(101 + START_SECONDS) == "it did not start within 120 s"


def test_one_that_starts_slowly_is_not_replaced_while_it_starts() -> None:
    watch = Watch(limit=10, started=0)
    for second in range(40):
        watch.saw(None if second < 30 else status(0, 0, inflight=0), second)
        assert watch.stalled(second) is None
    watch.saw(status(1, 0, inflight=0), 40)
    assert watch.stalled(50) is None
    assert watch.stalled(51) == "no sign of life for 10 s"
