"""Sessions are numbered by the clock, and the numbers only ever grow: also where the clock was set back meanwhile."""

from __future__ import annotations

from pipeline.kafka.reader import Reader, parse
from pipeline.messages import CameraStatus
from pipeline.settings import KafkaSettings
from pipeline.topics import CAMERA_STATUS

RECORDS = 2000  # of each partition of `camera-status`, at most, are read: a second at the start


def last_sessions(kafka: KafkaSettings, site: str) -> dict[str, int]:
    """The newest session of each of the site's cameras that `camera-status` tells of. Raises DependencyError."""
    newest: dict[str, int] = {}
    with Reader(kafka, [CAMERA_STATUS]) as reader:
        reader.from_last(RECORDS)
        for status in map(parse, reader.to_end()):
            if isinstance(status, CameraStatus) and status.site == site:
                newest[status.camera] = max(status.session, newest.get(status.camera, 0))
    return newest
