"""Every record on the wire."""

from __future__ import annotations

from pipeline.messages.alert import Alert
from pipeline.messages.audit import AuditRecord
from pipeline.messages.camera import CameraSight, CameraStatus
from pipeline.messages.crowd import CrowdRecord
from pipeline.messages.desired import DesiredCamera
from pipeline.messages.kind import Headers, Kind, cloud_event, iso
from pipeline.messages.ledger import Idle, Ledger
from pipeline.messages.observation import DeadLetter, Observation, Stub
from pipeline.messages.record import Record
from pipeline.messages.role import RoleStatus
from pipeline.messages.rollout import Rollout, RolloutVerdict
from pipeline.messages.window import Window

Message = Observation | Stub | Ledger | Idle
KINDS: dict[Kind, type[Record]] = {
    Kind.LEDGER: Ledger,
    Kind.IDLE: Idle,
    Kind.OBSERVATION: Observation,
    Kind.STUB: Stub,
    Kind.CROWD: CrowdRecord,
    Kind.CAMERA: DesiredCamera,
    Kind.CAMERA_STATUS: CameraStatus,
    Kind.DEAD_LETTER: DeadLetter,
    Kind.WINDOW: Window,
    Kind.ALERT: Alert,
    Kind.CAMERA_SIGHT: CameraSight,
    Kind.AUDIT: AuditRecord,
    Kind.ROLE: RoleStatus,
    Kind.ROLLOUT: Rollout,
    Kind.ROLLOUT_VERDICT: RolloutVerdict,
}


def headers_of(
    record: Message
    | CrowdRecord
    | DesiredCamera
    | CameraStatus
    | CameraSight
    | DeadLetter
    | Window
    | Alert
    | AuditRecord
    | RoleStatus
    | Rollout
    | RolloutVerdict,
) -> Headers:
    """The CloudEvents headers of a JSON record."""
    match record:
        case Observation():
            return cloud_event(Kind.OBSERVATION, record.frame_id.key, record.event_id, record.captured_at)
        case Stub():
            return cloud_event(Kind.STUB, record.frame_id.key, record.event_id, record.captured_at)
        case CrowdRecord():
            return cloud_event(Kind.CROWD, record.key, f"{record.key}/crowd/{iso(record.start)}", record.start)
        case Ledger():
            event_id = f"{record.key}/{record.session}/ledger/{record.next_seq}/{iso(record.covers_to)}"
            return cloud_event(Kind.LEDGER, record.key, event_id, record.covers_to)
        case Idle():
            return cloud_event(Kind.IDLE, record.key, f"{record.key}/idle/{iso(record.until)}", record.until)
        case DesiredCamera():
            return cloud_event(Kind.CAMERA, record.key, f"{record.key}/{iso(record.changed_at)}", record.changed_at)
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
        case AuditRecord():
            return cloud_event(Kind.AUDIT, record.key, record.event_id, record.at)
        case RoleStatus():
            return cloud_event(Kind.ROLE, record.key, f"{record.key}/{iso(record.at)}", record.at)
        case Rollout():
            return cloud_event(Kind.ROLLOUT, record.key, f"{record.key}/{iso(record.changed_at)}", record.changed_at)
        case RolloutVerdict():
            event_id = f"{record.key}/{record.rollout_id}/{record.stage}"
            return cloud_event(Kind.ROLLOUT_VERDICT, record.key, event_id, record.at)
        case DeadLetter():
            event_id = f"{record.topic}/{record.partition}/{record.offset}"
            return cloud_event(Kind.DEAD_LETTER, record.topic, event_id, record.at)
