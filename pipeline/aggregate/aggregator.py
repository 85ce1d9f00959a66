"""From observations to windows and alerts: what a record of `emotion-events` or `aggregate-state` sets free. Pure.

First half: a camera's records become panes, and at each tick one record of them for every scope that the camera is
in. Second half: a scope's panes, of all its cameras, become windows. Between the halves stands the topic
`aggregate-state`, partitioned by scope, so that a site's cameras may be read by many and its windows made by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from pipeline.aggregate.alerts.commands import Command, Silence, Silences
from pipeline.aggregate.alerts.owner import OwnerAlerts, Rules
from pipeline.aggregate.alerts.presence import SILENT, Departures, presences
from pipeline.aggregate.panes import WHOLE, Camera, CameraPanes, Tick
from pipeline.aggregate.state import CameraRecord, PanesRecord, ReleaseRecord, ScopeRecord, WindowState
from pipeline.aggregate.summary import summary
from pipeline.aggregate.windows import Policy, ScopeWindows, Spec, Told
from pipeline.messages import GONE, Alert, CrowdRecord, Idle, Ledger, Message, OfScope, Scope, Window
from pipeline.zones import Zones

Made = Window | Alert | ScopeRecord | ReleaseRecord
NO_RULES = Rules()
PANES_EACH = 1000  # in one record: Kafka takes them up to a size, and an outage may have lasted for weeks
GIVE_UP = timedelta(hours=1)  # a camera that was silent for so long is no longer expected


class EventsPartition:
    """The cameras of one partition of `emotion-events`. `too_late`: frames that no window counts any more."""

    def __init__(
        self, policy: Policy, zones: Zones, restored: Iterable[CameraRecord] = (), joint: bool = False
    ) -> None:
        """`joint`: faces come in crowds, and all scopes of a site are told of together, see joint.py."""
        self.too_late = 0
        self._policy = policy
        self._zones = zones
        self._joint = joint
        self._cameras = {(record.site, record.camera): self._panes(record.camera, record.state) for record in restored}
        self._since: dict[tuple[str, str], int] = {}  # first record of a camera that no stored state holds
        self._heard: dict[tuple[str, str], datetime] = {}

    def add(self, message: Message | CrowdRecord, offset: int, now: datetime) -> list[CameraRecord | PanesRecord]:
        """What a record sets free; the camera's own state comes last. `now`: the wall clock."""
        key = message.site, message.camera
        self.expect(*key)
        camera = self._cameras[key]
        if not isinstance(message, Idle):
            self._heard[key] = now
        late = camera.too_late
        tick = camera.add(message, offset)
        self.too_late += camera.too_late - late
        if tick is None:
            self._since.setdefault(key, offset)
            return []
        self._since.pop(key, None)
        assert camera.state is not None
        zones = self._zones.of(message.camera, tick.as_of)
        stored = CameraRecord(site=key[0], camera=key[1], state=camera.state)
        split = _for_site if self._joint else _by_scope
        return [*split(tick, *key, zones, _left(message)), stored]

    def expect(self, site: str, camera: str) -> None:
        """A camera of which something is to come: when nothing does, time passes for it, too."""
        if (site, camera) not in self._cameras:
            self._cameras[site, camera] = self._panes(camera)

    def _panes(self, camera: str, state: Camera | None = None) -> CameraPanes:
        return CameraPanes(self._policy.grace, partial(self._zones.of, camera), state, self._joint)

    def cameras(self) -> Iterator[tuple[str, CameraPanes]]:
        """All of which something was heard or is to come, by id."""
        return ((camera, panes) for (_, camera), panes in self._cameras.items())

    def resume(self, offset: int) -> int:
        """From where to read again after a restart, when `offset` is the next record."""
        return min(self._since.values(), default=offset)

    def idle(self, now: datetime, after: timedelta) -> Iterator[Idle]:
        """For cameras of which nothing was heard for `after`: time passes for them, too.

        Until their windows are told where they came to an end, else until they are given up. `now`: the wall clock.
        """
        for (site, name), camera in self._cameras.items():
            state = camera.state
            heard = self._heard.setdefault((site, name), now)
            if state is None:
                if now - heard >= after:
                    yield Idle(site=site, camera=name, since=now, until=now, written_at=now)
                continue
            last = state.heard_to + GIVE_UP if state.gone_at is None else state.gone_at + self._policy.span
            until = min(now, last)
            if until > state.time and now - heard >= after:
                final = state.gone_at is None and until == last
                yield Idle(site=site, camera=name, since=state.time, until=until, written_at=now, final=final)


class StatePartition:
    """The scopes of one partition of `aggregate-state`: their windows, and their alerts."""

    def __init__(self, policy: Policy, restored: Iterable[ScopeRecord] = (), rules: Rules = NO_RULES) -> None:
        self._policy = policy
        self._rules = rules
        self._silences = Silences()
        self._scopes = {record.owner: self._of(record, record) for record in restored}

    def add(self, record: PanesRecord, awaited: Iterable[str] = (), offset: int = 0) -> list[Made]:
        """The windows and alerts that can be told, and then what is known. `awaited`: cameras that the scope waits for.

        `offset`: where the record stands in the log.
        """
        scope = self._scope(record)
        windows = scope.windows
        for camera in awaited:
            windows.expect(camera)
        for start, tally in record.panes.items():
            windows.pane(record.camera, start, record.as_of, tally)
        if record.more:
            return []
        scope.departures.add(record.camera, record.as_of, record.gone, record.left)
        before = windows.told_to
        told = windows.reached(record.camera, record.reached, record.gone, record.over)
        if not told and windows.told_to == before:
            return []
        made: list[Made] = []
        for each in told:
            made += scope.tell(each, summary(each, record.scope, record.site, record.id), offset)
        return [*made, scope.record()]

    def command(self, command: Command, offset: int) -> list[Made]:
        """The alerts that it changes, and then what is known of them."""
        if isinstance(command, Silence):
            self._silences.add(command)
        made: list[Made] = []
        for _, scope in sorted(self._scopes.items()):
            alerts = scope.alerts.command(command, offset)
            if alerts is not None:
                made += [*alerts, scope.record()]
        return made

    def _scope(self, owner: OfScope) -> OneScope:
        """Begun, if it must be."""
        if owner.owner not in self._scopes:
            self._scopes[owner.owner] = self._of(owner)
        return self._scopes[owner.owner]

    def _of(self, owner: OfScope, known: ScopeRecord | None = None) -> OneScope:
        windows = ScopeWindows(self._policy)
        if known is not None:
            last = {(Spec.parse(each.spec), each.start): (each.revision, each.digest) for each in known.open}
            windows = ScopeWindows(self._policy, known.told_to, last)
        alerts = OwnerAlerts(owner, self._rules, self._silences, None if known is None else known.alerts)
        return OneScope(owner, windows, alerts, Departures())


@dataclass(frozen=True, slots=True)
class OneScope:
    """A camera, zone or site."""

    owner: OfScope
    windows: ScopeWindows
    alerts: OwnerAlerts
    departures: Departures

    def tell(self, told: Told, window: Window, offset: int) -> list[Made]:
        """The window, and what its alerts say of it. `offset`: of the record that set it free."""
        if told.revision:
            return [window]
        present = presences(window, told.cameras, self.departures.at(told.as_of))
        return [window, *self.alerts.evaluate(window, present, offset)]

    def record(self) -> ScopeRecord:
        """What is to be stored of it, after what it told."""
        self.departures.forget(self.windows.told_to)
        last = sorted(self.windows.last.items())
        return ScopeRecord(
            scope=self.owner.scope,
            site=self.owner.site,
            id=self.owner.id,
            told_to=self.windows.told_to,
            open=[WindowState(spec=str(spec), start=start, revision=r, digest=d) for (spec, start), (r, d) in last],
            alerts=self.alerts.state,
        )


def _left(message: Message | CrowdRecord) -> str:
    """Why nothing more comes of the camera after this."""
    if isinstance(message, Ledger) and message.final and message.state in GONE:
        return message.state
    return SILENT if isinstance(message, Idle) and message.final else ""


def _by_scope(tick: Tick, site: str, camera: str, zones: Iterable[str], left: str) -> Iterator[PanesRecord]:
    """The tick, for each scope that the camera is in. `zones`: those that it looks at now; `left`: see PanesRecord."""
    seen = {zone for pane in tick.panes.values() for zone in pane} - {WHOLE} | {*zones}
    scopes = [(Scope.CAMERA, camera, WHOLE), (Scope.SITE, site, WHOLE), *((Scope.ZONE, z, z) for z in sorted(seen))]
    for scope, name, tally in scopes:
        panes = [(start, pane[tally]) for start, pane in tick.panes.items() if tally in pane]
        for at in range(0, max(1, len(panes)), PANES_EACH):
            yield PanesRecord(
                scope=scope,
                site=site,
                id=name,
                camera=camera,
                as_of=tick.as_of,
                reached=tick.reached,
                gone=tick.gone,
                over=tick.over,
                left=left,
                part=at // PANES_EACH,
                more=at + PANES_EACH < len(panes),
                panes=dict(panes[at : at + PANES_EACH]),
            )


def _for_site(tick: Tick, site: str, camera: str, zones: Iterable[str], left: str) -> Iterator[PanesRecord]:
    """The tick, for all scopes that the camera is in, in the records for the site."""
    records = list(_by_scope(tick, site, camera, zones, left))
    for record in records:
        if record.scope is Scope.SITE:
            of_zones = [each for each in records if each.scope is Scope.ZONE and each.part == record.part]
            yield record.model_copy(update={"zones": {each.id: each.panes for each in of_zones}})
