"""Cameras: as they are wanted and as they are, and what may be done to them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response

from pipeline.api.desk import AtDesk, By
from pipeline.api.problems import Refused
from pipeline.api.shapes import CameraAnswer, CameraChange, Cameras, NewCamera, Why
from pipeline.messages import DesiredCamera
from pipeline.settings import NAME

router = APIRouter(prefix="/v1/cameras", tags=["cameras"])
CameraId = Annotated[str, Path(pattern=f"^{NAME.pattern}$", description="the camera's id")]


@router.get("")
async def list_cameras(desk: AtDesk) -> Cameras:
    """Every camera of the site, by id."""
    now = desk.look(lambda view: view.now(desk.parts.now()))
    return Cameras(cameras=[CameraAnswer.of(camera, condition) for camera, condition in now.cameras])


@router.post("", status_code=HTTPStatus.CREATED)
async def add_camera(desk: AtDesk, by: By, asked: NewCamera, response: Response) -> DesiredCamera:
    """Capture takes it up within seconds. Refused where there is one of that id."""
    desk.check()
    camera = await desk.changes.run(desk.steering.add, by, asked)
    response.headers["Location"] = f"/v1/cameras/{camera.id}"
    return camera


@router.get("/{camera_id}")
async def get_camera(desk: AtDesk, camera_id: CameraId) -> CameraAnswer:
    now = desk.look(lambda view: view.now(desk.parts.now()))
    for camera, condition in now.cameras:
        if camera.id == camera_id:
            return CameraAnswer.of(camera, condition)
    raise Refused(HTTPStatus.NOT_FOUND, f"no camera {camera_id} is known")


@router.patch("/{camera_id}")
async def change_camera(desk: AtDesk, by: By, camera_id: CameraId, asked: CameraChange) -> DesiredCamera:
    """Fields that are left out stay as they are. The camera begins a new session."""
    desk.check()
    return await desk.changes.run(desk.steering.change, by, camera_id, asked)


@router.delete("/{camera_id}", status_code=HTTPStatus.NO_CONTENT)
async def remove_camera(desk: AtDesk, by: By, camera_id: CameraId) -> None:
    """Capture stops it. What was told of it stays in the topics as long as they keep it."""
    desk.check()
    await desk.changes.run(desk.steering.remove, by, camera_id)


@router.post("/{camera_id}/pause", status_code=HTTPStatus.NO_CONTENT)
async def pause_camera(desk: AtDesk, by: By, camera_id: CameraId, why: Why) -> None:
    """Nothing is captured of it until it is resumed, whatever is restarted meanwhile."""
    desk.check()
    await desk.changes.run(desk.steering.pause, by, camera_id, True, why.reason)


@router.post("/{camera_id}/resume", status_code=HTTPStatus.NO_CONTENT)
async def resume_camera(desk: AtDesk, by: By, camera_id: CameraId, why: Why) -> None:
    desk.check()
    await desk.changes.run(desk.steering.pause, by, camera_id, False, why.reason)
