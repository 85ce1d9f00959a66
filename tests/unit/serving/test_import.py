"""`emostream model import`: an authors' checkpoint becomes a model folder that everything here takes."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from serving.cli import model_app
from serving.errors import CheckpointError, RecipeError
from serving.inference.predictor import Predictor
from serving.labels import EIGHT, LABELS
from serving.model.authors import import_weights
from serving.model.classes import ORDERS, labels_named
from serving.model.folder import load_model, read_config
from serving.model.sizes import Architecture
from serving.server.package import package
from tests.unit.serving.serving_examples import faces
from tests.unit.serving.weight_examples import ALPHABETICAL, SMALL, random_state, trunk

PAPERS = Architecture(depths=(1, 1, 1, 1), dims=(16, 24, 32, 48))  # 224 px


def command(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(model_app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def saved(path: Path, architecture: Architecture, entry: str | None = None) -> Path:
    state = random_state(architecture)
    halves = {name: value.half().to(value.dtype) for name, value in state.items()}
    torch.save(halves if entry is None else {entry: halves}, path)
    return path


def test_from_a_checkpoint_to_predictions(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pt", PAPERS, "model")
    out = tmp_path / "emonext-small"
    code, said, error = command("import", "--weights", path, "--out", out)
    assert code == 0, error
    assert all(part in said for part in ("224 px", "7 classes", "neutral, sad, surprise", str(out)))
    config = read_config(out)
    assert config.name == "emonext-small"
    assert config.labels == LABELS
    assert (config.normalise, config.crop.size, config.crop.color) == ("none", 224, "gray")
    assert config.architecture == PAPERS
    assert not any(name.startswith("attention.") for name in load_file(out / "model.safetensors"))

    theirs = PAPERS.build().eval()
    theirs.load_state_dict(torch.load(path)["model"])
    crops = np.random.default_rng(0).integers(0, 256, (3, 224, 224)).astype(np.uint8)
    images = torch.from_numpy(crops).float().div(255)[:, None].expand(-1, 3, -1, -1)
    with torch.inference_mode():
        expected = theirs(images).softmax(1).numpy()
    found = Predictor(out, device="cpu").predict(crops)
    for row, label in enumerate(LABELS):
        np.testing.assert_allclose(found[:, row], expected[:, ALPHABETICAL.index(label)], atol=0.02)  # bf16 may be used
    model, _ = load_model(out)
    with torch.inference_mode():
        order = [ALPHABETICAL.index(label) for label in LABELS]
        torch.testing.assert_close(model(images), theirs(images)[:, order], atol=2e-5, rtol=0)


def test_what_was_imported_is_measured_and_packaged(tmp_path: Path, fer_csv: Path) -> None:
    out = tmp_path / "emonext-small"
    import_weights(saved(tmp_path / "w.pt", SMALL), out)
    code, _, error = command("evaluate", "--data", fer_csv, "--model", out, "--limit", 5, "--threads", 1)
    assert code == 0, error
    assert package(out, tmp_path).name == "emonext-small.mar"
    assert Predictor(out).predict(faces(2)).shape == (2, 7)


def test_names_and_orders_can_be_given(tmp_path: Path) -> None:
    eight = dataclasses.replace(SMALL, num_classes=8)
    path = saved(tmp_path / "w.pt", eight)
    code, _, error = command("import", "--weights", path, "--out", tmp_path / "none")
    assert code == 2
    assert all(name in error for name in ("8 classes", "--labels", *ORDERS))
    assert error.count("\n") == 1
    assert not (tmp_path / "none").exists()

    bias = random_state(eight)["head.bias"].half()
    mine = "Neutral, happiness, sad,surprise,fear,disgust,anger,contempt"
    for number, (given, order) in enumerate(
        [("affectnet", "affectnet"), (mine, "affectnet"), ("alphabetical", "alphabetical")]
    ):
        out = tmp_path / str(number)
        code, _, error = command("import", "--weights", path, "--out", out, "--labels", given, "--name", "eight")
        assert code == 0, error
        assert read_config(out).labels == EIGHT
        assert read_config(out).name == "eight"
        expected = bias[[ORDERS[order].index(label) for label in EIGHT]]
        assert torch.equal(load_file(out / "model.safetensors")["head.bias"], expected)


def test_classes_that_are_not_ours_keep_their_order(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pt", dataclasses.replace(SMALL, num_classes=3))
    with pytest.raises(CheckpointError, match=r"3 classes .* give it with --labels, each class between commas$"):
        import_weights(path, tmp_path / "out")
    import_weights(path, tmp_path / "out", labels="calm,awake,asleep")
    assert read_config(tmp_path / "out").labels == ("calm", "awake", "asleep")
    import_weights(path, tmp_path / "some", labels="neutral,contempt,angry")
    assert read_config(tmp_path / "some").labels == ("angry", "neutral", "contempt")
    for bad in ("a,b", "a,a,b", "affectnet", "", "a,b,"):
        with pytest.raises(RecipeError, match="3 classes"):
            import_weights(path, tmp_path / "bad", labels=bad)


def test_the_known_orders() -> None:
    assert labels_named("alphabetical", 7, "it") == ALPHABETICAL
    assert labels_named("fer2013", 7, "it") == LABELS
    assert labels_named("affectnet", 8, "it")[0] == "neutral"
    assert all(sorted(order) == sorted(EIGHT) for order in ORDERS.values())


@pytest.mark.parametrize(
    "changes", [{"stn": False}, {"se": False}, {"stn": False, "se": False, "attention": False}, {"ferplus": True}]
)
def test_variants(tmp_path: Path, changes: dict[str, bool]) -> None:
    variant = dataclasses.replace(SMALL, **changes)  # type: ignore[arg-type]
    path = saved(tmp_path / "w.pt", variant)
    found = import_weights(path, tmp_path / "out", image_size=48)
    assert found.config.architecture == variant
    assert load_model(tmp_path / "out")[0](torch.rand(1, 3, 48, 48)).shape == (1, 7)
    assert ("without STN" in str(found)) is ("stn" in changes)


def test_the_average_or_the_set_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    one, other = random_state(SMALL, 1), random_state(SMALL, 2)
    torch.save({"model": one, "ema": {f"ema_model.{name}": value for name, value in other.items()}}, path)
    assert "(ema.ema_model), of the file's 2 sets" in str(import_weights(path, tmp_path / "a"))
    code, said, _ = command("import", "--weights", path, "--out", tmp_path / "m", "--entry", "model")
    assert code == 0
    assert f"{path} (model)" in said
    biases = [load_file(tmp_path / name / "model.safetensors")["norm.bias"] for name in ("a", "m")]
    assert torch.equal(biases[0], other["norm.bias"].half())
    assert torch.equal(biases[1], one["norm.bias"].half())


def test_what_is_no_emotion_model_leaves_no_folder(tmp_path: Path) -> None:
    path, out = tmp_path / "w.pt", tmp_path / "out"
    torch.save({"model": trunk(random_state(SMALL))}, path)
    with pytest.raises(CheckpointError, match=r"1000 classes of objects: train with it as a recipe's start_from"):
        import_weights(path, out)
    state = random_state(SMALL)
    for broken, said in (
        ({n: v for n, v in state.items() if n != "stages.1.0.norm.bias"}, r"missing: stages\.1\.0\.norm\.bias"),
        ({n: v for n, v in state.items() if not n.startswith("stages.1.")}, "does not fit"),
        ({n: v for n, v in state.items() if n != "head.weight"}, "no whole EmoNeXt"),
        (state | {"norm.bias": torch.full((48,), torch.nan)}, r"not finite: norm\.bias"),
        (state | {"head.weight": state["head.weight"].long()}, r"of another type: head\.weight int64"),
        ({f"stages.0.0.{n}": v for n, v in state.items() if n.startswith("norm")}, "no whole EmoNeXt"),
    ):
        torch.save(broken, path)
        with pytest.raises(CheckpointError, match=said):
            import_weights(path, out)
    assert not out.exists()


def test_what_is_ours_is_not_imported(tmp_path: Path, model_dir: Path) -> None:
    with pytest.raises(CheckpointError, match="is a model folder already"):
        import_weights(model_dir / "model.safetensors", tmp_path / "out")
    with pytest.raises(CheckpointError, match="--export-only"):
        import_weights(saved(tmp_path / "best.pt", SMALL, "average"), tmp_path / "out")


def test_no_folder_is_overwritten(tmp_path: Path, model_dir: Path) -> None:
    path = saved(tmp_path / "w.pt", SMALL)
    before = (model_dir / "config.json").read_text()
    code, _, error = command("import", "--weights", path, "--out", model_dir)
    assert code == 2
    assert "holds a model already" in error
    assert (model_dir / "config.json").read_text() == before
    with pytest.raises(RecipeError, match="cannot write into"):
        import_weights(path, path / "below")
    assert json.loads(before)["name"] == "tiny"
