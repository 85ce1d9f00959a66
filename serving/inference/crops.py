"""What a face crop is. Light to import: clients need no torch."""

import numpy as np

from serving.errors import CropError

MAX_SIDE = 1024  # px; a crop beyond it is a mistake upstream


def check_crop(crop: object) -> None:
    """CropError unless `crop` is uint8 (H, W) or (H, W, 3) with sides of 1 to 1024 px."""
    if not isinstance(crop, np.ndarray) or crop.dtype != np.uint8:
        raise CropError("a crop must be an array of uint8")
    if crop.ndim not in (2, 3) or (crop.ndim == 3 and crop.shape[2] != 3):
        raise CropError(f"a crop must be (H, W) or (H, W, 3), not {crop.shape}")
    if not all(1 <= side <= MAX_SIDE for side in crop.shape[:2]):
        raise CropError(f"a crop's sides must be 1 to {MAX_SIDE} px, not {crop.shape[:2]}")
