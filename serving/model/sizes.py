"""The model's sizes: a frozen config for each, and the one place that builds a model from a config."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

from serving.errors import RecipeError
from serving.labels import NUM_CLASSES
from serving.model.emonext import EmoNeXt, Init
from serving.strict import Bounds, check_bounds, typed

BOUNDS: Bounds = {
    "depths": (1, inf), "dims": (1, inf), "num_classes": (1, inf), "image_size": (1, inf), "in_chans": (1, inf),
    "drop_path": (0, 0.9), "stem_kernel": (1, inf), "stem_stride": (1, inf), "layer_scale": (0, inf),
    "stn_pool": (1, inf), "matmul_grid": (0, inf),
}  # fmt: skip


@dataclass(frozen=True)
class Architecture:
    """Everything that decides a model's shape. Defaults are the paper's, at EmoNeXt-T's size."""

    depths: tuple[int, ...] = (3, 3, 9, 3)
    dims: tuple[int, ...] = (96, 192, 384, 768)
    num_classes: int = NUM_CLASSES
    image_size: int = 224  # px, a side
    in_chans: int = 3  # gray repeated three times, as the paper does
    drop_path: float = 0.1
    stn: bool = True
    se: bool = True
    attention: bool = True  # needed for training only
    ferplus: bool = False  # a second head, for FER+'s votes
    stem_kernel: int = 4
    stem_stride: int = 4  # 3 with a kernel of 5 overlaps: 48 px become 16 x 16 positions
    layer_scale: float = 1e-6  # 1.0 for narrow nets trained from scratch
    init: Init = "trunc_normal"
    stn_pool: int | None = None  # side the localization's map is pooled to: several picture sizes
    matmul_grid: int = 0  # in training: depthwise as matrix product up to so many positions

    def build(self) -> EmoNeXt:
        """A new model with fresh weights. ValueError where the numbers do not fit each other."""
        return EmoNeXt(**asdict(self))


SIZES: dict[str, Architecture] = {
    "tiny": Architecture(),
    "small": Architecture(depths=(3, 3, 27, 3)),
    "base": Architecture(depths=(3, 3, 27, 3), dims=(128, 256, 512, 1024)),
    "large": Architecture(depths=(3, 3, 27, 3), dims=(192, 384, 768, 1536)),
    "xlarge": Architecture(depths=(3, 3, 27, 3), dims=(256, 512, 1024, 2048)),
    # The small trunks are those of ConvNeXt V2 (Woo et al., CVPR 2023), without its GRN.
    "atto": Architecture(depths=(2, 2, 6, 2), dims=(40, 80, 160, 320)),
    "femto": Architecture(depths=(2, 2, 6, 2), dims=(48, 96, 192, 384)),
    "pico": Architecture(depths=(2, 2, 6, 2), dims=(64, 128, 256, 512)),
    "nano": Architecture(depths=(2, 2, 8, 2), dims=(80, 160, 320, 640)),
}
# For faces of 48 px: an overlapping stem that leaves 16 x 16 positions to the first stage.
SIZES |= {
    f"{name}-48": replace(
        SIZES[name],
        image_size=48,
        stem_kernel=5,
        stem_stride=3,
        drop_path=0.05,
        layer_scale=1.0,
        init="fan_in",
        matmul_grid=36,
    )
    for name in ("atto", "femto", "pico", "nano")
}


def architecture_from(content: Any) -> Architecture:
    """An Architecture from {size: one of SIZES, any field: value}; the fields override the size.

    RecipeError: an entry is unknown or unfit. That the numbers fit each other is seen when it is built.
    """
    if not isinstance(content, Mapping):
        raise RecipeError("architecture: a mapping is expected")
    fields = dict(content)
    size = fields.pop("size", "tiny")
    if not isinstance(size, str) or size not in SIZES:
        raise RecipeError(f"architecture: no size {size!r}; there are {', '.join(SIZES)}")
    found = typed(SIZES[size], fields, "architecture")
    check_bounds(found, BOUNDS, "architecture")
    return found
