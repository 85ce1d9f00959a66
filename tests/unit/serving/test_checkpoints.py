"""Foreign files of weights: every wrapping is read, no code is run, what does not fit loads nothing."""

import argparse
import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from serving.errors import CheckpointError
from serving.model.checkpoint import save_weights
from serving.model.naming import with_our_names
from serving.model.start import start_from
from serving.model.weights_file import read_weights
from tests.unit.serving.weight_examples import SMALL, random_state, timm_names, torchvision_names, trunk

State = dict[str, Tensor]


def under(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


def ema(state: State, begun: bool = True) -> State:
    """As the class that the authors average with stores itself."""
    flags = {"initted": torch.tensor(begun), "step": torch.tensor(4711)}
    return under("online_model.", random_state(SMALL, 9)) | under("ema_model.", state) | flags


OPT = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-3}]}
OTHER = random_state(SMALL, 5)
WRAPPINGS: dict[str, tuple[str, Callable[[State], Any]]] = {
    "bare": ("", lambda state: state),
    "ordered": ("", OrderedDict),
    "bare with bookkeeping": ("", lambda state: state | {"initted": torch.tensor(True), "step": torch.tensor(5)}),
    "model": ("model", lambda state: {"model": state, "opt": OPT, "epoch": 3, "best_acc": 0.7}),
    "state_dict": ("state_dict", lambda state: {"state_dict": state}),
    "module": ("module", lambda state: under("module.", state)),
    "state_dict of module": ("state_dict.module", lambda state: {"state_dict": under("module.", state)}),
    "lightning": ("state_dict.model", lambda state: {"state_dict": under("model.", state), "hyper_parameters": {}}),
    "compiled": ("model._orig_mod", lambda state: {"model": under("_orig_mod.", state)}),
    "compiled in parallel": ("model.module._orig_mod", lambda state: {"model": under("module._orig_mod.", state)}),
    "deep": ("checkpoint.net.model", lambda state: {"checkpoint": {"net": {"model": state}}}),
    "parameters": ("model", lambda state: {"model": {n: _parameter(v) for n, v in state.items()}}),
    "half": ("model", lambda state: {"model": {n: v.half() if v.is_floating_point() else v for n, v in state.items()}}),
    "authors": ("ema.ema_model", lambda state: {"model": OTHER, "ema": ema(state), "opt": OPT, "scaler": {}}),
    "authors in parallel": (
        "ema.ema_model.module",
        lambda state: {"model": under("module.", OTHER), "ema": under("ema_model.module.", state)},
    ),
    "bare ema": ("ema_model", ema),
    "model_ema": ("model_ema", lambda state: {"model": OTHER, "model_ema": state}),
    "state_dict_ema": ("state_dict_ema", lambda state: {"state_dict": OTHER, "state_dict_ema": state}),
    "torch's own average": (
        "ema.module",
        lambda state: {"ema": under("module.", state) | {"n_averaged": torch.tensor(9)}},
    ),
    "an average not begun": ("model", lambda state: {"model": state, "ema": ema(OTHER, begun=False)}),
    "the same twice": ("model", lambda state: {"model": state, "state_dict": state}),
    "named moments": ("model", lambda state: {"model": state, "optimizer": {"exp_avg": OTHER}}),
}


def _parameter(value: Tensor) -> Tensor:
    return torch.nn.Parameter(value) if value.is_floating_point() else value


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_wrapping(tmp_path: Path, wrapping: str) -> None:
    entry, wrap = WRAPPINGS[wrapping]
    state = random_state(SMALL)
    path = tmp_path / "weights.pth"
    torch.save(wrap(state), path)
    found = read_weights(path)
    assert found.entry == entry
    assert found.state.keys() == state.keys()
    assert all(torch.allclose(found.state[name].float(), value.float(), atol=1e-2) for name, value in state.items())
    if wrapping != "half":
        assert all(torch.equal(found.state[name], value) for name, value in state.items())


@pytest.mark.parametrize("prefix", ["", "module.", "ema_model.", "model.ema.", "features."])
def test_safetensors_under_any_name(tmp_path: Path, prefix: str) -> None:
    state = random_state(SMALL)
    for name in ("weights.safetensors", "weights.pt"):
        save_file(under(prefix, state), tmp_path / name)
        assert read_weights(tmp_path / name).state.keys() == state.keys()
    torch.save(state, tmp_path / "zip.safetensors")
    torch.save(state, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("zip.safetensors", "old.pt"):
        assert read_weights(tmp_path / name).state.keys() == state.keys()


def test_a_person_may_choose_the_set(tmp_path: Path) -> None:
    state = random_state(SMALL)
    path = tmp_path / "weights.pt"
    torch.save({"model": OTHER, "ema": ema(state)}, path)
    assert read_weights(path).others == ("model", "ema.online_model")
    assert torch.equal(read_weights(path, "model").state["head.bias"], OTHER["head.bias"])
    assert read_weights(path, "ema").entry == "ema.ema_model"
    with pytest.raises(CheckpointError, match=r"no weights under 'best'; there are model, ema\.\w+, ema\.\w+$"):
        read_weights(path, "best")
    torch.save({"student": state, "teacher": OTHER}, path)
    with pytest.raises(CheckpointError, match=r"several sets of weights \(student, teacher\)"):
        read_weights(path)


class Malicious:
    """A pickle that, loaded with code, makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "weights.safetensors", "model.bin"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_no_code_is_run(tmp_path: Path, name: str, protocol: int) -> None:
    made, path = tmp_path / "made", tmp_path / name
    content = {"model": random_state(SMALL), "extra": Malicious(made)}
    model = SMALL.build()
    for form in ("zip", "legacy", "pickle"):
        if form == "pickle":
            path.write_bytes(pickle.dumps(Malicious(made), protocol))
        else:
            torch.save(content, path, _use_new_zipfile_serialization=form == "zip", pickle_protocol=protocol)
        for load in (read_weights, lambda path: start_from(model, path)):
            with pytest.raises(CheckpointError) as caught:
                load(path)
            assert str(path) in str(caught.value)
            assert "\n" not in str(caught.value)
        assert not made.exists()


@pytest.mark.parametrize(("thing", "said"), [(argparse.Namespace(lr=1), "argparse.Namespace"), (Path("x"), "pathlib")])
def test_objects_are_refused_with_a_way_out(tmp_path: Path, thing: object, said: str) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"model": random_state(SMALL), "args": thing}, path)
    with pytest.raises(CheckpointError) as caught:
        read_weights(path)
    for part in (str(path), said, "could run code", "state_dict()", "safetensors"):
        assert part in str(caught.value)


def test_a_whole_pickled_model_is_refused(tmp_path: Path) -> None:
    torch.save(SMALL.build(), tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"serving\.model\.emonext\.EmoNeXt"):
        read_weights(tmp_path / "model.pt")


@pytest.mark.parametrize(
    "content", [[1, 2], {}, {"a": {"b": torch.zeros(2)}}, {0: torch.zeros(1)}, torch.zeros(3), "x"]
)
def test_files_without_weights(tmp_path: Path, content: object) -> None:
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"weights\.pt holds no"):
        read_weights(path)


def test_a_dict_that_holds_itself(tmp_path: Path) -> None:
    content: dict[str, Any] = {"model": random_state(SMALL)}
    content["model"]["again"] = content
    torch.save(content, tmp_path / "weights.pt")
    assert read_weights(tmp_path / "weights.pt").entry == "model"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(CheckpointError, match="cannot read the weights"):
            read_weights(path)


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_truncated_and_damaged_files(tmp_path: Path, form: str) -> None:
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pt")
    state = {name: value for name, value in random_state(SMALL).items() if "fc_loc.0" not in name}
    if form == "safetensors":
        save_file(state, path)
    else:
        torch.save({"model": state}, path, _use_new_zipfile_serialization=form == "zip")
    whole = path.read_bytes()
    model = SMALL.build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.Generator().manual_seed(1)
    cuts = [0, 1, 2, 9, 100, len(whole) // 2, len(whole) - 1]
    contents = [whole[:cut] for cut in cuts]
    for _ in range(40):  # damage where the structure lies: at the start and the end
        damaged = bytearray(whole)
        for place in torch.randint(-3000, 3000, (20,), generator=generator).tolist():
            damaged[place] = int(torch.randint(256, (1,), generator=generator))
        contents.append(bytes(damaged))
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(CheckpointError) as caught:  # at the latest for the entries left out
            start_from(model, path)
        assert len(str(caught.value).splitlines()) == 1
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_changed_weight_is_noticed_where_the_file_has_checksums(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(random_state(SMALL), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"w\.pt is no readable checkpoint: the checksum of its .* is wrong"):
        read_weights(path)


def without(name: str) -> Callable[[State], State]:
    return lambda state: {key: value for key, value in state.items() if key != name}


def changed(name: str, change: Callable[[Tensor], Tensor]) -> Callable[[State], State]:
    return lambda state: state | {name: change(state[name])}


def with_one(value: float) -> Callable[[Tensor], Tensor]:
    def change(tensor: Tensor) -> Tensor:
        tensor = tensor.clone()
        tensor.view(-1)[-1] = value
        return tensor

    return change


WEIGHT = "stages.1.1.pwconv2.weight"
MISFITS: dict[str, tuple[Callable[[State], State], str]] = {
    "missing": (without(WEIGHT), f"missing: {WEIGHT}"),
    "no stem": (without("downsample_layers.0.0.weight"), "downsample_layers.0.0.weight"),
    "part of the attention": (without("attention.key.bias"), "missing: attention.key.bias"),
    "half a squeeze": (without("downsample_layers.2.2.fc.0.weight"), r"missing: downsample_layers.2.2.fc.0.weight"),
    "no bias of the head": (without("head.bias"), "missing: head.bias"),
    "no head": (lambda state: {n: v for n, v in state.items() if not n.startswith("head")}, "head.weight"),
    "unknown": (lambda state: state | {"stages.0.0.extra": torch.zeros(1)}, "unknown: stages.0.0.extra"),
    "another shape": (changed(WEIGHT, lambda value: value[:-1]), rf"{WEIGHT} (23, 96) instead of (24, 96)"),
    "scalar": (changed("norm.bias", lambda value: value.sum()), "norm.bias () instead of (48,)"),
    "integers": (changed(WEIGHT, lambda value: value.int()), f"of another type: {WEIGHT} int32"),
    "truth values": (changed("norm.bias", lambda value: value > 0), "of another type: norm.bias bool"),
    "complex": (changed("head.bias", lambda value: value.to(torch.complex64)), "of another type: head.bias complex64"),
    "sparse": (changed("head.weight", lambda value: value.to_sparse()), "head.weight"),
    "nan": (changed(WEIGHT, with_one(torch.nan)), f"not finite: {WEIGHT}"),
    "inf": (changed("localization.1.running_var", with_one(torch.inf)), "not finite: localization.1.running_var"),
    "beyond fp32": (changed("head.bias", lambda value: value.double() * 1e300), "not finite: head.bias"),
    "a name of two lines": (lambda state: state | {"stages.0\n.x": torch.zeros(1)}, r"stages.0\n.x"),
}


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
@pytest.mark.parametrize("misfit", MISFITS)
def test_what_does_not_fit_is_named_and_nothing_is_loaded(tmp_path: Path, misfit: str, kind: str) -> None:
    change, said = MISFITS[misfit]
    path = tmp_path / f"weights.{kind}"
    state = {
        name: value.contiguous() if not value.is_sparse else value
        for name, value in change(random_state(SMALL)).items()
    }
    if kind == "safetensors":
        if misfit == "sparse":
            pytest.skip("safetensors holds no sparse tensors")
        save_file(state, path)
    else:
        torch.save({"model": state}, path)
    model = SMALL.build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        start_from(model, path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("rename", [dict, timm_names, torchvision_names, lambda s: timm_names(s, conv_mlp=True)])
def test_names_of_others(rename: Callable[[State], State]) -> None:
    state = trunk(random_state(SMALL))
    _, found = with_our_names(rename(state), "a file")
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], value) for name, value in state.items())


def test_weights_beyond_fp16_stay_whole(tmp_path: Path) -> None:
    state = random_state(SMALL) | {"localization.1.running_var": torch.full((8,), 1e6)}
    save_weights(tmp_path / "model.safetensors", state)
    assert torch.equal(
        read_weights(tmp_path / "model.safetensors").state["localization.1.running_var"], torch.full((8,), 1e6)
    )
