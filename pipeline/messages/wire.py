"""Every record on the wire."""

from __future__ import annotations

from pipeline.messages.alert import Alert
from pipeline.messages.camera import CameraSight, CameraStatus
from pipeline.messages.kind import Headers, Kind, cloud_event, iso
from pipeline.messages.ledger import Idle, Ledger
from pipeline.messages.observation import DeadLetter, Observation, Stub
from pipeline.messages.record import Record
from pipeline.messages.window import Window

Message = Observation | Stub | Ledger | Idle
KINDS: dict[Kind, type[Record]] = {
    Kind.LEDGER: Ledger,
    Kind.IDLE: Idle,
    Kind.OBSERVATION: Observation,
    Kind.STUB: Stub,
    Kind.CAMERA_STATUS: CameraStatus,
    Kind.DEAD_LETTER: DeadLetter,
    Kind.WINDOW: Window,
    Kind.ALERT: Alert,
    Kind.CAMERA_SIGHT: CameraSight,
}


def headers_of(record: Message | CameraStatus | CameraSight | DeadLetter | Window | Alert) -> Headers:
    """The CloudEvents headers of a JSON record."""
    match record:
        case Observation():
            return cloud_event(Kind.OBSERVATION, record.frame_id.key, record.event_id, record.captured_at)
        case Stub():
            return cloud_event(Kind.STUB, record.frame_id.key, record.event_id, record.captured_at)
        case Ledger():
            event_id = f"{record.key}/{record.session}/ledger/{record.next_seq}/{iso(record.covers_to)}"
            return cloud_event(Kind.LEDGER, record.key, event_id, record.covers_to)
        case Idle():
            return cloud_event(Kind.IDLE, record.key, f"{record.key}/idle/{iso(record.until)}", record.until)
        case CameraStatus():
            event_id = f"{record.key}/{record.session}/{record.state}/{iso(record.at)}"
            return cloud_event(Kind.CAMERA_STATUS, record.key, event_id, record.at)
        case CameraSight():
            event_id = f"{record.key}/{record.session}/sight/{iso(record.at)}"
            return cloud_event(Kind.CAMERA_SIGHT, record.key, event_id, record.at)
        case Window():
            return cloud_event(Kind.WINDOW, record.owner, f"{record.key}/{record.revision}", record.end)
        case Alert():
            return cloud_event(Kind.ALERT, record.owner, record.event_id, record.at)
        case DeadLetter():
            event_id = f"{record.topic}/{record.partition}/{record.offset}"
            return cloud_event(Kind.DEAD_LETTER, record.topic, event_id, record.at)
