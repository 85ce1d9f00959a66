"""An alert is told as it was known when it was raised, whatever came after."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.care.stories import deeds, stories
from pipeline.care.timeline import Place
from pipeline.messages import Alert, AlertState, AuditOutcome, AuditRecord, ClearedBy, Scope, WindowRef
from tests.care_days import FRIDAY, MINUTE, ROOM, alert, window

START, END = FRIDAY.start, FRIDAY.end
NOON = START + 12 * 60 * MINUTE
CLEARED = {"state": AlertState.CLEARED, "cleared_by": ClearedBy.DATA}


def told(*alerts: Alert, place: Place = ROOM) -> list[str]:
    return [story.alert_id for story in stories(place, alerts, [], START, END)]


def test_what_was_known_first_stays_known() -> None:
    refs = [WindowRef(key=window(NOON - MINUTE).key), WindowRef(key=window(NOON).key)]
    first = alert(NOON, windows=refs)
    later = alert(
        NOON + MINUTE, update=1, reason="another", coverage=0.1, acknowledged_at=NOON + MINUTE, acknowledged_by="Ada"
    )
    over = alert(NOON + 9 * MINUTE, update=2, acknowledged_at=NOON + MINUTE, acknowledged_by="Ada", **CLEARED)
    revised = [window(NOON, revision=0), window(NOON, revision=2)]
    [story] = stories(ROOM, [over, later, first], revised, START, END)
    assert (story.raised, story.reason, story.coverage) == (NOON, first.reason, 0.98)
    assert (story.acknowledged_by, story.acknowledged) == ("Ada", NOON + MINUTE)
    assert (story.cleared, story.cleared_by, story.stands) == (NOON + 9 * MINUTE, ClearedBy.DATA, False)
    assert story.revised == 1


@pytest.mark.parametrize(
    ("alerts", "count"),
    [
        ([alert(START - MINUTE)], 1),  # stands since yesterday
        ([alert(START - 60 * MINUTE), alert(START - MINUTE, update=1, **CLEARED)], 0),  # was over before
        ([alert(START - 60 * MINUTE), alert(START + MINUTE, update=1, **CLEARED)], 1),
        ([alert(END)], 0),
        ([alert(END - MINUTE)], 1),
    ],
)
def test_an_alert_belongs_to_the_days_on_which_it_stood(alerts: list[Alert], count: int) -> None:
    assert len(told(*alerts)) == count


def test_alerts_of_the_place_its_cameras_and_its_zones() -> None:
    bed = {"scope": Scope.ZONE, "id": "bed"}
    site = {"scope": Scope.SITE, "id": ROOM.site}
    room = Place(ROOM.site, Scope.CAMERA, "room-12", frozenset({"room-12"}), frozenset({"bed"}))
    alerts = [
        alert(NOON, alert_id="zone", **bed),
        alert(NOON, alert_id="another zone", scope=Scope.ZONE, id="door"),
        alert(NOON, alert_id="another camera", id="room-13"),
        alert(NOON, alert_id="another site", site="house-oak"),
        alert(NOON, alert_id="the site's mood", cameras={"room-12": ""}, **site),
        alert(NOON, alert_id="group", rule="no-data", cameras={"room-12": "silent", "room-13": "silent"}, **site),
        alert(NOON, alert_id="group of others", rule="no-data", cameras={"room-13": "silent"}, **site),
    ]
    assert told(*alerts, place=room) == ["group", "zone"]
    assert told(*alerts, place=Place(ROOM.site, Scope.ZONE, "bed", frozenset({"room-12"}))) == ["group", "zone"]


def test_an_alert_that_went_on_as_part_of_another_is_told_once() -> None:
    grouped = {"state": AlertState.CLEARED, "cleared_by": ClearedBy.GROUPED}
    assert told(alert(NOON, alert_id="own"), alert(NOON, alert_id="own", update=1, **grouped)) == []


def deed(at: dt.datetime, **changes: object) -> AuditRecord:
    values = {"site": ROOM.site, "at": at, "who": "Ada", "role": "operator", "action": "camera.pause",
              "target": "camera/room-12", "outcome": AuditOutcome.DONE}  # fmt: skip
    return AuditRecord.model_validate({**values, **changes})


def test_deeds_are_what_was_done_to_the_place_that_day() -> None:
    twice = deed(NOON)
    records = [
        twice,
        twice,
        deed(NOON + MINUTE, target="scope/room-12", action="alerts.silence"),
        deed(NOON, target="camera/room-13"),
        deed(NOON, outcome=AuditOutcome.REFUSED),
        deed(NOON, action="alert.acknowledge"),
        deed(END),
        deed(NOON, site="house-oak"),
    ]
    found = deeds(ROOM, records, START, END)
    assert [(each.action, each.at) for each in found] == [("camera.pause", NOON), ("alerts.silence", NOON + MINUTE)]
