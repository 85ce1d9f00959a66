"""The rollout of another version of the model: how it does, and what may be done to it."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter

from pipeline.api.desk import AtDesk, By
from pipeline.api.rollouts import answer
from pipeline.api.shapes import NewRollout, RolloutAnswer, Sharing, Why
from pipeline.messages import Rollout, Stage

router = APIRouter(prefix="/v1/rollout", tags=["rollout"])


@router.get("")
async def get_rollout(desk: AtDesk) -> RolloutAnswer:
    """The last one: how far it is, what was measured, what it waits for."""
    return desk.look(lambda view: answer(view, desk.parts.now()))


@router.post("", status_code=HTTPStatus.CREATED)
async def start_rollout(desk: AtDesk, by: By, asked: NewRollout) -> Rollout:
    """The version reads along, and goes on to its cameras by itself if it keeps to the bounds. One at a time."""
    desk.check()
    return await desk.changes.run(desk.rollouts.start, by, asked)


@router.post("/share")
async def share_rollout(desk: AtDesk, by: By, asked: Sharing) -> Rollout:
    """Gives it another part of the cameras; with a larger one none of its cameras goes back."""
    desk.check()
    return await desk.changes.run(desk.rollouts.share, by, asked.share, asked.reason)


@router.post("/back")
async def take_back_rollout(desk: AtDesk, by: By, why: Why) -> Rollout:
    """The model of the settings reads all again, within seconds; also of one that was finished."""
    desk.check()
    return await desk.changes.run(desk.rollouts.end, by, Stage.BACKED_OUT, why.reason)


@router.post("/finish")
async def finish_rollout(desk: AtDesk, by: By, why: Why) -> Rollout:
    """It reads all. Name it in the settings then, which have the last word when analyzers are started."""
    desk.check()
    return await desk.changes.run(desk.rollouts.end, by, Stage.FINISHED, why.reason)
