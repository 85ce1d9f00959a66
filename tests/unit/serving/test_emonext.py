"""The model against the authors' numbers, names and shapes, and for sizes they never used."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open

from serving.model.emonext import BatchAttention, Block, EmoNeXt, LayerNorm2d, loss
from serving.model.sizes import SIZES


def test_reference_numbers(shared_data: Path) -> None:
    path = shared_data / "emonext_reference" / "small.safetensors"
    with safe_open(path, "pt") as file:
        sizes = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    numbers = {key: [int(value) for value in sizes[key].split(",")] for key in ("depths", "dims")}
    model = EmoNeXt(**numbers, num_classes=int(sizes["num_classes"])).eval()
    own = model.state_dict()
    state = {name[6:]: value for name, value in tensors.items() if name.startswith("state.")}
    model.load_state_dict({name: value.to(own[name].dtype) for name, value in state.items()})
    images = (tensors["images"].float() / 255).expand(-1, 3, -1, -1)
    with torch.inference_mode():
        features = model.features(images)
        attention = model.attention_weights(features)
        logits = model(images)
        value = loss(logits, tensors["labels"], attention, smoothing=0.2, lambda_=1.0)
        theta = model.theta(images)
    torch.testing.assert_close(theta, tensors["theta"].view_as(theta), atol=2e-5, rtol=0)
    torch.testing.assert_close(features, tensors["features"], atol=2e-5, rtol=0)
    torch.testing.assert_close(logits, tensors["logits"], atol=2e-5, rtol=0)
    torch.testing.assert_close(attention, tensors["attention"], atol=1e-4, rtol=0)
    assert value.item() == pytest.approx(tensors["loss"].item(), abs=1e-4)


def test_tiny_has_the_authors_names_and_shapes(shared_data: Path) -> None:
    path = shared_data / "emonext_reference" / "tiny_state_dict_shapes.json"
    found = {name: list(value.shape) for name, value in EmoNeXt().state_dict().items()}
    assert found == json.loads(path.read_text())


@pytest.mark.parametrize(("size", "millions"), [("atto", 4.57), ("femto", 6.17)])
def test_parameter_counts(size: str, millions: float) -> None:
    model = SIZES[size].build()
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize(
    ("depths", "dims", "classes", "side"),
    [((1, 1, 2, 1), (8, 16, 24, 32), 8, 64), ((1, 2, 1), (8, 8, 16), 3, 50), ((1, 1, 1, 1), (16, 16, 16, 16), 2, 97)],
)
def test_any_size(depths: tuple[int, ...], dims: tuple[int, ...], classes: int, side: int) -> None:
    model = EmoNeXt(depths=depths, dims=dims, num_classes=classes, image_size=side)
    images = torch.rand(2, 3, side, side)
    logits, attention = model(images), model.attention_weights(model.features(images))
    assert logits.shape == (2, classes)
    assert attention is not None
    torch.testing.assert_close(attention.sum(1), torch.ones(2))
    torch.testing.assert_close(model.theta(images), torch.eye(2, 3).expand(2, 2, 3))  # a new one does nothing


def test_the_details_that_numbers_do_not_show() -> None:
    model = EmoNeXt((1, 1), (8, 16), image_size=32).eval()
    assert model.attention is not None
    assert model.attention.norm.eps == 1e-5
    norms = [m for m in model.modules() if isinstance(m, LayerNorm2d | Block)]
    assert all((n.eps if isinstance(n, LayerNorm2d) else n.norm.eps) == 1e-6 for n in norms)
    assert model.fc_loc is not None
    model.fc_loc[2].bias.data = torch.tensor([0.8, 0.1, 0.2, -0.1, 0.9, 0.0])
    images = torch.rand(2, 3, 32, 32)
    grid = F.affine_grid(model.theta(images), [2, 3, 32, 32], align_corners=True)
    torch.testing.assert_close(model.warp(images), F.grid_sample(images, grid, align_corners=True))


def test_drop_path_rises_to_its_rate() -> None:
    model = EmoNeXt((1, 2), (8, 8), image_size=32, drop_path=0.2)
    rates = [m.drop_path for m in model.modules() if isinstance(m, Block)]
    assert rates == pytest.approx([0, 0.1, 0.2])


def test_training_with_matrix_products_computes_the_same() -> None:
    torch.manual_seed(0)
    plain = EmoNeXt((1, 1), (8, 16), image_size=32, drop_path=0, layer_scale=1, init="fan_in")
    other = EmoNeXt((1, 1), (8, 16), image_size=32, drop_path=0, layer_scale=1, matmul_grid=64)
    other.load_state_dict(plain.state_dict())
    images = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(other.train()(images), plain.train()(images), atol=1e-5, rtol=1e-4)


def test_parts_can_be_left_out() -> None:
    model = EmoNeXt((1, 1), (8, 8), image_size=32, stn=False, se=False, attention=False)
    names = list(model.state_dict())
    assert not any(name.startswith(("attention", "localization", "fc_loc")) or ".fc." in name for name in names)
    assert model(torch.rand(1, 3, 32, 32)).shape == (1, 7)
    with pytest.raises(ValueError, match="attention=False"):
        model.attention_weights(torch.rand(2, 8))
    with pytest.raises(ValueError, match="stn=False"):
        model.theta(torch.rand(1, 3, 32, 32))


def test_a_pooled_transformer_takes_several_sizes() -> None:
    model = EmoNeXt((1, 1), (8, 8), image_size=48, stn_pool=4).eval()
    assert model(torch.rand(1, 3, 48, 48)).shape == model(torch.rand(1, 3, 32, 32)).shape
    with pytest.raises(ValueError, match="stn_pool"):
        EmoNeXt((1, 1), (8, 8), image_size=48)(torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize("side", [0, 4, 17, 31])
def test_too_small_a_picture(side: int) -> None:
    with pytest.raises(ValueError, match="image_size"):
        EmoNeXt((1, 1, 1, 1), (8, 8, 8, 8), image_size=side)


def test_depths_and_dims_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        EmoNeXt((1, 1), (8, 8, 8), image_size=32)


def test_the_loss_adds_the_variance_of_the_weights() -> None:
    logits, labels = torch.randn(4, 7), torch.tensor([0, 1, 2, 3])
    weights = BatchAttention(16)(torch.randn(4, 16))
    plain = F.cross_entropy(logits, labels, label_smoothing=0.1)
    assert loss(logits, labels, None, 0.1) == plain
    assert loss(logits, labels, weights, 0.1, 0.0) == plain
    torch.testing.assert_close(loss(logits, labels, weights, 0.1, 3.0), plain + 3 * weights.var(correction=0))
