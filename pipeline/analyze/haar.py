"""OpenCV's own frontal-face cascade (Viola & Jones 2001, Lienhart): for machines where YuNet's file cannot be had.

Finds frontal, upright, evenly lit faces: on the project's clips about half of those that YuNet finds, at ten times
the cost. Knows no landmarks.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.analyze.detections import Detections
from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.errors import DependencyError
from pipeline.messages import ModelRef

FILE_NAME = "haarcascade_frontalface_default.xml"
SCALE_FACTOR = 1.2
MIN_NEIGHBORS = 3
MIN_SIDE = 20  # pixels
TIGHT = np.array([0.495, 0.523, 0.757, 0.996], np.float32)
"""A YuNet box in its cascade's square: centre x, y, width, height. Medians over the faces both find in the clips."""


class HaarCascade:
    """See FaceDetector. `confidence`: faces below it are left out; 0..1."""

    def __init__(self, confidence: float) -> None:
        path = Path(cv2.__file__).parent / "data" / FILE_NAME
        try:
            self._xml = path.read_text()
        except OSError as error:
            raise DependencyError(f"{path}: {error.strerror}", "install opencv-python-headless 4.x") from None
        self._confidence = confidence
        self._of_thread = threading.local()  # a cascade is not to be shared between threads
        sha256 = hashlib.sha256(self._xml.encode()).hexdigest()
        self.ref = ModelRef(name="haar-frontalface-default", version=cv2.__version__, sha256=sha256)

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> Detections:
        if min(image.shape[:2]) < MIN_SIDE:
            return Detections.none()
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found, _, weights = self._cascade().detectMultiScale3(
            gray, SCALE_FACTOR, MIN_NEIGHBORS, 0, (MIN_SIDE, MIN_SIDE), outputRejectLevels=True
        )
        if not len(found):
            return Detections.none()
        squares = np.asarray(found, np.float32)
        weight = np.asarray(weights, np.float32).clip(min=0)
        confidence = weight / (1 + weight)  # 0.7 at 2.3: most mistakes lie below, most faces above
        order = np.argsort(-confidence, kind="stable")
        order = order[confidence[order] >= self._confidence]
        side = squares[order, 2:]
        boxes = np.empty((len(order), 4), np.float32)
        boxes[:, 2:] = side * TIGHT[2:]
        boxes[:, :2] = squares[order, :2] + side * TIGHT[:2] - boxes[:, 2:] / 2
        return Detections(boxes, confidence[order])

    def _cascade(self) -> cv2.CascadeClassifier:
        cascade: cv2.CascadeClassifier | None = getattr(self._of_thread, "cascade", None)
        if cascade is None:
            storage = cv2.FileStorage(self._xml, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
            cascade = cv2.CascadeClassifier()
            cascade.read(storage.getFirstTopLevelNode())
            storage.release()
            self._of_thread.cascade = cascade
        return cascade
