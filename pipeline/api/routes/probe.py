"""One picture of a camera that is not added yet: whether it works, and what it would see."""

from __future__ import annotations

from dataclasses import replace
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
    deed = Deed(by, "camera.probe", f"camera/{asked.id or 'new'}", asked.reason)
    with desk.audited.refusing(deed):
        camera = desk.steering.masked(desk.steering.define(by, asked), asked.id)
    taken: list[Probed] = []
    deed = replace(deed, target=f"camera/{camera.id}", after=camera)
    try:
        desk.audited.do(deed, lambda: taken.append(desk.parts.probe(camera)))
    except SourceError as error:
        refused = Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"no picture came: {redact(str(error))}")
        refused.recorded = True
        raise refused from None
    return taken[0]
