"""From frames to faces: decode, detect, cut out; and back from scores to what is said of a face.

`look` runs in several threads at once and holds no state between frames.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from pipeline.analyze.crop import Cropper, Cut
from pipeline.analyze.decode import Decoder, Picture
from pipeline.analyze.detect import FaceDetector, locate
from pipeline.analyze.detections import Detections
from pipeline.analyze.gate import Gate
from pipeline.analyze.image import Image
from pipeline.analyze.observe import Seen
from pipeline.analyze.sight.glance import glance
from pipeline.analyze.sight.shown import Shown
from pipeline.classify.abstain import verdict
from pipeline.classify.classifier import Classifier, Probabilities
from pipeline.errors import BadRecord
from pipeline.messages import Face, FrameHeader, ModelRef, scores_of
from pipeline.settings import Settings
from pipeline.sketch import sketch
from pipeline.zones import Zones

Moments = dict[str, tuple[float, float]]
"""When each stage began and ended, in steady seconds. Frames that are looked at together share those of `detect`."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A frame's faces. `crops[i]` shows `seen.faces[cropped[i]]`; faces that are not read have no crop.

    `sketch`: what a preview is made from, where one is due. `moments`: see there.
    """

    seen: Seen
    cropped: list[int] = field(default_factory=list)
    crops: list[Image] = field(default_factory=list)
    sketch: Image | None = None
    moments: Moments = field(default_factory=dict)


class Vision:
    """`batch`: pictures that are given to the detector at once."""

    def __init__(self, settings: Settings, detector: FaceDetector, classifier: Classifier) -> None:
        analyze, detect = settings.analyze, settings.detect
        self.batch = detect.batch
        self._detector = detector
        self._zones = Zones(settings.zones)
        self._glances = settings.sight.enabled
        self._preview_cells = settings.privacy.preview_cells
        self._decode = Decoder(analyze.max_frame_bytes, analyze.max_frame_pixels, detect.max_side)
        margin = classifier.crop.margin if analyze.crop_margin is None else analyze.crop_margin
        self._cut = Cropper(classifier.crop, Gate(settings.quality, detect.min_face_px), detect.max_faces, margin)

    @property
    def detector(self) -> ModelRef:
        return self._detector.ref

    def look(
        self, frames: Sequence[tuple[FrameHeader, bytes]], sketched: Collection[int] = ()
    ) -> list[Looked | BadRecord]:
        """One answer a frame, in order. `sketched`: which of them are given a sketch."""
        answers: dict[int, Looked | BadRecord] = {}
        pictures: dict[int, Picture] = {}
        decoded: dict[int, tuple[float, float]] = {}
        for at, (header, jpeg) in enumerate(frames):
            began = time.monotonic()
            try:
                pictures[at] = self._decode(jpeg, header)
            except BadRecord as error:
                answers[at] = error
            decoded[at] = began, time.monotonic()
        began = time.monotonic()
        found = locate(self._detector, list(pictures.values()))
        detected = began, time.monotonic()
        share = (detected[1] - began) / max(1, len(pictures))
        for (at, picture), faces in zip(pictures.items(), found, strict=True):
            try:
                timings = {"decode": decoded[at][1] - decoded[at][0], "detect": share}
                looked = self._cut_out(frames[at][0], picture, faces, timings)
                looked.moments.update(decode=decoded[at], detect=detected)
                if at in sketched:
                    looked = replace(looked, sketch=sketch(picture.small.image, self._preview_cells))
                answers[at] = looked
            except BadRecord as error:
                answers[at] = error
        return [answers[at] for at in range(len(frames))]

    def _cut_out(self, header: FrameHeader, picture: Picture, faces: Detections, timings: dict[str, float]) -> Looked:
        began = time.monotonic()
        cuts = sorted(self._cut(picture, faces), key=lambda cut: cut.box.x)
        timings["crop"] = time.monotonic() - began
        found = [self._face(header, cut) for cut in cuts]
        looked = Looked(Seen(picture.width, picture.height, found, timings))
        if self._glances:
            began = time.monotonic()
            size = picture.width, picture.height
            looked.seen.glance = glance(picture.small.image, Shown(header.masks, size) if header.masks else None)
            timings["sight"] = time.monotonic() - began
        for at, cut in enumerate(cuts):
            if cut.crop is not None:
                looked.cropped.append(at)
                looked.crops.append(cut.crop)
        return looked

    def _face(self, header: FrameHeader, cut: Cut) -> Face:
        middle = cut.box.x + cut.box.width / 2, cut.box.y + cut.box.height / 2
        return Face(
            bbox=cut.box,
            detection_confidence=cut.confidence,
            quality=cut.quality,
            abstained=cut.crop is None,
            reason=cut.rejected,
            inferred=False,
            zone_ids=self._zones.at(header.frame_id.camera, header.captured_at, middle),
        )


def read_face(face: Face, probabilities: Probabilities, error: str | None, by: Classifier, meant: Classifier) -> Face:
    """The face with its scores; abstained, with the reason, when the model failed on it or is not sure.

    `by`: the model that read it; it is named where it is not the one that was meant to.
    """
    if error is not None:
        return face.model_copy(update={"abstained": True, "reason": "model_error", "inferred": False})
    said = verdict(probabilities, by.abstain_below)
    return face.model_copy(
        update={
            "scores": scores_of(probabilities.tolist()),
            "label": said.label,
            "confidence": round(said.confidence, 4),
            "abstained": said.abstained,
            "reason": said.reason,
            "inferred": True,
            "model": None if by is meant else by.model,
        }
    )
