"""One picture of a camera that is not added yet: whether it works, and what it would see."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response

from pipeline.access import Caller
from pipeline.api.audited import Deed
from pipeline.api.desk import AtDesk, By, Desk
from pipeline.api.problems import Refused
from pipeline.api.shapes import NewCamera
from pipeline.capture.probe import Probed
from pipeline.capture.uri import redact
from pipeline.errors import SourceError

router = APIRouter(prefix="/v1/probe", tags=["cameras"])

PICTURE = {
    "description": "the picture, cut down and masked as a preview is; X-Frame-Size: that of the frames that come",
    "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    "headers": {"X-Frame-Size": {"schema": {"type": "string", "examples": ["1920x1080"]}}},
}


@router.post("", response_class=Response, responses={200: PICTURE})
async def probe_camera(desk: AtDesk, by: By, asked: NewCamera) -> Response:
    """Nothing of it is published or kept. Two at a time. Refused (422) with the reason where no picture comes."""
    picture = await desk.probes.run(_take, desk, by, asked)
    return Response(
        picture.jpeg, media_type="image/jpeg", headers={"X-Frame-Size": f"{picture.width}x{picture.height}"}
    )


def _take(desk: Desk, by: Caller, asked: NewCamera) -> Probed:
    camera = desk.steering.define(by, asked)
    taken: list[Probed] = []
    deed = Deed(by, "camera.probe", f"camera/{camera.id}", asked.reason, after=camera)
    try:
        desk.audited.do(deed, lambda: taken.append(desk.parts.probe(camera)))
    except SourceError as error:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"no picture came: {redact(str(error))}") from None
    return taken[0]
