"""With `privacy.mode: aggregates` neither a frame's record nor a metric tells who is in the picture, nor how many."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from pipeline.analyze.observe import Seen
from pipeline.analyze.recorder import Recorder
from pipeline.analyze.vision import Looked
from pipeline.messages import Face, FrameHeader, FrameId, ModelRef
from pipeline.metrics import Metrics
from pipeline.settings import KafkaSettings
from tests.frames import AT
from tests.records import face

HEADER = FrameHeader(FrameId("site", "cam", 1, 2), AT, 640, 480, 7)
FACES = {
    "nobody": [],
    "one": [face("sad", "a")],
    "some": [face("happy", "a"), face("sad", "b").model_copy(update={"abstained": True, "reason": "too_small"})],
}


def told(faces: list[Face], scripted: tuple[str, ...], withheld: bool) -> tuple[object, bytes]:
    """-> (what is written, what the metrics say)"""
    registry = CollectorRegistry()
    model = ModelRef(name="m")
    recorder = Recorder(KafkaSettings(), model, Metrics("analyze", registry), lambda: AT)
    of_faces = {"crop": 0.001 * len(faces), "classify": 0.01} if faces else {}
    timings = {"decode": 0.01, "detect": 0.02, "sight": 0.001} | of_faces
    seen = Seen(640, 480, faces, timings)
    out = recorder.observed(replace(HEADER, scripted=scripted), seen, model, "", withheld)
    recorder.looked("cam", Looked(seen), withheld)
    return out, b"\n".join(line for line in generate_latest(registry).splitlines() if b"_created" not in line)


@pytest.mark.parametrize("who", ["one", "some"])
def test_a_picture_with_people_is_told_as_an_empty_one_is(who: str) -> None:
    scripted = tuple(each.label or "" for each in FACES[who])
    assert told(FACES[who], scripted, withheld=True) == told([], (), withheld=True)


def test_without_it_they_are_told() -> None:
    answers = [told(faces, (), withheld=False) for faces in FACES.values()]
    assert len({str(out) for out, _ in answers}) == len({said for _, said in answers}) == len(FACES)
