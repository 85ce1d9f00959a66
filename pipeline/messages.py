"""What travels through the topics: typed values, and their form on the wire.

Values are JSON except frames (JPEG). Every record carries CloudEvents headers (Kafka binding, binary mode), so a
consumer knows by `ce_type` what it holds before it parses a byte.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import BadRecord

SCHEMA_VERSION = 1
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Apparent expressions, in the order of every score vector."""

Headers = list[tuple[str, bytes]]


class Kind(StrEnum):
    """`ce_type` of every record."""

    FRAME = "emostream.frame.v1"
    LEDGER = "emostream.ledger.v1"
    IDLE = "emostream.idle.v1"
    OBSERVATION = "emostream.observation.v1"
    STUB = "emostream.stub.v1"
    CAMERA_STATUS = "emostream.camera-status.v1"
    DEAD_LETTER = "emostream.dead-letter.v1"
    WINDOW = "emostream.window.v1"
    ALERT = "emostream.alert.v1"
    CAMERA_SIGHT = "emostream.camera-sight.v1"


class CameraState(StrEnum):
    """What a camera is doing, as capture sees it."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"  # will be tried again
    ENDED = "ended"  # a file or folder came to its end
    FAILED = "failed"  # will not be tried again
    STOPPED = "stopped"  # on request


GONE = frozenset({CameraState.ENDED, CameraState.FAILED, CameraState.STOPPED})
"""Nothing more comes of such a camera until it is started again."""


@dataclass(frozen=True, slots=True, order=True)
class FrameId:
    """The identity of a frame. `session` grows with every connection of the camera, `seq` from 0 within it."""

    site: str
    camera: str
    session: int
    seq: int

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"

    @property
    def event_id(self) -> str:
        """Deterministic: the same frame read twice gives the same id."""
        return f"{self.site}/{self.camera}/{self.session}/{self.seq}"


class Record(BaseModel):
    """Base of the JSON values: unknown fields of a newer release are ignored, ours are immutable."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")
    schema_version: int = SCHEMA_VERSION

    def encode(self) -> bytes:
        return self.model_dump_json().encode()

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """Raises BadRecord(reason="schema") when the value is not this message."""
        try:
            return cls.model_validate_json(value or b"")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "value"
            raise BadRecord("schema", f"not a {cls.__name__}: {where}: {first['msg']}") from None


class SeqRange(BaseModel):
    """Frames first..last, both included, of one session."""

    model_config = ConfigDict(frozen=True)
    first: int = Field(ge=0)
    last: int = Field(ge=0)

    def __len__(self) -> int:
        return self.last - self.first + 1


class Ledger(Record):
    """What capture did with one camera since the last ledger record of the session.

    Stands in `frames`, and then in `emotion-events`, behind the frames it covers. `next_seq - first_seq` frames
    were captured; `expected` is what the camera's frame rate promised for the time; `dropped` names frames, of
    this range or an earlier one of the session, that never reached the log.
    """

    site: str
    camera: str
    session: int
    written_at: datetime
    covers_from: datetime
    covers_to: datetime
    first_seq: int = Field(ge=0)
    next_seq: int = Field(ge=0)
    expected: float = Field(ge=0)
    dropped: dict[str, list[SeqRange]] = Field(default_factory=dict)
    state: CameraState
    reason: str = ""
    final: bool = False

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"


class Idle(Record):
    """Written into `emotion-events` for a camera of which no ledger tells any more: its host is gone, or it ended.

    It moves the camera's time; what was promised for that time is what the last ledger record promised. `final`: it is
    given up, and promises nothing until something is heard of it.
    """

    site: str
    camera: str
    since: datetime
    until: datetime
    written_at: datetime
    final: bool = False

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"


class CameraStatus(Record):
    """A change of a camera's state, with its reason. `source` is the camera's URI without credentials."""

    site: str
    camera: str
    session: int
    at: datetime
    state: CameraState
    reason: str = ""
    source: str = ""
    attempt: int = 0

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"


class CameraSight(Record):
    """A change of whether a camera sees. `sight`: what makes it blind from now on, see Observation; "": it sees again.

    `since`: when the frames began by which that is told; null where nobody knows.
    """

    site: str
    camera: str
    session: int
    at: datetime
    sight: str
    since: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.site}/{self.camera}"


class ModelRef(BaseModel):
    """Which detector or model computed a value."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())
    name: str
    version: str = ""
    sha256: str = ""


class Box(BaseModel):
    """A face's place, as fractions of the frame's width and height, clipped to the frame."""

    model_config = ConfigDict(frozen=True)
    x: float
    y: float
    width: float
    height: float


class Quality(BaseModel):
    """How readable the face is; null where it is not known.

    `size_px`: the shorter side of the box in the captured frame, in pixels. `inside`: part of the box that lies in
    the frame, 0..1. `yaw`, `pitch`, `roll`: degrees, estimated from the landmarks. The rest is measured on the crop:
    `sharpness`: deviation of its fine over its coarse structure, about 0.8 where sharp, below 0.5 where unreadable.
    `brightness`, `contrast`: mean and deviation of its gray levels, 0..255. `saturated`: part of it that is white,
    0..1. `blur`: variance of its Laplacian, gray levels squared; low is blurred, but it grows with contrast and noise.
    """

    model_config = ConfigDict(frozen=True)
    size_px: float
    blur: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    inside: float | None = None
    sharpness: float | None = None
    brightness: float | None = None
    contrast: float | None = None
    saturated: float | None = None


Scores = Annotated[dict[str, float], Field(description="probability of each apparent expression, sum 1")]


class Face(BaseModel):
    """One face of a frame and its apparent expression.

    `track_id`: the same while the face is followed, null for a doubtful find; random in each run, it tells nothing of a
    person. `track_epoch`: since when, in seconds of Unix time, no track of the camera was lost for want of frames; ids
    of two epochs have nothing to do with each other. `scores`: what the model read of this very frame, null where it
    was not asked; `inferred` says whether it was. `smoothed`: the readings of the track, the later the weightier.
    `label`, `confidence`: by the scores, or by the smoothed ones where there are none. `abstained`: the expression is
    not told, for `reason`; with "uncertain" the scores and the label are there, too weak to be counted.
    """

    model_config = ConfigDict(frozen=True)
    track_id: str | None = None
    track_epoch: int = 0
    bbox: Box
    detection_confidence: float
    quality: Quality
    scores: Scores | None = None
    label: str | None = None
    confidence: float | None = None
    abstained: bool = False
    reason: str = ""
    smoothed: Scores | None = None
    inferred: bool = True
    zone_ids: list[str] = Field(default_factory=list)


class FrameRecord(Record):
    """What became of one frame. `event_id` is the frame's own: the same for every time that it was read."""

    event_id: str
    site: str
    camera: str
    session: int
    seq: int
    captured_at: datetime
    processed_at: datetime

    @property
    def frame_id(self) -> FrameId:
        return FrameId(self.site, self.camera, self.session, self.seq)


class Observation(FrameRecord):
    """What was seen in one frame: 0..n faces. One record for every frame that could be read.

    `timings`: seconds by stage. `scripted`: what the synthetic camera drew, one expression a face, else null.
    `blind`: why the camera sees nothing of use although its frames can be read: "dark", "overexposed", "covered",
    "frozen", "moved" or "out_of_focus"; "" while it sees. Faces that were found all the same are told.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), ser_json_inf_nan="null")
    width: int
    height: int
    detector: ModelRef
    model: ModelRef
    timings: dict[str, float] = Field(default_factory=dict)
    degradation: list[str] = Field(default_factory=list)
    faces: list[Face] = Field(default_factory=list)
    scripted: list[str] | None = None
    blind: str = ""


class Stub(FrameRecord):
    """Stands in `emotion-events` in the place of a frame that went to `dead-letters`."""

    reason: str


class Scope(StrEnum):
    """What a window speaks of."""

    CAMERA = "camera"
    ZONE = "zone"
    SITE = "site"


class FrameCounts(BaseModel):
    """What became of the frames of a time. `expected`: what the cameras' rates promised; fractions of a frame occur.

    `blind`: of the observed frames, those of a camera that saw nothing of use, by reason.
    """

    model_config = ConfigDict(frozen=True)
    expected: float = 0
    observed: int = 0
    dead_lettered: int = 0
    dropped: dict[str, int] = Field(default_factory=dict)
    blind: dict[str, int] = Field(default_factory=dict)


class OfScope(Record):
    """A record of one camera, zone or site. `id`: its name."""

    scope: Scope
    site: str
    id: str

    @property
    def owner(self) -> str:
        """Decides the partition: all such records of one scope are in one, in order."""
        return f"{self.scope}/{self.site}/{self.id}"


class Window(OfScope):
    """What was seen from `start` to `end`, by the cameras' own time, in one camera, zone or site.

    `spec`: its length, and how often one begins where they overlap: "60s", "300s/60s". A window is told again, with
    the next `revision`, when late frames changed it, and for the last time as `final`. `as_of`: up to what time of
    each camera's records it tells. `coverage`: frames observed over those expected, at most 1; null where none were
    expected; `cameras`: the same for each. `blind`: the part of the coverage that came from cameras that saw nothing
    of use; `blind_cameras`: those that were blind in most of their frames, with the most frequent reason (see
    Observation). Faces are counted once a frame they are seen in: `n_face_frames`, of them
    `n_told` with a told expression, which `scores_mean` and `label_share` are over (null without any), and
    `n_abstained` without. `late_included`: frames that came after their ten seconds had been closed.
    `suppressed`: the figures on faces are withheld, because too few tracks are behind them.
    """

    spec: str
    start: datetime
    end: datetime
    revision: int = Field(ge=0)
    final: bool
    as_of: datetime
    frames: FrameCounts
    coverage: float | None
    blind: float | None = None
    cameras: dict[str, float | None]
    blind_cameras: dict[str, str] = Field(default_factory=dict)
    n_face_frames: int
    n_tracks: int
    n_told: int
    n_abstained: int
    abstained: dict[str, int] = Field(default_factory=dict)
    scores_mean: Scores | None = None
    label_share: dict[str, float] | None = None
    late_included: int = 0
    suppressed: bool = False

    @property
    def key(self) -> str:
        return f"{self.owner}/{self.spec}/{_iso(self.start)}"


class AlertState(StrEnum):
    """`updated`: it stands, and something about it is new."""

    RAISED = "raised"
    UPDATED = "updated"
    CLEARED = "cleared"


class ClearedBy(StrEnum):
    """Why an alert is over. Only `data` says that what raised it was seen to be over."""

    DATA = "data"
    NOTHING_EXPECTED = "nothing_expected"  # its cameras were stopped, or came to their end
    GROUPED = "grouped"  # it goes on as part of another
    FORGOTTEN = "forgotten"  # on request
    RULE = "rule"  # the settings no longer have its rule


class WindowRef(BaseModel):
    """A window as it was told."""

    model_config = ConfigDict(frozen=True)
    key: str
    revision: int = 0


class Usual(BaseModel):
    """What is usual: mean and deviation of the rule's measure, learned from so many windows."""

    model_config = ConfigDict(frozen=True)
    mean: float
    deviation: float
    windows: int


class Alert(OfScope):
    """Windows fulfil a rule, or do so no longer. All records of one alert have its `alert_id`; `update` counts them.

    `since`: start of the first window in which it held; `at`: end of the one that this record comes from. `value`:
    what the rule measures, null where that cannot be told; `threshold`: its limit. `coverage`: part of the expected
    frames that was really seen. `cameras`: those it speaks of; of absent data, each with its reason, or "back".
    `windows`: those that raised it, the latest ten. `stale`: nothing could be judged for a while; no sign of calm.
    An alert that is acknowledged or silenced is told all the same, but calls nobody.
    """

    alert_id: str
    update: int = Field(ge=0)
    rule: str
    title: str
    state: AlertState
    severity: str
    since: datetime
    at: datetime
    reason: str
    value: float | None
    threshold: float
    baseline: Usual | None = None
    coverage: float | None
    cameras: dict[str, str]
    windows: list[WindowRef]
    stale: bool = False
    cleared_by: ClearedBy | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    silenced_until: datetime | None = None
    silenced_by: str = ""

    @property
    def key(self) -> str:
        return self.owner

    @property
    def event_id(self) -> str:
        """The same for the same record, however often it is written."""
        return f"{self.alert_id}-{self.update}"

    @property
    def silenced(self) -> bool:
        return self.silenced_until is not None and self.at < self.silenced_until


class DeadLetter(Record):
    """A record that could not be used: why, and where it stood. Its headers travel on; its payload does not.

    `foreign`: it carries no frame identity, so it is outside the equation.
    """

    reason: str
    error: str
    topic: str
    partition: int
    offset: int
    at: datetime
    foreign: bool
    event_id: str | None = None
    size_bytes: int = 0
    headers: dict[str, str] = Field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What a frame says of itself beside its JPEG bytes.

    `width`, `height`: pixels of the JPEG. `crc`: crc32 of the JPEG bytes. `scripted`: see Observation.
    """

    frame_id: FrameId
    captured_at: datetime
    width: int
    height: int
    crc: int
    traceparent: str = ""
    scripted: tuple[str, ...] | None = None

    def encode(self) -> Headers:
        frame = self.frame_id
        headers = cloud_event(Kind.FRAME, frame.key, frame.event_id, self.captured_at, "image/jpeg")
        headers += [
            ("site", frame.site.encode()),
            ("camera", frame.camera.encode()),
            ("session", b"%d" % frame.session),
            ("seq", b"%d" % frame.seq),
            ("captured_at", _iso(self.captured_at).encode()),
            ("size", b"%dx%d" % (self.width, self.height)),
            ("crc", b"%08x" % self.crc),
        ]
        if self.traceparent:
            headers.append(("traceparent", self.traceparent.encode()))
        if self.scripted is not None:
            headers.append(("scripted", ",".join(self.scripted).encode()))
        return headers

    @classmethod
    def decode(cls, headers: Iterable[tuple[str, bytes]]) -> Self:
        """Raises BadRecord(reason="headers") naming the header that is missing or wrong.

        A record for which `frame_identity` finds nothing is foreign: it carries no frame identity.
        """
        got = {key: value for key, value in headers if value is not None}
        frame_id = frame_identity(got)
        if frame_id is None:
            raise BadRecord("headers", "no frame identity: site, camera, session and seq headers are needed")
        try:
            name = "captured_at"
            captured_at = datetime.fromisoformat(got[name].decode())
            if captured_at.tzinfo is None:
                raise ValueError("no time zone")
            captured_at = captured_at.astimezone(UTC)
            name = "size"
            width, height = (int(side) for side in got[name].split(b"x"))
            if width < 1 or height < 1:
                raise ValueError("not positive")
            name = "crc"
            crc = int(got[name], 16)
            name = "traceparent"
            traceparent = got.get(name, b"").decode()
            name = "scripted"
            scripted = got.get(name)
            truth = None if scripted is None else tuple(filter(None, scripted.decode().split(",")))
        except (KeyError, ValueError, OverflowError) as error:
            what = "is missing" if isinstance(error, KeyError) else f"is wrong ({error})"
            raise BadRecord("headers", f"header {name} of {frame_id.event_id} {what}") from None
        return cls(frame_id, captured_at, width, height, crc, traceparent, truth)


def frame_identity(headers: Mapping[str, bytes | None]) -> FrameId | None:
    """The identity that a record's headers carry, or None when they carry none that is whole."""
    try:
        session, seq = int(headers["session"] or b""), int(headers["seq"] or b"")
        site, camera = (headers["site"] or b"").decode(), (headers["camera"] or b"").decode()
    except (KeyError, ValueError):
        return None
    if not site or not camera or not 0 <= session < 2**63 or not 0 <= seq < 2**63:
        return None
    return FrameId(site, camera, session, seq)


def record_kind(headers: Iterable[tuple[str, bytes]]) -> Kind:
    """The record's `ce_type`. Raises BadRecord(reason="type") when there is none that we know."""
    value = dict(headers).get("ce_type") or b""
    try:
        return Kind(value.decode())
    except ValueError:
        raise BadRecord("type", f"unknown ce_type {value[:80]!r}") from None


def cloud_event(
    kind: Kind, source: str, event_id: str, at: datetime, content_type: str = "application/json"
) -> Headers:
    """CloudEvents 1.0 attributes as Kafka headers (binary content mode)."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", kind.value.encode()),
        ("ce_source", f"/emostream/{source}".encode()),
        ("ce_id", event_id.encode()),
        ("ce_time", _iso(at).encode()),
        ("content-type", content_type.encode()),
    ]


def headers_of(record: Message | CameraStatus | CameraSight | DeadLetter | Window | Alert) -> Headers:
    """The CloudEvents headers of a JSON record."""
    match record:
        case Observation():
            return cloud_event(Kind.OBSERVATION, record.frame_id.key, record.event_id, record.captured_at)
        case Stub():
            return cloud_event(Kind.STUB, record.frame_id.key, record.event_id, record.captured_at)
        case Ledger():
            event_id = f"{record.key}/{record.session}/ledger/{record.next_seq}/{_iso(record.covers_to)}"
            return cloud_event(Kind.LEDGER, record.key, event_id, record.covers_to)
        case Idle():
            return cloud_event(Kind.IDLE, record.key, f"{record.key}/idle/{_iso(record.until)}", record.until)
        case CameraStatus():
            event_id = f"{record.key}/{record.session}/{record.state}/{_iso(record.at)}"
            return cloud_event(Kind.CAMERA_STATUS, record.key, event_id, record.at)
        case CameraSight():
            event_id = f"{record.key}/{record.session}/sight/{_iso(record.at)}"
            return cloud_event(Kind.CAMERA_SIGHT, record.key, event_id, record.at)
        case Window():
            return cloud_event(Kind.WINDOW, record.owner, f"{record.key}/{record.revision}", record.end)
        case Alert():
            return cloud_event(Kind.ALERT, record.owner, record.event_id, record.at)
        case DeadLetter():
            event_id = f"{record.topic}/{record.partition}/{record.offset}"
            return cloud_event(Kind.DEAD_LETTER, record.topic, event_id, record.at)


def checksum(jpeg: bytes | memoryview) -> int:
    return zlib.crc32(jpeg)


def scores_of(probabilities: Sequence[float]) -> dict[str, float]:
    """Score vector -> {label: probability}, rounded to 4 digits for the wire."""
    return {label: round(float(p), 4) for label, p in zip(LABELS, probabilities, strict=True)}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
