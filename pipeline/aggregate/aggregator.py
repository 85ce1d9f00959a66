"""From observations to windows: what each record of `emotion-events` and of `aggregate-state` sets free. Pure.

First half: a camera's records become panes, and at each tick one record of them for every scope that the camera is
in. Second half: a scope's panes, of all its cameras, become windows. Between the halves stands the topic
`aggregate-state`, partitioned by scope, so that a site's cameras may be read by many and its windows made by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from pipeline.aggregate.panes import WHOLE, Camera, CameraPanes, Tick
from pipeline.aggregate.state import CameraRecord, PanesRecord, ScopeRecord, WindowState
from pipeline.aggregate.summary import summary
from pipeline.aggregate.windows import Policy, ScopeWindows, Spec
from pipeline.messages import Idle, Message, Scope, Window
from pipeline.zones import Zones

GIVE_UP = timedelta(hours=1)  # a camera that was silent for so long is no longer expected


class EventsPartition:
    """The cameras of one partition of `emotion-events`. `too_late`: frames that no window counts any more."""

    def __init__(self, policy: Policy, zones: Zones, restored: Iterable[CameraRecord] = ()) -> None:
        self.too_late = 0
        self._policy = policy
        self._zones = zones
        self._cameras = {(record.site, record.camera): self._panes(record.camera, record.state) for record in restored}
        self._since: dict[tuple[str, str], int] = {}  # first record of a camera that no stored state holds
        self._heard: dict[tuple[str, str], datetime] = {}

    def add(self, message: Message, offset: int, now: datetime) -> list[CameraRecord | PanesRecord]:
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
        return [*_by_scope(tick, *key, zones), CameraRecord(site=key[0], camera=key[1], state=camera.state)]

    def expect(self, site: str, camera: str) -> None:
        """A camera of which something is to come: when nothing does, time passes for it, too."""
        if (site, camera) not in self._cameras:
            self._cameras[site, camera] = self._panes(camera)

    def _panes(self, camera: str, state: Camera | None = None) -> CameraPanes:
        return CameraPanes(self._policy.grace, partial(self._zones.of, camera), state)

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
    """The scopes of one partition of `aggregate-state`."""

    def __init__(self, policy: Policy, restored: Iterable[ScopeRecord] = ()) -> None:
        self._policy = policy
        self._scopes = {
            (record.scope, record.site, record.id): ScopeWindows(
                policy,
                record.told_to,
                {(Spec.parse(each.spec), each.start): (each.revision, each.digest) for each in record.open},
            )
            for record in restored
        }

    def add(self, record: PanesRecord, awaited: Iterable[str] = ()) -> list[Window | ScopeRecord]:
        """The windows that can be told, and then how far they were. `awaited`: cameras that the scope waits for."""
        owner = record.scope, record.site, record.id
        windows = self._scopes.setdefault(owner, ScopeWindows(self._policy))
        for camera in awaited:
            windows.expect(camera)
        for start, tally in record.panes.items():
            windows.pane(record.camera, start, record.as_of, tally)
        before = windows.told_to
        told = windows.reached(record.camera, record.reached, record.gone, record.over)
        if not told and windows.told_to == before:
            return []
        return [*(summary(each, *owner) for each in told), _scope_record(windows, *owner)]


def _scope_record(windows: ScopeWindows, scope: Scope, site: str, name: str) -> ScopeRecord:
    last = sorted(windows.last.items())
    open_ = [WindowState(spec=str(spec), start=start, revision=r, digest=d) for (spec, start), (r, d) in last]
    return ScopeRecord(scope=scope, site=site, id=name, told_to=windows.told_to, open=open_)


def _by_scope(tick: Tick, site: str, camera: str, zones: Iterable[str]) -> Iterator[PanesRecord]:
    """The tick, for each scope that the camera is in. `zones`: those that it looks at now."""
    seen = {zone for pane in tick.panes.values() for zone in pane} - {WHOLE} | {*zones}
    scopes = [(Scope.CAMERA, camera, WHOLE), (Scope.SITE, site, WHOLE), *((Scope.ZONE, z, z) for z in sorted(seen))]
    for scope, name, tally in scopes:
        yield PanesRecord(
            scope=scope,
            site=site,
            id=name,
            camera=camera,
            as_of=tick.as_of,
            reached=tick.reached,
            gone=tick.gone,
            over=tick.over,
            panes={start: pane[tally] for start, pane in tick.panes.items() if tally in pane},
        )
