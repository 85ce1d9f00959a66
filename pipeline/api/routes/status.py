"""The processes of the system, its model, and where Prometheus finds the metrics of each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from fastapi import APIRouter

from pipeline.api.desk import AtDesk
from pipeline.api.shapes import ModelAnswer, RoleAnswer, Roles, TargetGroup
from pipeline.classify.model_folder import ModelFolder
from pipeline.messages import LABELS, RoleState
from pipeline.metrics import listed_targets
from pipeline.watch.roles import RoleNow

router = APIRouter(prefix="/v1", tags=["status"])

LISTED = timedelta(minutes=1)  # a process that was killed is seen as down for so long, one that takes its place at once


@router.get("/roles")
async def list_roles(desk: AtDesk) -> Roles:
    """Every process that gave a sign of life today."""
    now = desk.look(lambda view: view.now(desk.parts.now()))
    return Roles(roles=[RoleAnswer.of(role) for role in now.roles], backlog=now.backlog)


@router.get("/model")
async def tell_model(desk: AtDesk) -> ModelAnswer:
    now = desk.look(lambda view: view.now(desk.parts.now()))
    classify = desk.parts.settings.classify
    folder = await desk.reads.run(ModelFolder.of, classify.model)
    return ModelAnswer(
        configured=folder.ref,
        kind=classify.kind,
        labels=list(LABELS),
        abstain_below=folder.abstain_below,
        crop_pixels=folder.crop.size,
        seen=now.model,
        detector=now.detector,
        degradation=list(now.degradation),
    )


@router.get("/prometheus/targets")
async def list_targets(desk: AtDesk) -> list[TargetGroup]:
    """As http_sd reads it. While Kafka is away it is refused, and Prometheus keeps to what it was told last."""
    now = desk.parts.now()
    roles = desk.look(lambda view: view.now(now)).roles
    groups = groups_of(roles, now)
    told = {group.labels["role"] for group in groups}
    files = await desk.reads.run(listed_targets, desk.parts.settings.metrics.targets_dir)
    more = [TargetGroup.model_validate(group) for group in files]
    return groups + [group for group in more if group.labels.get("role") not in told]


def groups_of(roles: Iterable[RoleNow], now: datetime) -> list[TargetGroup]:
    """The endpoints of each role that gave a sign of life lately, or did not say good-bye."""
    found: dict[str, list[str]] = {}
    for role in roles:
        status = role.status
        if status.metrics and status.state is not RoleState.STOPPED and now - role.heard_at < LISTED:
            found.setdefault(status.role, []).append(status.metrics)
    return [TargetGroup(targets=targets, labels={"role": role}) for role, targets in sorted(found.items())]
