"""The parts around the model: depthwise product, replicas, optimiser, augmentation, calibration."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from serving.evaluation.calibrate import fit_slope, fit_temperature
from serving.inference.confidence import tempered
from serving.model.depthwise import depthwise_matmul
from serving.model.emonext import loss
from serving.training.augment import Augmentation, Mixing, Targets
from serving.training.optim import Muon, learning_rate, optimisers, orthogonalise, split_parameters
from serving.training.parallel import Replicas
from serving.training.recipe import Recipe
from tests.unit.serving.serving_examples import TINY


@pytest.mark.parametrize(("height", "width", "kernel"), [(1, 1, 7), (3, 3, 7), (6, 5, 7), (8, 8, 3)])
def test_depthwise_product_is_the_convolution(height: int, width: int, kernel: int) -> None:
    conv = torch.nn.Conv2d(4, 4, kernel, padding=kernel // 2, groups=4)
    x = torch.randn(2, 4, height, width, requires_grad=True)
    expected = conv(x)
    found = depthwise_matmul(x.permute(0, 2, 3, 1), conv.weight, conv.bias).permute(0, 3, 1, 2)
    torch.testing.assert_close(found, expected)
    parameters = [x, conv.weight, conv.bias]
    seed = torch.randn_like(expected)
    for mine, theirs in zip(
        torch.autograd.grad(found, parameters, seed), torch.autograd.grad(expected, parameters, seed), strict=True
    ):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


def test_replicas_sum_to_the_batch_gradient() -> None:
    torch.manual_seed(0)
    # Without the parts that look across a batch, shares of a batch and the whole are the same.
    model = copy.deepcopy(TINY.build())
    model.localization = model.fc_loc = model.attention = None
    for module in model.modules():
        if hasattr(module, "drop_path"):
            module.drop_path = 0.0
    images, labels = torch.rand(10, 3, 48, 48), torch.arange(10) % 7
    targets: Targets = {"fer2013": F.one_hot(labels, 7).float()}
    expected = loss(model(images), labels, smoothing=0.1)
    gradients = torch.autograd.grad(expected, list(model.parameters()))
    replicas = Replicas(model, 3)
    found = replicas.gradients(images, targets, lambda a, b, c: loss(a["fer2013"], b["fer2013"], c, 0.1))
    replicas.close()
    assert found == pytest.approx(expected.item(), abs=1e-5)
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-5, rtol=1e-3)


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    for shape in ((20, 50), (50, 20)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
        assert 0.5 < values.min() < values.max() < 1.4


def test_muon_takes_the_trunks_matrices_and_learns() -> None:
    torch.manual_seed(0)
    matrices, weights, plain = split_parameters(TINY.build())
    assert len(matrices) == 2 * 4 + 3  # two linears a block, three convolutions between the stages
    assert all(p.ndim >= 2 for p in weights)
    assert all(p.ndim == 1 for p in plain)
    target, weight = torch.randn(8, 8), torch.nn.Parameter(torch.zeros(8, 8))
    optimiser = Muon([weight], 0.05)
    errors = []
    for _ in range(60):
        optimiser.zero_grad()
        error = (weight - target).square().mean()
        error.backward()
        errors.append(error.item())
        optimiser.step()
    assert errors[-1] < 0.3 * errors[0]


def test_what_decays_and_what_moves_gently() -> None:
    model = TINY.build()
    for decay_all in (False, True):
        recipe = Recipe(name="x", weight_decay=0.1, rate=1.0, stn_rate=0.25, decay_all=decay_all)
        found = {
            id(parameter): group
            for optimiser in optimisers(model, recipe, map, torch.float32)
            for group in optimiser.param_groups
            for parameter in group["params"]
        }
        assert len(found) == len(list(model.parameters()))
        assert model.localization is not None
        assert found[id(model.localization[0].weight)]["full_rate"] == 0.25
        assert found[id(model.head.weight)] == found[id(model.head.weight)] | {"full_rate": 1.0, "weight_decay": 0.1}
        assert found[id(model.norm.bias)]["weight_decay"] == (0.1 if decay_all else 0.0)


def test_learning_rate_over_time() -> None:
    cosine = Recipe(name="x", warmup=0.1)
    assert learning_rate(5, 100, cosine) == 0.5
    assert learning_rate(10, 100, cosine) == 1
    assert learning_rate(100, 100, cosine) == pytest.approx(0)
    trapezoid = replace(cosine, schedule="trapezoid", decay=0.4)
    assert learning_rate(50, 100, trapezoid) == 1
    assert learning_rate(80, 100, trapezoid) == pytest.approx(0.5)
    restarts = replace(cosine, schedule="restarts", cycle=20)
    assert [learning_rate(step, 100, restarts) for step in (0, 1, 2, 11, 20, 22)] == pytest.approx(
        [0, 0.5, 1, 0.5, 0, 1]
    )


STILL = Augmentation(flip=0, degrees=0, scale=0, shift=0, erase=0)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_moved_faces_stay_within_bounds_and_repeat() -> None:
    faces = torch.rand(16, 1, 48, 48)
    once = Augmentation().moved(faces, seeded())
    assert once.shape == faces.shape
    assert not torch.equal(once, faces)
    assert torch.equal(once, Augmentation().moved(faces, seeded()))
    torch.testing.assert_close(STILL.moved(faces, seeded()), faces, atol=1e-4, rtol=0)
    for change, expected in (({"flip": 1.0}, faces.flip(3)), ({"flip_vertical": 1.0}, faces.flip(2))):
        mirrored = replace(STILL, **change).moved(faces, seeded())
        torch.testing.assert_close(mirrored, expected, atol=1e-4, rtol=0)
    blank = (replace(STILL, erase=1).moved(faces, seeded()) == 0).flatten(1).float().mean(1)
    assert ((blank > 0.005) & (blank < 0.2)).all()


def test_poorer_cameras_lose_detail_light_and_quiet() -> None:
    faces = torch.rand(64, 1, 48, 48)
    assert torch.equal(STILL.seen(faces, seeded()), faces)

    def detail(pictures: torch.Tensor) -> torch.Tensor:
        return pictures.diff(dim=3).abs().flatten(1).mean(1)

    assert (detail(replace(STILL, shrink=1).seen(faces, seeded())) < detail(faces)).all()
    exposed = replace(STILL, expose=1).seen(faces, seeded())
    torch.testing.assert_close(exposed * 255, (exposed * 255).round())  # as coarse as eight bits
    assert exposed.mean((1, 2, 3)).min() < 0.3
    assert exposed.mean((1, 2, 3)).max() > 0.7
    gray = torch.full((64, 1, 48, 48), 0.5)
    deviations = replace(STILL, noise=1).seen(gray, seeded()).std((1, 2, 3))
    assert deviations.max() < 0.065
    assert deviations.max() > 0.04


@pytest.mark.parametrize("mixing", [Mixing(mixup=0.5), Mixing(cutmix=0.5), Mixing(mixup=0.5, cutmix=0.5)])
def test_mixed_targets_are_mixed_like_their_pictures(mixing: Mixing) -> None:
    """Of even pictures, each of its own gray: the mean gray tells the share of either partner."""
    grays = torch.arange(8) / 8
    faces = grays[:, None, None, None].expand(8, 1, 48, 48)
    for seed in range(10):
        generator = torch.Generator().manual_seed(seed)
        mixed, targets = mixing(faces, {"fer2013": torch.eye(8)}, generator)
        torch.testing.assert_close(mixed.mean((1, 2, 3)), targets["fer2013"] @ grays, atol=1e-5, rtol=0)
    faces = torch.rand(8, 1, 48, 48)
    assert torch.equal(Mixing()(faces, {}, seeded())[0], faces)


def test_temperature_undoes_a_known_scale() -> None:
    torch.manual_seed(0)
    logits = torch.randn(4_000, 7) * 2
    labels = torch.multinomial(logits.softmax(1), 1)[:, 0]
    temperature, entropy = fit_temperature(logits * 1.7, labels)
    assert temperature == pytest.approx(1.7, rel=0.1)
    before = F.cross_entropy(logits * 1.7, labels)
    assert F.cross_entropy(logits * 1.7 / temperature, labels) == pytest.approx(entropy, abs=1e-6)
    assert entropy < before


def test_a_known_slope_is_found_and_keeps_every_order() -> None:
    """Rows that were spoilt by a temperature of their own, higher where they were surer."""
    torch.manual_seed(0)
    logits = torch.randn(20_000, 7) * 2
    labels = torch.multinomial(logits.softmax(1), 1)[:, 0]
    spoilt = tempered(logits, 1.2, -0.3)
    temperature, slope = fit_slope(spoilt, labels)
    assert slope > 0.1
    mended = tempered(spoilt, temperature, slope)
    assert torch.equal(mended.argsort(1), spoilt.argsort(1))
    gap = F.cross_entropy(spoilt, labels) - F.cross_entropy(logits, labels)
    assert F.cross_entropy(mended, labels) - F.cross_entropy(logits, labels) < 0.2 * gap
