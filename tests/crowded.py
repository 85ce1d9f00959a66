"""A site in which people come and go, told in crowds: the truth of it, its log, and what is told of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from pipeline.aggregate.aggregator import EventsPartition, Made
from pipeline.aggregate.joint import JointPartition
from pipeline.aggregate.state import PanesRecord, ReleaseRecord, ScopeRecord
from pipeline.aggregate.windows import Policy, Spec
from pipeline.analyze.crowds import Crowds
from pipeline.messages import CameraState, CrowdRecord, Message, Scope, Window
from pipeline.settings import ZoneSettings
from pipeline.zones import Zones
from tests.records import START, at, face, ledger, observed

SPECS = (
    Spec(timedelta(seconds=10), timedelta(seconds=10)),
    Spec(timedelta(seconds=30), timedelta(seconds=10)),
    Spec(timedelta(seconds=30), timedelta(seconds=30)),
)
POLICY = Policy(SPECS, timedelta(seconds=10), timedelta(seconds=10))
WHOLE = [(0, 0), (1, 0), (1, 1), (0, 1)]
ZONES = [
    ZoneSettings(id=zone, camera=camera, polygon=WHOLE) for zone, camera in (("bed", "a"), ("bed", "b"), ("door", "a"))
]
PARTS = {"a": ("", "bed", "door", "bed|door"), "b": ("", "bed")}

Cell = tuple[str, str, int]  # camera, part, pane
Record = Message | CrowdRecord


@dataclass
class Site:
    """`tracks`: who was in each cell, by track; `faces`: how many faces were told there."""

    tracks: dict[Cell, set[str]] = field(default_factory=dict)
    faces: dict[Cell, int] = field(default_factory=dict)
    logs: dict[str, list[Record]] = field(default_factory=dict)

    def cells(self, window: Window) -> frozenset[Cell]:
        """Those that hold a face, and lie in the window."""
        first, end = ((each - START) // timedelta(seconds=10) for each in (window.start, window.end))
        return frozenset(
            (camera, part, pane)
            for camera, part, pane in self.tracks
            if first <= pane < end
            and (window.scope is not Scope.CAMERA or camera == window.id)
            and (window.scope is not Scope.ZONE or window.id in part.split("|"))
        )

    def behind(self, cells: Iterable[Cell]) -> int:
        """How many tracks there are in these cells, in truth."""
        return len(set().union(*(self.tracks[cell] for cell in cells)))


def site(seed: int, panes: int = 6, people: int = 6, frames: int = 2) -> Site:
    """Each pane, each person is somewhere, moves on, or has left; now and then all tracks of a camera are lost."""
    rng = random.Random(seed)
    truth = Site()
    for camera, parts in PARTS.items():
        crowds, log, offset = Crowds(f"site/{camera}"), [], 0
        stays = {n: rng.random() < 0.7 for n in range(rng.randrange(people + 1))}
        epoch, again = 0, 0
        for pane in range(panes):
            if rng.random() < 0.1:
                epoch, again = epoch + 1, again + 1
            where = {n: rng.choice(parts) for n, here in stays.items() if here}
            for frame in range(frames):
                when = at(10 * pane + 10 * frame / frames)
                faces = []
                for n, part in where.items():
                    track = f"{camera}{n}-{again}"
                    zones = [zone for zone in part.split("|") if zone]
                    told = face(rng.choice(("happy", "sad")), track, zones)
                    faces.append(told.model_copy(update={"track_epoch": epoch}))
                    truth.tracks.setdefault((camera, part, pane), set()).add(track)
                    truth.faces[camera, part, pane] = truth.faces.get((camera, part, pane), 0) + 1
                log += crowds.until(when)
                crowds.see(faces, when, offset)
                empty = observed(offset, 10 * pane + 10 * frame / frames, camera=camera)
                log.append(empty.model_copy(update={"withheld": True}))
                offset += 1
            stays = {n: here if rng.random() < 0.6 else not here for n, here in stays.items()}
        end = 10 * panes
        log += crowds.close()
        log.append(ledger(0, end, offset, camera, final=True, state=CameraState.STOPPED))
        truth.logs[camera] = log
    return truth


def interleaved(truth: Site, seed: int) -> Iterator[tuple[Record, int]]:
    """Both cameras' records with their offsets, each camera's in order."""
    rng = random.Random(seed)
    left = {camera: list(log) for camera, log in truth.logs.items()}
    offset = 0
    while any(left.values()):
        camera = rng.choice([camera for camera, log in left.items() if log])
        yield left[camera].pop(0), offset
        offset += 1


class Teller:
    """What the service does: records into panes, panes into what is told. `stored`: as `aggregate-state` holds it."""

    def __init__(self, k: int, awaited: tuple[str, ...] = ("a", "b")) -> None:
        self._k = k
        self._awaited = awaited
        self._events = EventsPartition(POLICY, Zones(ZONES), joint=True)
        self._joint = JointPartition(POLICY, k)
        self._panes: list[PanesRecord] = []
        self._stored: dict[str, ScopeRecord | ReleaseRecord] = {}

    def add(self, message: Record, offset: int) -> list[Window]:
        windows = []
        for made in self._events.add(message, offset, START):
            if isinstance(made, PanesRecord):
                self._panes.append(PanesRecord.decode(made.encode()))
                windows += self._take(self._joint.add(self._panes[-1], self._awaited, offset))
        return windows

    def start_anew(self) -> list[Window]:
        """Another one goes on, with what was stored, and reads all panes again."""
        scopes = [each for each in self._stored.values() if isinstance(each, ScopeRecord)]
        releases = [each for each in self._stored.values() if isinstance(each, ReleaseRecord)]
        scopes = [ScopeRecord.decode(each.encode()) for each in scopes]
        releases = [ReleaseRecord.decode(each.encode()) for each in releases]
        self._joint = JointPartition(POLICY, self._k, scopes, releases)
        return [window for each in self._panes for window in self._take(self._joint.add(each, self._awaited))]

    def _take(self, made: list[Made]) -> list[Window]:
        self._stored |= {each.key: each for each in made if isinstance(each, ScopeRecord | ReleaseRecord)}
        return [each for each in made if isinstance(each, Window)]


def told(truth: Site, k: int, seed: int = 0) -> list[Window]:
    teller = Teller(k)
    return [window for message, offset in interleaved(truth, seed) for window in teller.add(message, offset)]
