"""A whole set of faces through a model: as it is served, ten-crop, or changed before it sees them."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from serving.data.faces import FaceSet
from serving.inference.predictor import Predictor
from serving.model.emonext import Head

Pixels = NDArray[np.uint8]
Logits = dict[Head, Tensor]  # each (N, classes)
TEN_CROP_RATIO = 236 / 224  # the paper's: pictures enlarged by so much, then cut to size
CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5))  # y, x of the cuts, as parts of the room there is


def nobody(faces: int) -> None:
    """Hears of the faces done, and does nothing."""


def single_crop(
    predictor: Predictor,
    faces: FaceSet,
    advance: Callable[[int], None] = nobody,
    change: Callable[[Pixels], Pixels] = lambda pixels: pixels,
) -> Logits:
    """What each head says of each face, one picture a face: the served way. `change`: of N crops, before."""
    parts = []
    for pixels in _batches(predictor, faces):
        parts.append(predictor.heads(predictor.preprocess(change(pixels))))
        advance(len(pixels))
    return _together(parts)


def ten_crop(predictor: Predictor, faces: FaceSet, advance: Callable[[int], None] = nobody) -> Logits:
    """The logits' mean over the four corners and the centre of enlarged pictures, each mirrored too."""
    size = predictor.config.architecture.image_size
    large = round(size * TEN_CROP_RATIO)
    parts = []
    for pixels in _batches(predictor, faces):
        pictures = F.interpolate(predictor.preprocess.batch(pixels), (large, large), mode="bilinear")
        views = []
        for y, x in CORNERS:
            top, left = int(y * (large - size)), int(x * (large - size))
            cut = pictures[:, :, top : top + size, left : left + size]
            for view in (cut, cut.flip(3)):
                views.append(predictor.heads(view))
                advance(len(pixels))
        parts.append({head: torch.stack([view[head] for view in views]).mean(0) for head in views[0]})
    return _together(parts)


def _batches(predictor: Predictor, faces: FaceSet) -> Iterator[Pixels]:
    for start in range(0, len(faces), predictor.batch):
        yield faces.pixels[start : start + predictor.batch]


def _together(parts: list[Logits]) -> Logits:
    return {head: torch.cat([part[head] for part in parts]) for head in parts[0]}
