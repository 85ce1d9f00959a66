"""Cameras, zones and the whole of a site told of together, so that none gives away what another withholds. Pure.

Everything of a site stands in one partition of `aggregate-state`, and a moment's windows are told once every camera of
the site has come so far, in an order of their own: the earlier moment first, then the shorter window, then the site
before cameras before zones. So what is withheld depends on the cameras' records alone, like the windows themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from pipeline.aggregate.aggregator import NO_RULES, Made, OneScope, StatePartition
from pipeline.aggregate.alerts.owner import Rules
from pipeline.aggregate.least import ALL, Least
from pipeline.aggregate.release import Extent, Release
from pipeline.aggregate.state import PanesRecord, ReleaseRecord, ScopeRecord
from pipeline.aggregate.summary import summary, withheld
from pipeline.aggregate.tally import Tally
from pipeline.aggregate.windows import Policy, Told
from pipeline.messages import OfScope, Scope

COARSEST_FIRST = (Scope.SITE, Scope.CAMERA, Scope.ZONE)
UNKNOWN = {ALL: Least(), "": Least()}  # faces that were counted one by one, before this mode was chosen
Panes = Mapping[datetime, Tally]
Reached = tuple[datetime, bool, bool]


class JointPartition(StatePartition):
    """The sites of one partition. `k`: the least number of tracks that figures on faces may come from."""

    def __init__(
        self,
        policy: Policy,
        k: int,
        restored: Iterable[ScopeRecord] = (),
        releases: Iterable[ReleaseRecord] = (),
        rules: Rules = NO_RULES,
    ) -> None:
        super().__init__(policy, restored, rules)
        self._k = k
        self._releases = {record.site: Release(k, record.groups) for record in releases}
        self._cameras: dict[str, dict[str, Reached]] = defaultdict(dict)  # how far each has come, by site

    def add(self, record: PanesRecord, awaited: Iterable[str] = (), offset: int = 0) -> list[Made]:
        if record.scope is not Scope.SITE:  # written before this mode was chosen
            return []
        release = self._releases.setdefault(record.site, Release(self._k))
        cameras = {record.camera, *awaited}
        for owner, panes in _owners(record):
            scope = self._joined(owner, cameras)
            for start, tally in panes.items():
                scope.windows.pane(record.camera, start, record.as_of, tally)
            if not record.more:
                scope.departures.add(record.camera, record.as_of, record.gone, record.left)
        told_to = self._scope(_site(record)).windows.told_to
        for start, tally in record.panes.items():
            if start + self._policy.span > told_to:
                release.add(record.camera, start, record.as_of, tally.parts or (UNKNOWN if tally.faces else {}))
        if record.more:
            return []
        told, moved = self._reached(record, cameras)
        if not moved:
            return []
        made = [each for scope, window in sorted(told, key=_in_order) for each in self._tell(scope, window, offset)]
        release.forget(self._scope(_site(record)).windows.told_to - self._policy.span)
        stored = ReleaseRecord(site=record.site, groups=release.groups)
        return [*made, stored, *(scope.record() for scope in moved)]

    def _reached(
        self, record: PanesRecord, awaited: Iterable[str]
    ) -> tuple[list[tuple[OneScope, Told]], list[OneScope]]:
        """What may be told now, and the scopes that time has passed for."""
        reached = self._cameras[record.site][record.camera] = (record.reached, record.gone, record.over)
        told: list[tuple[OneScope, Told]] = []
        moved = []
        for _, scope in sorted(self._scopes.items()):
            if scope.owner.site != record.site:
                continue
            for camera in awaited:
                scope.windows.expect(camera)
            before = scope.windows.told_to
            found = scope.windows.reached(record.camera, *reached)
            told += [(scope, each) for each in found]
            if found or scope.windows.told_to != before:
                moved.append(scope)
        return told, moved

    def _tell(self, scope: OneScope, told: Told, offset: int) -> list[Made]:
        owner = scope.owner
        window = summary(told, owner.scope, owner.site, owner.id)
        zone = owner.id if owner.scope is Scope.ZONE else None
        extent = Extent(frozenset(told.cameras), told.start, window.end, told.as_of, zone)
        if window.n_tracks < self._k or not self._releases[owner.site].allows(extent):
            window = withheld(window)
        return scope.tell(told, window, offset)

    def _joined(self, owner: OfScope, awaited: Iterable[str]) -> OneScope:
        """A scope that is new waits for the same cameras as the others."""
        if owner.owner in self._scopes:
            return self._scopes[owner.owner]
        scope = self._scope(owner)
        for camera in awaited:
            scope.windows.expect(camera)
        for camera, reached in self._cameras[owner.site].items():
            scope.windows.reached(camera, *reached)
        return scope


def _site(record: OfScope) -> OfScope:
    return OfScope(scope=Scope.SITE, site=record.site, id=record.site)


def _owners(record: PanesRecord) -> list[tuple[OfScope, Panes]]:
    """The scopes that a camera's panes are of; the site first."""
    camera = OfScope(scope=Scope.CAMERA, site=record.site, id=record.camera)
    zones = [(OfScope(scope=Scope.ZONE, site=record.site, id=zone), panes) for zone, panes in record.zones.items()]
    return [(_site(record), record.panes), (camera, record.panes), *zones]


def _in_order(each: tuple[OneScope, Told]) -> tuple[object, ...]:
    scope, told = each
    return told.as_of, told.spec.length, COARSEST_FIRST.index(scope.owner.scope), scope.owner.id, told.start
