"""From crops to probabilities: what the TorchServe handler and the in-process classifier both call."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from serving.errors import CheckpointError, CropError
from serving.inference.confidence import probabilities
from serving.inference.crops import check_crop
from serving.inference.dtypes import fast_dtype
from serving.inference.preprocess import as_channels, channels_last
from serving.model.calibration import HeadCalibration, read_calibration
from serving.model.emonext import Head
from serving.model.files import model_digest, weights_sha256
from serving.model.folder import ModelInfo, load_model
from serving.server.wire import ItemError

Crops = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]  # N crops, or an array of N equal ones


class Predictor:
    """A model folder, loaded for inference.

    head: whose answer `predict` gives; None: the one that the folder says to serve. threads: CPU threads
    of torch, for the whole process; None leaves them. batch: crops a forward pass at most. device:
    "cpu", "cuda", or None for the GPU where there is one.
    CheckpointError: the folder holds no usable model, or none with that head.
    """

    def __init__(
        self,
        model_dir: Path,
        head: Head | None = None,
        *,
        threads: int | None = None,
        batch: int = 64,
        device: str | None = None,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype = fast_dtype(self.device)
        model, self.config = load_model(model_dir)
        self.info = ModelInfo(self.config.name, self.config.version, weights_sha256(model_dir))
        self.digest = model_digest(model_dir)
        self.head: Head = head or self.config.serves
        if self.head not in self.config.heads:
            raise CheckpointError(f"{model_dir} has no head {self.head!r}, only {', '.join(self.config.heads)}")
        known = read_calibration(model_dir)
        self.calibration = {name: known.get(name, HeadCalibration()) for name in self.config.heads}
        self.model = channels_last(model.to(self.device))
        self.preprocess = self.config.preprocessing
        self.batch = batch

    def warm_up(self, seconds: float) -> None:
        """Runs each size of batch once, the small ones first, until so many seconds are over.

        The first batch of a size is slow, and the buffers that are kept for it stay: better now than among requests.
        """
        side = self.config.crop.size
        end = time.monotonic() + seconds
        for size in sorted({padded(count) for count in range(1, self.batch + 1)}):
            if time.monotonic() < end:
                self.predict(np.zeros((size, side, side), np.uint8))

    def predict(self, crops: Crops) -> NDArray[np.float32]:
        """N crops uint8 (H, W) or (H, W, 3) BGR -> probabilities (N, classes), in the labels' order.

        CropError: one of them is no crop.
        """
        found = [self._forward(crops[i : i + self.batch]) for i in range(0, len(crops), self.batch)]
        if not found:
            return np.zeros((0, len(self.config.labels)), np.float32)
        return np.concatenate(found)

    def predict_each(self, items: Sequence[NDArray[np.uint8] | ItemError]) -> list[NDArray[np.float32] | ItemError]:
        """As `predict`, but a crop that is none, or gets no finite scores, is an ItemError and spoils nothing."""
        answers: list[NDArray[np.float32] | ItemError] = [ItemError("no crop")] * len(items)
        good = []
        for index, item in enumerate(items):
            if isinstance(item, ItemError):
                answers[index] = item
                continue
            try:
                check_crop(item)
            except CropError as error:
                answers[index] = ItemError(str(error))
            else:
                good.append((index, item))
        for (index, _), scores in zip(good, self.predict([crop for _, crop in good]), strict=True):
            answers[index] = scores if np.isfinite(scores).all() else ItemError("the model gives no probabilities")
        return answers

    def logits(self, crops: Crops) -> torch.Tensor:
        """At most `batch` crops -> logits (N, classes) float32 on the CPU, before the temperature."""
        return self.heads(self.preprocess(crops))[self.head]

    @torch.inference_mode()
    def heads(self, pictures: torch.Tensor) -> dict[Head, torch.Tensor]:
        """Preprocessed pictures (N, 1, size, size) -> each head's logits, as `logits` has them."""
        padding = pictures.new_zeros((padded(len(pictures)) - len(pictures), *pictures.shape[1:]))
        faces = as_channels(torch.cat([pictures, padding]), self.config.architecture.in_chans).to(self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            found = self.model.logits(self.model.features(faces))
        return {head: logits[: len(pictures)].float().cpu() for head, logits in found.items()}

    def _forward(self, crops: Crops) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = probabilities(self.logits(crops), self.calibration[self.head])
        return scores


def padded(count: int) -> int:
    """The size of the batch that so many pictures are run in: a power of two, or half as much again.

    oneDNN keeps buffers for every size of batch that it has seen. With 64 sizes a process grew by a gigabyte.
    """
    power = 1 << max(0, count - 1).bit_length()
    return 3 * power // 4 if power >= 4 and count <= 3 * power // 4 else power
