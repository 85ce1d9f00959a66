"""An EmoNeXt's size, read off the shapes of its weights."""

import pytest
import torch

from serving.errors import CheckpointError
from serving.model.naming import architecture_of
from serving.model.sizes import SIZES, Architecture
from tests.unit.serving.weight_examples import SMALL

SHAPES = [
    *(pytest.param(SIZES[size], id=size) for size in ("tiny", "small", "base", "large", "xlarge", "atto", "femto")),
    SMALL,
    Architecture(depths=(1, 4), dims=(16, 64), num_classes=8, image_size=64),
    Architecture(depths=(1, 1, 1, 1, 1), dims=(16, 16, 32, 32, 64), num_classes=3, image_size=96),
    Architecture(depths=(2, 1, 11, 2), dims=(40, 48, 56, 64), stn=False),
    Architecture(depths=(2, 1, 1, 2), dims=(40, 48, 56, 64), num_classes=8, se=False),
    Architecture(depths=(2, 1, 1, 2), dims=(40, 48, 56, 64), stn=False, se=False, attention=False),
    Architecture(depths=(1, 1, 1, 1), dims=(16, 16, 32, 32), ferplus=True, attention=False, in_chans=1),
]


@pytest.mark.parametrize("architecture", SHAPES)
def test_the_size_is_read_off_the_shapes(architecture: Architecture) -> None:
    with torch.device("meta"):
        state = architecture.build().state_dict()
    read = architecture_of(state, "a file")
    assert read == architecture


def test_a_choice_of_picture_sizes_may_be_named() -> None:
    with torch.device("meta"):
        state = Architecture(depths=(1,), dims=(16,), image_size=50).build().state_dict()
    assert architecture_of(state, "a file").image_size == 52  # 50 to 53: the roundest
    assert architecture_of(state, "a file", 50).image_size == 50
    with pytest.raises(CheckpointError, match="50 to 53 px, not of 64"):
        architecture_of(state, "a file", 64)
    state["fc_loc.0.weight"] = torch.zeros(32, 777, device="meta")
    with pytest.raises(CheckpointError, match="fits no square picture"):
        architecture_of(state, "a file")


def test_another_stem_is_not_guessed() -> None:
    state = SIZES["atto-48"].build().state_dict()
    with pytest.raises(CheckpointError, match=r"stem of \(5, 5\)"):
        architecture_of(state, "a file")
