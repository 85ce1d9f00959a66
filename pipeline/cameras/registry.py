"""The topic `cameras`: what every camera of a site is to be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from kafka.errors import KafkaError

from pipeline.errors import DependencyError
from pipeline.kafka.clients import producer
from pipeline.kafka.reader import Reader, parse
from pipeline.messages import DesiredCamera, headers_of
from pipeline.settings import KafkaSettings
from pipeline.topics import CAMERAS, name

WRITE_SECONDS = 10.0


class CameraRegistry:
    """Reads and writes the desired cameras of one site. What was written is in the log when a call returns.

    The last write wins. Raises DependencyError when Kafka does not answer.
    """

    def __init__(self, kafka: KafkaSettings, site: str) -> None:
        self._kafka = kafka
        self._site = site
        self._topic = name(kafka, CAMERAS)
        self._producer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def all(self) -> dict[str, DesiredCamera]:
        """Every camera that is wanted, by id."""
        with Reader(self._kafka, [CAMERAS]) as reader:
            reader.from_beginning()
            return fold(reader.to_end(), self._site)

    def put(self, camera: DesiredCamera) -> None:
        self._write(camera.key, camera.encode(), headers_of(camera))

    def remove(self, camera_id: str) -> None:
        self._write(f"{self._site}/{camera_id}", None, [])

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=WRITE_SECONDS)

    def _write(self, key: str, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        if self._producer is None:
            limits = {"request_timeout_ms": 5_000, "delivery_timeout_ms": int(WRITE_SECONDS * 1000)}
            self._producer = producer(self._kafka, **limits)
        try:
            self._producer.send(self._topic, key=key.encode(), value=value, headers=headers).get(WRITE_SECONDS)
        except KafkaError as error:
            self._producer.close(timeout=0)
            self._producer = None  # it may be of no use after a failure
            message = f"Kafka at {self._kafka.bootstrap} did not take the change ({error or type(error).__name__})"
            raise DependencyError(message, "it may still be taken; look at the camera before you try again") from None


def fold(records: Iterable[Any], site: str) -> dict[str, DesiredCamera]:
    """What records of `cameras`, in order, come to. Those that are not ours are passed over."""
    wanted: dict[str, DesiredCamera] = {}
    for record in records:
        apply(record, site, wanted)
    return wanted


def apply(record: Any, site: str, wanted: dict[str, DesiredCamera]) -> None:
    """One record of `cameras` more."""
    if record.value is None:
        key_site, _, camera_id = (record.key or b"").decode(errors="replace").partition("/")
        if key_site == site:
            wanted.pop(camera_id, None)
        return
    camera = parse(record)
    if isinstance(camera, DesiredCamera) and camera.site == site and camera.key.encode() == record.key:
        wanted[camera.id] = camera
