"""The model against numbers that others computed: the reference at hand, and a naive second model."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from serving.model.emonext import EmoNeXt, loss
from serving.model.sizes import SIZES, Architecture
from tests.unit.serving import naive_emonext as naive
from tests.unit.serving.weight_examples import random_state

CASES = [
    Architecture(depths=(1, 2, 3, 1), dims=(32, 48, 64, 96), image_size=64),
    Architecture(depths=(2, 1, 1, 2), dims=(16, 24, 40, 56), num_classes=8, image_size=97),
    Architecture(depths=(1, 1, 1, 1), dims=(24, 16, 24, 16), num_classes=2, image_size=75),
    Architecture(depths=(1, 3, 2), dims=(20, 36, 52), num_classes=11, image_size=50),
    Architecture(depths=(2, 2), dims=(48, 80), num_classes=3, image_size=33),
    Architecture(depths=(1, 1, 1, 1), dims=(16, 32, 48, 64), num_classes=1, image_size=66, se=False),
    Architecture(depths=(1, 1, 2, 1), dims=(16, 32, 48, 64), image_size=62, stn=False),
]


@pytest.mark.parametrize(
    ("case", "dtype"), [*((case, torch.float32) for case in CASES), *((case, torch.float64) for case in CASES[:2])]
)
def test_a_naive_second_model_says_the_same(case: Architecture, dtype: torch.dtype) -> None:
    model = case.build().eval()
    model.load_state_dict(random_state(case, seed=sum(case.dims)))
    model = model.to(dtype)
    state = model.state_dict()
    generator = torch.Generator().manual_seed(7)
    images = torch.rand(3, 3, case.image_size, case.image_size, generator=generator, dtype=dtype)
    labels = torch.randint(case.num_classes, (3,), generator=generator)
    with torch.inference_mode():
        features = model.features(images)
        weights = model.attention_weights(features)
        logits = model(images)
        value = loss(logits, labels, weights, smoothing=0.2, lambda_=1.0)
        expected = naive.features(state, images)
        expected_weights = naive.attention(state, expected)
        expected_logits = naive.logits(state, expected)
        expected_value = naive.loss(expected_logits, labels, expected_weights, smoothing=0.2, lambda_=1.0)
    pairs = [
        (features, expected),
        (weights, expected_weights),
        (logits, expected_logits),
        (value, expected_value),
    ]
    if case.stn:
        with torch.inference_mode():
            matrices = naive.theta(state, images)
            assert (matrices - torch.eye(2, 3, dtype=dtype)).abs().max() > 0.1  # it does move the picture
            pairs += [(model.theta(images), matrices), (model.warp(images), naive.warp(images, matrices))]
    for one, other in pairs:
        torch.testing.assert_close(one, other, atol=2e-5 if dtype == torch.float32 else 1e-10, rtol=0)


def test_the_reference_numbers_within_2e_5(shared_data: Path) -> None:
    with safe_open(shared_data / "emonext_reference" / "small.safetensors", "pt") as file:
        sizes = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    depths, dims = (tuple(map(int, sizes[key].split(","))) for key in ("depths", "dims"))
    model = EmoNeXt(depths, dims, int(sizes["num_classes"])).eval()
    model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("state.")})
    state = model.state_dict()
    images = (tensors["images"].float() / 255).expand(-1, 3, -1, -1)
    with torch.inference_mode():
        features = model.features(images)
        weights, logits = model.attention_weights(features), model(images)
        found = {
            "theta": model.theta(images).view_as(tensors["theta"]),
            "features": features,
            "attention": weights,
            "logits": logits,
            "loss": loss(logits, tensors["labels"], weights, smoothing=0.2, lambda_=1.0).view(1),
        }
        again = naive.features(state, images[:2])
        naively = {  # the second model must itself be right
            "features": torch.cat([again, tensors["features"][2:]]),
            "attention": naive.attention(state, tensors["features"]),
            "logits": naive.logits(state, tensors["features"]),
            "loss": naive.loss(tensors["logits"], tensors["labels"], tensors["attention"], 0.2, 1.0).view(1),
        }
    for numbers in (found, naively):
        for name, value in numbers.items():
            torch.testing.assert_close(value, tensors[name], atol=2e-5, rtol=0)


def expected_shapes(case: Architecture) -> dict[str, tuple[int, ...]]:
    """The entries of a state dict, from the papers' facts."""
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name: str, *weight: int, bias: bool = True) -> None:
        shapes[f"{name}.weight"] = weight
        if bias:
            shapes[f"{name}.bias"] = weight[:1]

    dims, last = case.dims, case.dims[-1]
    side = ((case.image_size - 6) // 2 - 4) // 2
    for conv, shape in (("localization.0", (8, 3, 7, 7)), ("localization.4", (10, 8, 5, 5))):
        layer(conv, *shape)
        norm = {"localization.0": "localization.1", "localization.4": "localization.5"}[conv]
        layer(norm, shape[0])
        shapes |= {
            f"{norm}.running_mean": shape[:1],
            f"{norm}.running_var": shape[:1],
            f"{norm}.num_batches_tracked": (),
        }
    layer("fc_loc.0", 32, 10 * side * side)
    layer("fc_loc.2", 6, 32)
    layer("downsample_layers.0.0", dims[0], 3, 4, 4)
    layer("downsample_layers.0.1", dims[0])
    for at, (before, after) in enumerate(itertools.pairwise(dims), start=1):
        layer(f"downsample_layers.{at}.0", before)
        layer(f"downsample_layers.{at}.1", after, before, 2, 2)
        layer(f"downsample_layers.{at}.2.fc.0", after // 16, after, bias=False)
        layer(f"downsample_layers.{at}.2.fc.2", after, after // 16, bias=False)
    for stage, (depth, width) in enumerate(zip(case.depths, dims, strict=True)):
        for block in range(depth):
            at_block = f"stages.{stage}.{block}"
            layer(f"{at_block}.dwconv", width, 1, 7, 7)
            layer(f"{at_block}.norm", width)
            layer(f"{at_block}.pwconv1", 4 * width, width)
            layer(f"{at_block}.pwconv2", width, 4 * width)
            shapes[f"{at_block}.gamma"] = (width,)
    layer("norm", last)
    layer("attention.norm", last)
    for name in ("query", "key", "value"):
        layer(f"attention.{name}", last, last)
    layer("head", case.num_classes, last)
    return shapes


@pytest.mark.parametrize("size", ["tiny", "small", "base", "large", "xlarge", "atto", "femto", "pico", "nano"])
def test_names_and_shapes_of_every_size(size: str) -> None:
    with torch.device("meta"):
        model = SIZES[size].build()
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == expected_shapes(SIZES[size])


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ("tiny", 28_589_128),
        ("small", 50_223_688),
        ("base", 88_591_464),
        ("large", 197_767_336),
        ("xlarge", 350_196_968),
    ],
)
def test_the_trunks_are_as_large_as_published(size: str, count: int) -> None:
    plain = replace(SIZES[size], stn=False, se=False, attention=False, num_classes=1000)
    with torch.device("meta"):
        assert sum(p.numel() for p in plain.build().parameters()) == count


@pytest.mark.parametrize(
    ("size", "millions"),
    [
        ("tiny", 30.56),
        ("small", 52.20),
        ("base", 91.77),
        ("large", 204.58),
        ("xlarge", 362.31),
        ("atto", 4.57),
        ("femto", 6.17),
    ],
)
def test_parameters_with_everything(size: str, millions: float) -> None:
    with torch.device("meta"):
        model = SIZES[size].build()
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


def test_the_214_entries_of_tiny(shared_data: Path) -> None:
    listed = json.loads((shared_data / "emonext_reference" / "tiny_state_dict_shapes.json").read_text())
    assert len(listed) == 214
    assert {name: tuple(shape) for name, shape in listed.items()} == expected_shapes(SIZES["tiny"])


def test_the_loss_takes_probabilities_too() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(6, 7, generator=generator)
    labels = torch.randint(7, (6,), generator=generator)
    weights = torch.rand(6, 6, generator=generator)
    expected = naive.loss(logits, labels, weights, smoothing=0.1, lambda_=0.5)
    for target in (labels, torch.nn.functional.one_hot(labels, 7).float()):
        torch.testing.assert_close(loss(logits, target, weights, 0.1, 0.5), expected, atol=1e-6, rtol=0)
