"""Everything that is known of one site, folded from the records of its topics. Pure and bounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.messages import (
    Alert,
    CameraSight,
    CameraState,
    CameraStatus,
    DesiredCamera,
    Idle,
    Ledger,
    ModelRef,
    Observation,
    Origin,
    Record,
    RoleStatus,
    Rollout,
    RolloutVerdict,
    Stub,
    Window,
)
from pipeline.rollout.judge import Judge
from pipeline.rollout.stages import joined
from pipeline.watch.alerts import Alerts
from pipeline.watch.camera import CameraNow, CameraView, Event, Preview
from pipeline.watch.condition import Condition, condition
from pipeline.watch.flow import Flow
from pipeline.watch.recent import Recent
from pipeline.watch.roles import RoleNow, Roles
from pipeline.watch.windows import Windows

CAMERAS = 2000
COMING = (CameraState.CONNECTING, CameraState.UP)
UNHEARD = timedelta(days=7)  # a camera of some settings file is shown for so long after it was heard of last
UNHEARD_OVER = timedelta(hours=1)  # one that was stopped, or ended
RATE_SECONDS = 10
LEAST_RATE = 1.0  # frames a second: of so few that none comes, a handful that waits is no backlog


@dataclass(frozen=True, slots=True)
class SiteNow:
    """The site at a moment. `model`, `detector`: of the last observation. `backlog`: records not analyzed yet."""

    site: str
    cameras: tuple[tuple[CameraNow, Condition], ...]
    frames_per_second: float
    faces_per_second: float
    model: ModelRef | None
    detector: ModelRef | None
    degradation: tuple[str, ...]
    backlog: int | None
    roles: tuple[RoleNow, ...]


class SiteView:
    """Feed it records in the order of their topics; it passes over those of other sites and those it does not know.

    `span`, `most_windows`: how much of the windows is kept. `silent_seconds`: see `condition`.
    """

    def __init__(self, site: str, *, span: timedelta, most_windows: int, silent_seconds: float) -> None:
        self.site = site
        self.windows = Windows(span, most_windows)
        self.alerts = Alerts()
        self.flow = Flow()
        self._roles = Roles()
        self.rollout: Rollout | None = None
        self.verdict: RolloutVerdict | None = None
        self.judge = Judge()  # only asked for all since a stage began: its times are those of `apply`
        self._silent_seconds = silent_seconds
        self._cameras: dict[str, CameraView] = {}
        self._removed: dict[str, datetime] = {}
        self._frames, self._faces = Recent(RATE_SECONDS), Recent(RATE_SECONDS)
        self._last: Observation | None = None
        self._backlog: int | None = None

    def apply(self, record: Record, at: datetime) -> None:
        """`at`: when the record came, by the clock of the caller."""
        if getattr(record, "site", self.site) != self.site:
            return
        match record:
            case Observation() | Stub() | Ledger() | Idle() | CameraStatus() | CameraSight():
                if not self._is_over(record, at):
                    self._heard(record, at)
            case DesiredCamera():
                self._removed.pop(record.id, None)
                self._camera(record.id).desired = record
            case Window():
                self.windows.add(record)
            case Alert():
                self.alerts.add(record)
            case RoleStatus():
                self._roles.add(record, at)
                self.judge.add(record, at)
            case Rollout() | RolloutVerdict():
                self.rollout, self.verdict = joined((self.rollout, self.verdict), record)

    def preview(self, preview: Preview) -> None:
        if preview.site == self.site and preview.camera not in self._removed:
            self._camera(preview.camera).preview = preview

    def backlog(self, records: int, at: datetime) -> None:
        """Records on `frames` that no analyzer has committed."""
        self._backlog = records
        self.flow.backlog(at, records)

    def removed(self, camera: str, at: datetime) -> None:
        """Nothing is asked of it any more. One that was added is over: what is told until it stops is passed over.

        Of one that its settings want, it only means that it is not paused.
        """
        known = self._cameras.get(camera)
        if known is not None and known.desired is not None and known.desired.origin is Origin.SETTINGS:
            known.desired = None
            return
        if known is not None and known.heard_at is not None and known.heard_at > at and known.state in COMING:
            known.desired = None  # it has begun again since
            return
        self._cameras.pop(camera, None)
        self._removed[camera] = at
        if len(self._removed) > CAMERAS:
            del self._removed[next(iter(self._removed))]

    def desired(self, camera: str) -> DesiredCamera | None:
        """What is asked of it; None where that is nothing beyond what some settings say."""
        known = self._cameras.get(camera)
        return known.desired if known else None

    def camera(self, camera: str, now: datetime) -> CameraNow | None:
        known = self._cameras.get(camera)
        return known.now(now) if known and _is_shown(known, now) else None

    def now(self, now: datetime) -> SiteNow:
        cameras = [view.now(now) for _, view in sorted(self._cameras.items()) if _is_shown(view, now)]
        last = self._last
        frames = self._frames.rate(now)
        behind = (self._backlog or 0) / max(frames, LEAST_RATE)
        return SiteNow(
            site=self.site,
            cameras=tuple((camera, condition(camera, now, self._silent_seconds, behind)) for camera in cameras),
            frames_per_second=round(frames, 1),
            faces_per_second=round(self._faces.rate(now), 1),
            model=last.model if last else None,
            detector=last.detector if last else None,
            degradation=tuple(last.degradation) if last else (),
            backlog=self._backlog,
            roles=tuple(self._roles.now(now)),
        )

    def shown_preview(self, camera: str) -> Preview | None:
        known = self._cameras.get(camera)
        return known.preview if known else None

    def _is_over(self, record: Event, at: datetime) -> bool:
        """Of a camera that was removed, and has not begun again."""
        removed = self._removed.get(record.camera)
        if removed is not None and at > removed and isinstance(record, CameraStatus) and record.state in COMING:
            del self._removed[record.camera]
        return record.camera in self._removed

    def _heard(self, record: Event, at: datetime) -> None:
        self._camera(record.camera).add(record, at)
        if isinstance(record, Observation):
            self._observed(record, at)

    def _observed(self, record: Observation, at: datetime) -> None:
        self._last = record
        self._frames.add(at)
        self._faces.add(at, len(record.faces))
        self.flow.observed(at, len(record.faces), record.processed_at - record.captured_at)

    def _camera(self, name: str) -> CameraView:
        camera = self._cameras.get(name)
        if camera is None:
            if len(self._cameras) >= CAMERAS:
                self._cameras.pop(min(self._cameras, key=self._worth))
            camera = self._cameras[name] = CameraView(name)
        return camera

    def _worth(self, name: str) -> tuple[bool, float]:
        """What is wanted is kept; of others, what was heard of last."""
        camera = self._cameras[name]
        return camera.desired is not None, camera.heard_at.timestamp() if camera.heard_at else 0.0


def _is_shown(view: CameraView, now: datetime) -> bool:
    if view.desired is not None:
        return True
    lasts = UNHEARD_OVER if view.state in (CameraState.STOPPED, CameraState.ENDED) else UNHEARD
    return view.heard_at is not None and now - view.heard_at < lasts
