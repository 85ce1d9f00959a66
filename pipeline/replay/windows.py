"""The aggregator's two halves in one, on old records: what each sets free at once goes to the second half. Pure.

Site and zone windows wait for their cameras as the aggregator's do: for those that `camera-status` says were up, and
those heard of. Here nobody writes idle records, so a camera of which the records tell nothing is given up after an hour
of their time, or at their end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from pipeline.aggregate.aggregator import GIVE_UP, NO_RULES, EventsPartition, StatePartition
from pipeline.aggregate.alerts.owner import Rules
from pipeline.aggregate.panes import EPOCH, PANE, pane_of
from pipeline.aggregate.state import PanesRecord, ReleaseRecord, ScopeRecord
from pipeline.aggregate.windows import Policy
from pipeline.messages import Alert, Face, Idle, Ledger, Message, Observation, Scope, Stub, Window
from pipeline.replay.window_diff import EVER, Owner
from pipeline.zones import Zones

Camera = tuple[str, str]
Told = Window | Alert


class Windows:
    """Records in, windows and alerts out. `cameras`: the ones that are replayed, whose own windows alone are told then.

    `heard`: cameras of which there were records. `told_to`: how far the windows of each scope are told. `partial_to`:
    of each camera that was in the midst of a session when the records begin, from when on they tell all of it.
    """

    def __init__(self, policy: Policy, zones: Zones, cameras: Collection[str] = (), rules: Rules = NO_RULES) -> None:
        self.told_to: dict[Owner, datetime] = {}
        self.partial_to: dict[Camera, datetime] = {}
        self._policy = policy
        self._zones = zones
        self._only = frozenset(cameras)
        self._partitions: dict[int, EventsPartition] = {}
        self._scopes = StatePartition(policy, rules=rules)
        self._fed = 0  # panes given to the second half
        self.heard: set[Camera] = set()
        self._unheard: dict[Camera, datetime] = {}  # since when they are waited for
        self._waited_for: dict[Camera, set[Owner]] = defaultdict(set)

    def expect(self, site: str, camera: str, now: datetime) -> None:
        """The camera was up: something of it is to come. `now`: the records' time."""
        if (site, camera) not in self.heard:
            self._unheard.setdefault((site, camera), now)

    def add(self, message: Message, partition: int, offset: int, now: datetime, *, whole: bool) -> list[Told]:
        """A record of `emotion-events`, taken by Kafka at `now`. `whole`: its partition is read from its first one."""
        camera = message.site, message.camera
        if self._only and message.camera not in self._only:
            return []
        told = self._give_up(now - GIVE_UP)
        if camera not in self.heard:
            self.heard.add(camera)
            self._unheard.pop(camera, None)
            if not whole and (since := _midst(message)) is not None:
                self.partial_to[camera] = pane_of(since) + PANE
        events = self._partitions.setdefault(partition, EventsPartition(self._policy, self._zones))
        for made in events.add(in_zones(message, self._zones), offset, now):
            if isinstance(made, PanesRecord) and (made.scope is Scope.CAMERA or not self._only):
                told += self._told(made.model_copy(deep=True))  # the camera goes on counting in its panes
        return told

    def end(self) -> list[Told]:
        """No more records: cameras of which there were none are not waited for."""
        return self._give_up(None)

    def since(self, owner: Owner, cut: datetime) -> datetime:
        """From when the records tell all of a scope, when they were cut at `cut`."""
        scope, site, name = owner
        if scope is Scope.CAMERA:
            return max(cut, self.partial_to.get((site, name), EVER))
        return max([cut, *(to for camera, to in self.partial_to.items() if camera[0] == site)])

    def _told(self, panes: PanesRecord) -> list[Told]:
        owner = panes.scope, panes.site, panes.id
        told: list[Told] = []
        self._fed += 1
        for made in self._scopes.add(panes, self._awaited(panes), self._fed):
            if isinstance(made, ScopeRecord):
                self.told_to[owner] = made.told_to
            elif not isinstance(made, ReleaseRecord):
                told.append(made)
        return told

    def _awaited(self, panes: PanesRecord) -> list[str]:
        if panes.scope is Scope.CAMERA:
            return []
        names = [camera for site, camera in sorted(self._unheard) if site == panes.site]
        if panes.scope is Scope.ZONE:
            names = [camera for camera in names if panes.id in self._zones.of(camera, panes.as_of)]
        for camera in names:
            self._waited_for[panes.site, camera].add((panes.scope, panes.site, panes.id))
        return names

    def _give_up(self, before: datetime | None) -> list[Told]:
        told: list[Told] = []
        for camera in [camera for camera, at in self._unheard.items() if before is None or at < before]:
            del self._unheard[camera]
            for owner in sorted(self._waited_for.pop(camera, ())):
                told += self._told(_gone(owner, camera[1]))
        return told


def in_zones(message: Message, zones: Zones) -> Message:
    """The record with its faces in these zones, as analyze would have placed them."""
    if not isinstance(message, Observation):
        return message

    def placed(face: Face) -> Face:
        middle = face.bbox.x + face.bbox.width / 2, face.bbox.y + face.bbox.height / 2
        return face.model_copy(update={"zone_ids": zones.at(message.camera, message.captured_at, middle)})

    return message.model_copy(update={"faces": [placed(face) for face in message.faces]})


def _midst(message: Message) -> datetime | None:
    """When it was, for a record before which there must have been others of its camera."""
    match message:
        case Observation() | Stub():
            return message.captured_at if message.seq else None
        case Ledger():
            return message.covers_to if message.first_seq else None
        case Idle():
            return message.until


def _gone(owner: Owner, camera: str) -> PanesRecord:
    scope, site, name = owner
    return PanesRecord(
        scope=scope, site=site, id=name, camera=camera, as_of=EPOCH, reached=EPOCH, gone=True, over=True, panes={}
    )
