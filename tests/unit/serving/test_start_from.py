"""Where a training may start: our folders, the authors' checkpoints, ConvNeXts of ImageNet."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from serving.errors import CheckpointError
from serving.inference.preprocess import channels_last
from serving.labels import CLASS_SETS, EIGHT, LABELS
from serving.model.folder import ModelConfig, save_model
from serving.model.sizes import Architecture
from serving.model.start import start_from
from tests.unit.serving.weight_examples import ALPHABETICAL, SMALL, random_state, timm_names, torchvision_names, trunk

State = dict[str, Tensor]
ORDER = [ALPHABETICAL.index(label) for label in LABELS]


def equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return all(torch.equal(found[name], value) for name, value in expected.items())


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def folder(path: Path, state: State, labels: tuple[str, ...] = LABELS, **changes: object) -> Path:
    architecture = dataclasses.replace(SMALL, num_classes=len(labels), **changes)  # type: ignore[arg-type]
    save_model(path, ModelConfig("small", "1", architecture, "none", labels), state)
    return path


def test_an_authors_checkpoint_fills_everything(tmp_path: Path) -> None:
    state = random_state(SMALL)
    model = SMALL.build()
    found = start_from(model, saved(tmp_path / "w.pt", {"model": state, "opt": {}}))
    own = model.state_dict()
    assert equal(own, {name: value for name, value in state.items() if not name.startswith("head.")})
    for name in ("head.weight", "head.bias"):  # alphabetical there
        assert torch.equal(own[name], state[name][ORDER])
    assert set(found.loaded) == set(own)
    assert found.fresh == ()
    assert str(
        found
    ) == f"started from the EmoNeXt checkpoint {tmp_path / 'w.pt'} (model): 100 entries loaded, 0 fresh (none)".replace(
        "100", str(len(own))
    )


def test_the_mapped_head_says_the_same_of_each_emotion(tmp_path: Path) -> None:
    theirs, ours = SMALL.build().eval(), SMALL.build().eval()
    theirs.load_state_dict(random_state(SMALL))
    start_from(ours, saved(tmp_path / "w.pt", theirs.state_dict()))
    images = torch.rand(3, 3, 48, 48)
    before, after = theirs(images), ours(images)
    for row, label in enumerate(LABELS):
        torch.testing.assert_close(after[:, row], before[:, ALPHABETICAL.index(label)])


def test_our_own_training_keeps_its_order(tmp_path: Path) -> None:
    state = random_state(SMALL)
    model = SMALL.build()
    found = start_from(model, saved(tmp_path / "best.pt", {"average": state, "epoch": 3}))
    assert equal(model.state_dict(), state)
    assert found.fresh == ()


@pytest.mark.parametrize("classes", [1000, 21841])
@pytest.mark.parametrize("rename", [dict, timm_names, torchvision_names])
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"model": s}, lambda s: {"state_dict": s}])
def test_a_convnext_fills_the_trunk(
    tmp_path: Path, classes: int, rename: Callable[[State], State], wrap: Callable[[State], object]
) -> None:
    state = trunk(random_state(SMALL), classes)
    model = SMALL.build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = start_from(model, saved(tmp_path / "w.pth", wrap(rename(state))))
    body = {name: value for name, value in state.items() if not name.startswith("head.")}
    own = model.state_dict()
    assert set(found.loaded) == set(body)
    assert set(found.fresh) == set(own) - set(body)
    assert equal(own, body)
    assert equal(own, {name: before[name] for name in found.fresh})
    added = ("localization", "fc_loc", "squeeze-excitation", "attention", "head")
    assert all(part in str(found) for part in ("ConvNeXt weights", f"{classes} classes, the model's 7", *added))


def test_a_convnext_without_a_head(tmp_path: Path) -> None:
    state = {name: value for name, value in trunk(random_state(SMALL)).items() if not name.startswith("head.")}
    save_file(state, tmp_path / "w.safetensors")
    found = start_from(SMALL.build(), tmp_path / "w.safetensors")
    assert set(found.loaded) == set(state)
    assert {"head.weight", "head.bias"} < set(found.fresh)


def test_a_convnext_fills_a_model_without_parts(tmp_path: Path) -> None:
    bare = dataclasses.replace(SMALL, stn=False, se=False, attention=False)
    found = start_from(bare.build(), saved(tmp_path / "w.pt", {"model": trunk(random_state(SMALL))}))
    assert set(found.fresh) == {"head.weight", "head.bias"}


def test_a_convnext_of_another_size(tmp_path: Path) -> None:
    wider = dataclasses.replace(SMALL, dims=(16, 24, 32, 64))
    with pytest.raises(CheckpointError, match=r"stages\.3\.0\.gamma \(64,\) instead of \(48,\)"):
        start_from(SMALL.build(), saved(tmp_path / "w.pt", {"model": trunk(random_state(wider))}))
    deeper = dataclasses.replace(SMALL, depths=(1, 2, 2, 1))
    with pytest.raises(CheckpointError, match=r"unknown: stages\.2\.1"):
        start_from(SMALL.build(), saved(tmp_path / "w.pt", {"model": trunk(random_state(deeper))}))


@pytest.mark.parametrize("rename", [dict, timm_names])
def test_convnext_v2_is_refused(tmp_path: Path, rename: Callable[[State], State]) -> None:
    state = rename({name: v for name, v in trunk(random_state(SMALL)).items() if not name.endswith("gamma")})
    name = "stages.0.0.grn.gamma" if rename is dict else "stages.0.blocks.0.mlp.grn.weight"
    with pytest.raises(CheckpointError, match=r"ConvNeXt V2 weights \(GRN, no gamma\)"):
        start_from(SMALL.build(), saved(tmp_path / "w.pt", {"model": state | {name: torch.zeros(1, 1, 1, 64)}}))


@pytest.mark.parametrize("there", [8, 3, 7])
@pytest.mark.parametrize("wanted", [8, 2])
def test_heads_of_other_classes_stay_fresh(tmp_path: Path, there: int, wanted: int) -> None:
    state = random_state(dataclasses.replace(SMALL, num_classes=there))
    model = dataclasses.replace(SMALL, num_classes=wanted).build()
    before = model.head.weight.detach().clone()
    found = start_from(model, saved(tmp_path / "w.pt", state))
    assert found.fresh == ("head.weight", "head.bias")
    assert torch.equal(model.head.weight, before)
    said = (
        f"has {there} classes, the model's {wanted}"
        if there != wanted
        else "order of the file's 8 classes is not known"
    )
    assert said in str(found)
    assert equal(model.state_dict(), {name: v for name, v in state.items() if not name.startswith("head.")})


def test_a_folder_of_ours(tmp_path: Path) -> None:
    state = random_state(SMALL)
    path = folder(tmp_path / "ours", state)
    for place in (path, path / "model.safetensors"):
        model = SMALL.build()
        found = start_from(model, place)
        assert torch.equal(model.head.weight, state["head.weight"].half().float())
        assert all(name.startswith("attention.") for name in found.fresh)
        assert "model folder" in str(found)


def test_a_folder_with_other_classes(tmp_path: Path) -> None:
    state = random_state(SMALL)
    cases = {
        ALPHABETICAL: None,
        CLASS_SETS["7-contempt"]: CLASS_SETS["7-contempt"],
    }
    for number, (labels, wanted) in enumerate(cases.items()):
        path = folder(tmp_path / str(number), state, labels)
        model = SMALL.build()
        start_from(model, path, wanted)
        order = [labels.index(label) for label in wanted or LABELS]
        assert torch.equal(model.head.bias, state["head.bias"].half().float()[order])
    found = start_from(SMALL.build(), tmp_path / "1")
    assert {"head.weight", "head.bias"} < set(found.fresh)
    assert "the file's classes are angry, disgust, fear, happy, sad, surprise, contempt" in str(found)
    wide = random_state(dataclasses.replace(SMALL, num_classes=8))
    model = dataclasses.replace(SMALL, num_classes=8).build()
    assert "head" not in str(start_from(model, folder(tmp_path / "8", wide, EIGHT)))
    assert torch.equal(model.head.bias, wide["head.bias"].half().float())


def test_the_second_head(tmp_path: Path) -> None:
    both = dataclasses.replace(SMALL, ferplus=True)
    state = random_state(both)
    path = folder(tmp_path / "both", state, ferplus=True)
    model = both.build()
    start_from(model, path)
    assert torch.equal(model.state_dict()["ferplus_head.bias"], state["ferplus_head.bias"].half().float())
    assert "ferplus_head was left out" in str(start_from(SMALL.build(), path))
    found = start_from(both.build(), saved(tmp_path / "w.pt", random_state(SMALL)))
    assert found.fresh == ("ferplus_head.weight", "ferplus_head.bias")


def test_parts_that_differ_are_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pt", random_state(dataclasses.replace(SMALL, stn=False)))
    with pytest.raises(CheckpointError, match=r"missing: localization\.0\.weight"):
        start_from(SMALL.build(), path)
    with pytest.raises(CheckpointError, match=r"unknown: localization\.0\.weight"):
        start_from(dataclasses.replace(SMALL, stn=False).build(), saved(path, random_state(SMALL)))
    larger = random_state(dataclasses.replace(SMALL, image_size=64))
    with pytest.raises(CheckpointError, match=r"fc_loc\.0\.weight \(32, 1440\) instead of \(32, 640\)"):
        start_from(SMALL.build(), saved(path, larger))
    without = random_state(dataclasses.replace(SMALL, attention=False))
    assert {name.split(".")[0] for name in start_from(SMALL.build(), saved(path, without)).fresh} == {"attention"}


def test_it_starts_a_model_that_is_laid_out_for_speed(tmp_path: Path) -> None:
    model = Architecture(depths=(1, 1), dims=(16, 32), image_size=32).build()
    channels_last(model)
    other = random_state(Architecture(depths=(1, 1), dims=(16, 32), image_size=32))
    start_from(model, saved(tmp_path / "w.pt", other))
    assert model.get_parameter("downsample_layers.1.1.weight").is_contiguous(memory_format=torch.channels_last)
    assert equal(model.state_dict(), {"norm.bias": other["norm.bias"]})
