"""The seam to face detectors, and the choice between them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pipeline.analyze.decode import Picture
from pipeline.analyze.detections import Detections
from pipeline.analyze.image import Image
from pipeline.errors import DependencyError
from pipeline.messages import ModelRef
from pipeline.settings import DetectSettings

log = logging.getLogger(__name__)


class FaceDetector(Protocol):
    """Finds faces. `ref` names it. Several threads may call `detect` at once."""

    @property
    def ref(self) -> ModelRef: ...

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """Images (height, width, 3) uint8, blue first, of any sizes -> faces of each, in pixels of that image."""
        ...


def locate(detector: FaceDetector, pictures: Sequence[Picture]) -> list[Detections]:
    """The faces of each picture, in pixels of the captured frame."""
    found = detector.detect([picture.small.image for picture in pictures])
    return [faces.scaled(picture.small.step) for faces, picture in zip(found, pictures, strict=True)]


def make(settings: DetectSettings, model_dir: Path | None) -> FaceDetector:
    """The detector that the settings ask for; for "auto", Haar cascade when YuNet's file cannot be had.

    Raises DependencyError when detector "yunet" is asked for by name and cannot be had.
    """
    from pipeline.analyze.haar import HaarCascade
    from pipeline.analyze.model_files import yunet_model
    from pipeline.analyze.yunet import YuNet

    if settings.detector != "haar":
        try:
            return YuNet(yunet_model(model_dir), settings.confidence, settings.threads)
        except DependencyError as error:
            if settings.detector == "yunet":
                raise
            log.warning("detector: OpenCV's Haar cascade, which finds fewer faces: %s", error)
    return HaarCascade(settings.confidence)
