"""Rollouts, and signs of life of analyzers that measure them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.messages import LABELS, ModelRef, RoleStatus, Rollout, RolloutFigures, ServedModel, Stage

AT = datetime(2026, 1, 1, tzinfo=UTC)
LIVE = ModelRef(name="emonext", version="1", sha256="a" * 64)
NEXT = ModelRef(name="emonext", version="2", sha256="b" * 64)


def served(ref: ModelRef = NEXT, **changes: Any) -> ServedModel:
    told = {"ref": ref, "digest": ref.sha256, "labels": LABELS, "size": 48, "color": "gray", "margin": 0.0}
    return ServedModel.model_validate(told | changes)


def rollout(**changes: Any) -> Rollout:
    told = {
        "site": "site", "rollout_id": "0123456789abcdef", "live": LIVE, "candidate": served(), "shadow_seconds": 60,
        "share": 0.25, "started_at": AT, "changed_at": AT,
    }  # fmt: skip
    return Rollout.model_validate(told | changes)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def sign(
    seconds: float, place: str = "0", stage: Stage = Stage.SHADOW, began: float = 0, **figures: float
) -> RoleStatus:
    """Of the analyzer at `place` that was started at `began`."""
    told = RolloutFigures.model_validate({"rollout_id": rollout().rollout_id, "stage": stage} | figures)
    return RoleStatus(
        role="analyze", instance=place, site="site", host="host", version="1", started_at=after(began),
        at=after(seconds), figures=told,
    )  # fmt: skip
