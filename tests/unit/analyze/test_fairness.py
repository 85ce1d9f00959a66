"""One crowded hall and forty rooms share an analyzer whose model has not enough for all: who waits, who is read."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.analyze.overload import Overload
from pipeline.analyze.tracking.budget import Budget, Candidate, Policy, View
from pipeline.settings import AnalyzeSettings, OverloadSettings

FPS = 10
SECONDS = 120
ROOMS = [f"room-{number}" for number in range(40)]  # each with one face
HALL = 30  # faces
CAPACITY = 27  # faces that the model reads in the time of a frame; rooms need 20, the hall 15
START = datetime(2026, 1, 1, tzinfo=UTC)
VIEW = View(100, 100, 40, 0, 0.8)


@dataclass
class Outcome:
    """Of the rooms: faces read, and the most frames that waited in the topic at any time."""

    read: int = 0
    waiting: int = 0


def shared(hall: int, settings: OverloadSettings) -> Outcome:
    """The worker's loop in ticks of a frame: one partition, in its order, as many frames in flight as it takes."""
    inflight_frames = AnalyzeSettings().inflight_frames
    faces = {"hall": hall, **dict.fromkeys(ROOMS, 1)}
    candidates = {name: [Candidate(str(n), VIEW, doubtful=True) for n in range(many)] for name, many in faces.items()}
    budgets = {name: Budget(Policy(hold=AnalyzeSettings().reread_seconds)) for name in faces}
    overload, read = Overload(settings), Counter[str]()
    topic: deque[tuple[int, str]] = deque()
    inflight: deque[list[int]] = deque()  # of each frame, the faces that wait
    outcome = Outcome()
    for tick in range(FPS * SECONDS):
        topic.extend((tick, name) for name in faces)
        left = CAPACITY
        while topic and (left or len(inflight) < inflight_frames):
            while topic and len(inflight) < inflight_frames:
                taken, name = topic.popleft()
                overload.read((tick - taken) / FPS)
                at = START + timedelta(seconds=taken / FPS)
                chosen = sum(budgets[name].choose(candidates[name], at, overload.hold, overload.level(live=True)))
                inflight.append([chosen])
                read[name] += chosen
            for frame in inflight:
                done = min(left, frame[0])
                frame[0] -= done
                left -= done
            while inflight and not inflight[0][0]:
                inflight.popleft()
        outcome.waiting = max(outcome.waiting, sum(name != "hall" for _, name in topic))
        if tick % FPS == FPS - 1:
            overload.judge(idle=not inflight)
    outcome.read = sum(read[room] for room in ROOMS)
    return outcome


def test_one_crowded_hall_does_not_starve_forty_rooms() -> None:
    alone = shared(0, OverloadSettings())
    starved = shared(HALL, OverloadSettings(even_readings_seconds=None))
    even = shared(HALL, OverloadSettings())
    assert alone == Outcome(len(ROOMS) * FPS // 2 * SECONDS, 0)  # every second frame of each
    assert starved.read < 0.85 * alone.read
    assert even.read > 0.9 * alone.read
    assert even.waiting < starved.waiting / 2
