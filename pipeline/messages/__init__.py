"""What travels through the topics: typed values, and their form on the wire.

Values are JSON except frames and previews (JPEG). Every record carries CloudEvents headers (Kafka binding, binary
mode), so a consumer knows by `ce_type` what it holds before it parses a byte.
"""

from pipeline.messages.alert import Alert, AlertState, ClearedBy, Usual, WindowRef
from pipeline.messages.audit import CONSOLE, AuditOutcome, AuditRecord
from pipeline.messages.camera import GONE, CameraSight, CameraState, CameraStatus
from pipeline.messages.crowd import Crowd, CrowdRecord
from pipeline.messages.desired import DesiredCamera, Origin, Polygon
from pipeline.messages.frame import FrameHeader, FrameId, checksum, frame_identity
from pipeline.messages.kind import PICTURES, Headers, Kind, cloud_event, record_kind
from pipeline.messages.ledger import DROPPED_UNREAD, EXPIRED, OVERLOAD, THINNED, Idle, Ledger, SeqRange
from pipeline.messages.observation import Box, DeadLetter, Face, FrameRecord, ModelRef, Observation, Quality, Stub
from pipeline.messages.preview import preview_headers
from pipeline.messages.record import LABELS, SCHEMA_VERSION, OfScope, Record, Scope, Scores, scores_of
from pipeline.messages.role import ClockOffset, RoleState, RoleStatus
from pipeline.messages.rollout import Bounds, Rollout, RolloutFigures, RolloutVerdict, ServedModel, Stage
from pipeline.messages.trace import TRACED_PANE, TRACEPARENT, TraceContext, begin_trace, carried, trace_headers
from pipeline.messages.window import FrameCounts, Window
from pipeline.messages.wire import KINDS, Message, headers_of

__all__ = [
    "CONSOLE",
    "DROPPED_UNREAD",
    "EXPIRED",
    "GONE",
    "KINDS",
    "LABELS",
    "OVERLOAD",
    "PICTURES",
    "SCHEMA_VERSION",
    "THINNED",
    "TRACED_PANE",
    "TRACEPARENT",
    "Alert",
    "AlertState",
    "AuditOutcome",
    "AuditRecord",
    "Bounds",
    "Box",
    "CameraSight",
    "CameraState",
    "CameraStatus",
    "ClearedBy",
    "ClockOffset",
    "Crowd",
    "CrowdRecord",
    "DeadLetter",
    "DesiredCamera",
    "Face",
    "FrameCounts",
    "FrameHeader",
    "FrameId",
    "FrameRecord",
    "Headers",
    "Idle",
    "Kind",
    "Ledger",
    "Message",
    "ModelRef",
    "Observation",
    "OfScope",
    "Origin",
    "Polygon",
    "Quality",
    "Record",
    "RoleState",
    "RoleStatus",
    "Rollout",
    "RolloutFigures",
    "RolloutVerdict",
    "Scope",
    "Scores",
    "SeqRange",
    "ServedModel",
    "Stage",
    "Stub",
    "TraceContext",
    "Usual",
    "Window",
    "WindowRef",
    "begin_trace",
    "carried",
    "checksum",
    "cloud_event",
    "frame_identity",
    "headers_of",
    "preview_headers",
    "record_kind",
    "scores_of",
    "trace_headers",
]
