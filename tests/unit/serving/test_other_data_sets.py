"""Training and evaluating on AffectNet and CK+ to the end, by command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serving.cli import model_app
from serving.labels import EIGHT, LABELS
from tests.unit.serving.serving_examples import RECIPE
from tests.unit.serving.tree_examples import affectnet_8labels, affectnet_2017, ckplus

EIGHT_CLASSES = RECIPE.replace("dims: [8, 8, 16, 16]", "dims: [8, 8, 16, 16], num_classes: 8")
QUICK = ("--no-ten-crop", "--no-conditions")


def command(*arguments: str | Path | int) -> tuple[int, str, str]:
    result = CliRunner().invoke(model_app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def trained(tmp_path: Path, recipe: str, data: Path, *arguments: str | int) -> Path:
    """The model's folder."""
    (tmp_path / "tiny.yaml").write_text(recipe)
    run = tmp_path / "run"
    code, out, error = command(
        "train", "--config", tmp_path / "tiny.yaml", "--data", data, "--out", run, "--epochs", 1, *arguments
    )
    assert code == 0, out + error
    return run / "model"


def evaluated(tmp_path: Path, model: Path, data: Path, *arguments: str | int) -> dict[str, object]:
    report = tmp_path / "report.json"
    code, out, error = command("evaluate", "--data", data, "--model", model, "--report", report, *QUICK, *arguments)
    assert code == 0, out + error
    found: dict[str, object] = json.loads(report.read_text())
    return found


@pytest.mark.parametrize("build", [affectnet_2017, affectnet_8labels])
def test_affectnet(tmp_path: Path, build: object) -> None:
    data = tmp_path / "affectnet"
    assert callable(build)
    build(data, 40)
    model = trained(tmp_path, EIGHT_CLASSES, data, "--classes", "8")
    assert json.loads((model / "config.json").read_text())["labels"] == list(EIGHT)
    assert list((tmp_path / "run" / "faces").glob("affectnet-*-training-*.npy"))
    found = evaluated(tmp_path, model, data)
    assert found["n"] == 16
    assert found["split"] == "validation"


@pytest.mark.parametrize(
    ("classes", "recipe", "labels"),
    [("7", RECIPE, LABELS), ("7-contempt", RECIPE, (*LABELS[:6], "contempt")), ("8", EIGHT_CLASSES, EIGHT)],
)
def test_ckplus(tmp_path: Path, classes: str, recipe: str, labels: tuple[str, ...]) -> None:
    data = ckplus(tmp_path / "ck")
    model = trained(tmp_path, recipe, data, "--classes", classes, "--fold", 2, "--peak-frames", 3)
    assert json.loads((model / "config.json").read_text())["labels"] == list(labels)
    found = evaluated(tmp_path, model, data, "--split", "test", "--fold", 2)
    assert found["n"] == {"7": 10, "7-contempt": 6, "8": 12}[classes]
    other = tmp_path / "tiny.yaml"
    code, _, error = command("train", "--config", other, "--data", data, "--out", tmp_path / "run",
                             "--epochs", 2, "--classes", classes, "--fold", 3)  # fmt: skip
    assert (code, error.count("\n")) == (2, 1)
    assert "fold 2, these are" in error


def test_other_classes_than_the_recipe_s_or_the_model_s(tmp_path: Path, model_dir: Path, fer_csv: Path) -> None:
    data = affectnet_8labels(tmp_path / "set", 16, 8)
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    start = ("train", "--config", tmp_path / "tiny.yaml", "--out", tmp_path / "run", "--data")
    code, _, error = command(*start, data, "--classes", "8")
    assert (code, error.count("\n")) == (2, 1)
    assert "num_classes is 7" in error
    assert "8 classes (angry, disgust, fear, happy, sad, surprise, neutral, contempt)" in error
    code, _, error = command(*start, fer_csv, "--classes", "8")
    assert (code, error.count("\n")) == (2, 1)
    assert "FER2013 has the classes" in error
    code, _, error = command(*start, data, "--classes", "9")
    assert (code, error) == (2, "error: no classes '9': there are 7, 8, 7-contempt\n")
    code, _, error = command("evaluate", "--data", data, "--model", model_dir, "--classes", "8")
    assert (code, error.count("\n")) == (2, 1)
    assert "the model's classes are angry" in error


def test_broken_pictures_stop_a_training_before_it_begins(tmp_path: Path) -> None:
    data = affectnet_8labels(tmp_path / "set", 40, 8)
    (data / "train_set" / "images" / "3.jpg").write_bytes(b"broken")
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    start = ("train", "--config", tmp_path / "tiny.yaml", "--out", tmp_path / "run", "--data", data, "--epochs", 1)
    code, out, error = command(*start)
    assert (code, error.count("\n")) == (2, 1)
    assert "3.jpg" in error
    assert "epoch" not in out
    code, out, error = command(*start, "--skip-bad")
    assert code == 0, error
    assert "left out 1 that cannot be used" in out
