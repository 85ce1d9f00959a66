"""From a csv to an archive: training, being killed, resuming, evaluating, packaging, by command line."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from serving.cli import model_app
from serving.data.fer2013 import load_fer2013
from serving.errors import OutputError, RecipeError
from serving.inference.predictor import Predictor
from serving.model.checkpoint import load_training, save_training
from serving.model.emonext import Block
from serving.server.package import package
from serving.training.batches import stream
from serving.training.progress import Progress
from serving.training.recipe import load_recipe
from serving.training.trainer import Trainer
from tests.unit.serving.serving_examples import RECIPE, other_pixels


def command(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(model_app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def trained(fer_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "tiny.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("serving.evaluation.calibrate.LEAST", 20)
        code, out, error = command("train", "--config", folder / "tiny.yaml", "--data", fer_csv, "--out", folder)
    assert code == 0, out + error
    assert "epoch 3/3: loss" in out
    return folder


def test_a_run_leaves_a_model_and_a_log(trained: Path) -> None:
    lines = (trained / "log.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,held_back_loss,held_back_accuracy,held_back_ferplus,seconds,busy"
    assert len(lines) == 4
    assert (trained / "model" / "model.safetensors").exists()
    heads = json.loads((trained / "model" / "calibration.json").read_text())["heads"]
    assert list(heads) == ["fer2013"]
    assert 0.2 <= heads["fer2013"]["temperature"] <= 5
    assert heads["fer2013"]["fitted_on"].endswith("faces held back from FER2013 Training")
    assert load_recipe(trained / "model" / "recipe.yaml") == load_recipe(trained / "tiny.yaml")


def test_a_resumed_run_equals_an_undisturbed_one(trained: Path, fer_csv: Path, tmp_path: Path, recipe: Path) -> None:
    faces = load_fer2013(fer_csv, "Training")
    for _ in range(3):  # a new process a time, as far as the trainer can tell
        trainer = Trainer(load_recipe(recipe), faces, tmp_path)
        trainer.resume()
        epochs = len(trainer.results) + 1
        trainer.recipe = load_recipe(recipe)
        _train_until(trainer, epochs)
    one, other = (load_training(folder / "checkpoint.pt") for folder in (trained, tmp_path))
    for part in ("model", "average"):
        assert all(torch.equal(value, other[part][name]) for name, value in one[part].items())


def test_it_survives_kill_9(fer_csv: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "long.yaml"
    recipe.write_text(RECIPE.replace("epochs: 3", "epochs: 500"))
    arguments = ["train", "--config", str(recipe), "--data", str(fer_csv), "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.cli", *arguments], env=environment, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    code, _, error = command(*arguments)
    assert code == 2
    assert "another training is running" in error
    process.kill()
    process.wait()
    done = len(load_training(tmp_path / "checkpoint.pt")["results"])
    code, out, error = command(*arguments, "--epochs", str(done + 1))
    assert code == 0, out + error
    assert f"going on after epoch {done}" in out


def test_another_recipe_does_not_resume(trained: Path, fer_csv: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.yaml"
    changed.write_text(RECIPE.replace("batch: 16", "batch: 8"))
    trainer = Trainer(load_recipe(changed), load_fer2013(fer_csv, "Training"), trained)
    with pytest.raises(RecipeError, match=r"other settings \(batch\)"):
        trainer.resume()


def test_the_best_epoch_is_never_lost(
    trained: Path, fer_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed right after every file that a run keeps its weights in."""

    def killed(path: Path, state: dict[str, object]) -> None:
        save_training(path, state)
        raise KeyboardInterrupt

    arguments = ("train", "--config", trained / "tiny.yaml", "--data", fer_csv, "--out", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("serving.training.trainer.save_training", killed)
        for _ in range(3):
            assert command(*arguments)[0] != 0
    code, out, error = command(*arguments)
    assert code == 0, out + error
    weights, others = (folder / "model" / "model.safetensors" for folder in (trained, tmp_path))
    assert weights.read_bytes() == others.read_bytes()


def test_export_only_is_of_the_run_or_nothing(trained: Path, fer_csv: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    (run / "model" / "README.md").write_text("the card")
    before = {path.name: path.read_bytes() for path in (run / "model").iterdir()}
    other = other_pixels(fer_csv, tmp_path / "other.csv")
    wide = tmp_path / "wide.yaml"
    wide.write_text(RECIPE.replace("16, 16]", "16, 24]"))
    for config, data, out, said in (
        (wide, fer_csv, run, "other settings (architecture)"),
        (run / "tiny.yaml", other, run, "other pixels"),
        (run / "tiny.yaml", fer_csv, tmp_path / "none", "there is no run"),
    ):
        code, _, error = command("train", "--export-only", "--config", config, "--data", data, "--out", out)
        assert (code, error.count("\n")) == (2, 1)
        assert said in error
        assert {path.name: path.read_bytes() for path in (run / "model").iterdir()} == before
    assert not (tmp_path / "none").exists()
    code, out, error = command("train", "--export-only", "--config", run / "tiny.yaml", "--data", fer_csv, "--out", run)
    assert code == 0, out + error
    assert "not calibrated" in out  # of so few faces
    assert {path.name for path in (run / "model").iterdir()} == before.keys() - {"calibration.json"}
    assert (run / "model" / "model.safetensors").read_bytes() == before["model.safetensors"]


def test_a_foreign_checkpoint_is_named(trained: Path, fer_csv: Path, tmp_path: Path) -> None:
    save_training(tmp_path / "checkpoint.pt", {"a": 1})
    code, _, error = command("train", "--config", trained / "tiny.yaml", "--data", fer_csv, "--out", tmp_path)
    assert (code, error.count("\n")) == (2, 1)
    assert "checkpoint.pt is no checkpoint of such a training" in error


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    save_training(path, {"a": torch.ones(2)})
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*state\.pt: File too large"):
            save_training(path, {"a": torch.ones(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


def test_places_that_cannot_be_written_are_found_before_the_work(trained: Path, fer_csv: Path, tmp_path: Path) -> None:
    file, data = tmp_path / "file", ("--data", fer_csv)
    file.touch()
    evaluate = ("evaluate", *data, "--model", tmp_path / "no model yet")
    for arguments in (
        ("train", "--config", trained / "tiny.yaml", *data, "--out", file),
        (*evaluate, "--report", tmp_path),
        (*evaluate, "--markdown", file / "page.md"),
        (*evaluate, "--plots", file),
        ("data", "--check", *data, "--report", tmp_path),
    ):
        code, _, error = command(*arguments)
        assert (code, error.count("\n")) == (2, 1)
        assert error.startswith("error: cannot write")


def test_no_two_epochs_or_replicas_share_their_randomness(trained: Path, fer_csv: Path, tmp_path: Path) -> None:
    trainer = Trainer(load_recipe(trained / "tiny.yaml"), load_fer2013(fer_csv, "Training"), tmp_path)
    found = []
    for epoch in (1, 2):
        trainer.replicas.seed(stream(0, epoch))
        blocks = (next(m for m in model.modules() if isinstance(m, Block)) for model in trainer.replicas.models)
        found += [stream(0, epoch), *(block.generator.initial_seed() for block in blocks if block.generator)]
    trainer.close()
    assert len(set(found)) == len(found) == 6


def test_evaluate_writes_the_report(trained: Path, fer_csv: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    model = trained / "model"
    code, out, error = command("evaluate", "--data", fer_csv, "--model", model, "--report", report)
    assert code == 0, out + error
    found = json.loads(report.read_text())
    assert found["split"] == "PublicTest"
    assert found["n"] == 28
    assert 0 <= found["accuracy"]["single_crop"] <= 1
    assert 0 <= found["accuracy"]["ten_crop"] <= 1
    assert found["accuracy_ferplus"] is None
    assert set(found["per_class"]) == {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"}
    assert found["per_class"]["angry"]["n"] == 5
    assert found["seen_in_training"]["n"] == 2
    few = ("--limit", "7", "--no-ten-crop")
    code, _, _ = command("evaluate", "--data", fer_csv, "--model", model, "--report", report, *few)
    assert json.loads(report.read_text())["n"] == 7
    assert json.loads(report.read_text())["accuracy"]["ten_crop"] is None


@pytest.mark.parametrize("arguments", [("--split", "PublicTest"), ("--split", "Nothing")])
def test_missing_data_is_exit_code_2_and_one_line(tmp_path: Path, arguments: tuple[str, str]) -> None:
    code, _, error = command("evaluate", "--data", tmp_path / "none.csv", *arguments)
    assert code == 2
    assert error.count("\n") == 1
    assert "none.csv" in error


def test_other_errors_are_one_line_too(tmp_path: Path, fer_csv: Path) -> None:
    code, _, error = command("info", "--model", tmp_path)
    assert (code, error.count("\n")) == (2, 1)
    code, _, error = command("train", "--config", tmp_path / "x.yaml", "--data", fer_csv, "--out", tmp_path)
    assert (code, error.count("\n")) == (2, 1)


def test_info(trained: Path) -> None:
    code, out, _ = command("info", "--model", trained / "model")
    assert code == 0
    assert json.loads(out)["name"] == "tiny"


def test_archives_are_equal_and_need_nothing_beside_them(trained: Path, tmp_path: Path) -> None:
    code, out, _ = command("package", "--model", trained / "model", "--out", tmp_path / "a")
    assert code == 0
    first, second = Path(out.strip()), package(trained / "model", tmp_path / "b")
    assert first.name == "tiny.mar"
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        archive.extractall(tmp_path / "unpacked")
    program = (
        "import numpy, torchserve_entry as entry, serving.inference.predictor as inference, pathlib;"
        "found = inference.Predictor(pathlib.Path('model')).predict(numpy.zeros((1, 48, 48), 'uint8'));"
        "print(inference.__file__); print(found.tolist())"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        cwd=tmp_path / "unpacked",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    where, scores = done.stdout.splitlines()
    assert where == str(tmp_path / "unpacked" / "serving" / "inference" / "predictor.py")
    expected = Predictor(trained / "model").predict(torch.zeros(1, 48, 48, dtype=torch.uint8).numpy())
    assert json.loads(scores)[0] == pytest.approx(expected[0].tolist(), abs=1e-5)


def _train_until(trainer: Trainer, epochs: int) -> None:
    """Run to the end of epoch `epochs` and no further, as if killed there."""

    class Killed(Exception):
        pass

    class Killer(Progress):
        def say(self, line: str) -> None:
            if line.startswith(f"epoch {epochs}/"):
                raise Killed

    with pytest.raises(Killed):
        trainer.run(Killer())
