"""Evaluating and calibrating by command line, on models and data of seconds."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from serving.cli import model_app
from serving.data.faces import FaceSet, hold_back
from serving.data.fer2013 import load_fer2013
from serving.errors import DataError
from serving.evaluation.calibrate import fit
from serving.evaluation.conditions import CONDITIONS
from serving.evaluation.plots import plot_training
from serving.evaluation.speed import measure_speed
from serving.inference.predictor import Predictor
from serving.model.calibration import HeadCalibration, read_calibration, save_calibration
from tests.unit.serving.serving_examples import faces, two_headed, write_votes

FERPLUS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
PNG = b"\x89PNG"


def command(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(model_app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return two_headed(tmp_path / "two")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calibration may be fitted on the few faces of these tests."""
    monkeypatch.setattr("serving.evaluation.calibrate.LEAST", 5)


@pytest.fixture(scope="module")
def votes(fer_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class of FER2013 for every face, but contempt for each fifth."""
    with fer_csv.open() as file:
        rows = [(row["Usage"], int(row["emotion"])) for row in csv.DictReader(file)]
    given = [(split, "contempt" if i % 5 == 0 else FERPLUS[label]) for i, (split, label) in enumerate(rows)]
    return write_votes(tmp_path_factory.mktemp("votes") / "fer2013new.csv", given)


def report(path: Path, *arguments: str | Path) -> dict[str, Any]:
    code, out, error = command("evaluate", *arguments, "--report", path)
    assert code == 0, out + error
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_the_report_of_two_heads(model: Path, fer_csv: Path, votes: Path, tmp_path: Path) -> None:
    save_calibration(model, {"fer2013": HeadCalibration(2.0, 0.3), "ferplus": HeadCalibration(0.5, 0.2)})
    found = report(tmp_path / "r.json", "--data", fer_csv, "--votes", votes, "--model", model)
    truth = load_fer2013(fer_csv, "PublicTest", votes)
    first, second = Predictor(model).predict(truth.pixels), Predictor(model, "ferplus").predict(truth.pixels)
    known = np.array([vote.argmax() != 7 for vote in truth.votes])  # type: ignore[union-attr]
    assert found["accuracy"]["single_crop"] == pytest.approx((first.argmax(1) == truth.labels).mean())
    assert found["accuracy_ferplus"] == pytest.approx((second.argmax(1) == truth.labels)[known].mean())
    assert found["n_ferplus"] == known.sum() < found["n"] == 28
    assert found["abstain"]["threshold"] == 0.3
    assert found["abstain"]["coverage"] == pytest.approx((first.max(1) >= 0.3).mean())
    assert found["ece"] != found["ece_uncalibrated"]
    assert found["coverage_accuracy"][-1] == [1.0, pytest.approx(found["accuracy"]["single_crop"])]
    assert set(found["conditions"]) == set(CONDITIONS)
    assert found["conditions"]["face_48_px"] == pytest.approx(found["accuracy"]["single_crop"])
    assert {*found["conditions_in_full"]["dark"]} >= {"accuracy", "confidence", "abstained"}
    assert {head: set(entry["against"]) for head, entry in found["heads"].items()} == {
        "fer2013": {"fer2013", "ferplus"},
        "ferplus": {"fer2013", "ferplus"},
    }
    assert found["heads"]["ferplus"]["against"]["ferplus"]["accuracy"]["single_crop"] == found["accuracy_ferplus"]
    assert found["heads"]["ferplus"]["temperature"] == 0.5
    assert np.sum(found["confusion"]["fer2013"]) == 28
    assert np.sum(found["confusion"]["ferplus"]) == known.sum()
    assert [speed["batch"] for speed in found["speed"]] == [1, 8, 32, 128]
    assert found["speed"][0]["latency_ms"]["p50"] <= found["speed"][0]["latency_ms"]["p95"]
    assert found["model"]["sha256"] == Predictor(model).info.sha256
    assert found["seen_in_training"]["n"] == 2


def test_a_csv_of_the_test_split_alone(model_dir: Path, fer_csv: Path, tmp_path: Path) -> None:
    rows = [line for line in fer_csv.read_text().splitlines() if not line.endswith("Training")]
    chosen = [line.replace("PublicTest", "PrivateTest") for line in rows if not line.startswith("3,")]  # none happy
    data = tmp_path / "private.csv"
    data.write_text("\n".join(chosen) + "\n")
    arguments = ("--data", data, "--split", "privatetest", "--model", model_dir)
    found = report(tmp_path / "r.json", *arguments, "--no-conditions", "--no-ten-crop")
    assert (found["split"], found["n"]) == ("PrivateTest", 24)
    assert found["seen_in_training"] is found["accuracy_ferplus"] is found["conditions"] is None
    assert found["accuracy"]["ten_crop"] is found["confusion"]["ferplus"] is None
    assert list(found["heads"]["fer2013"]["against"]) == ["fer2013"]
    code, _, error = command("evaluate", "--data", data, "--model", model_dir)
    assert (code, "the splits in it: PrivateTest" in error) == (2, True)
    happy = found["per_class"].pop("happy")
    assert happy["recall"] is happy["f1"] is None
    assert found["macro_f1"] == pytest.approx(np.mean([entry["f1"] for entry in found["per_class"].values()]))


def test_one_head_is_held_against_ferplus_too(model_dir: Path, fer_csv: Path, votes: Path, tmp_path: Path) -> None:
    arguments = ("--data", fer_csv, "--votes", votes, "--model", model_dir, "--no-conditions", "--no-ten-crop")
    found = report(tmp_path / "r.json", *arguments)
    assert found["accuracy_ferplus"] == found["heads"]["fer2013"]["against"]["ferplus"]["accuracy"]["single_crop"]


def test_pages_plots_and_what_the_folder_keeps(
    model: Path, fer_csv: Path, votes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.evaluation.passes.CORNERS", [(0, 0)])  # for the time it takes
    monkeypatch.setattr("serving.evaluation.evaluate.CONDITIONS", {"jpeg_30": CONDITIONS["jpeg_30"]})
    page, plots = tmp_path / "deep" / "r.md", tmp_path / "plots"
    arguments = ("--data", fer_csv, "--model", model, "--store")
    code, out, error = command("evaluate", *arguments, "--votes", votes, "--markdown", page, "--plots", plots)
    assert code == 0, out + error
    assert {file.name for file in plots.iterdir()} == {
        "confusion-fer2013.png", "confusion-ferplus.png", "reliability.png", "coverage.png", "conditions.png",
    }  # fmt: skip
    assert all(file.read_bytes().startswith(PNG) for file in plots.iterdir())
    said = page.read_text()
    assert "| FER+ | FER+ | 22 |" in said
    assert all(header in said for header in ("## Trust", "## Classes", "## Conditions", "## Speed"))
    command("evaluate", *arguments, "--split", "training")
    stored = json.loads(command("info", "--model", model)[1])["evaluation"]
    assert set(stored) == {"PublicTest", "Training"}
    assert stored["PublicTest"]["n_ferplus"] == 22
    path = model / "evaluation.json"
    path.write_text(path.read_text().replace(stored["Training"]["sha256"], "0" * 64))
    assert json.loads(command("info", "--model", model)[1])["evaluation"] is None
    for part in (("--limit", "3"), ("--no-ten-crop",), ("--no-conditions",)):
        code, _, error = command("evaluate", *arguments, *part)
        assert (code, error.count("\n")) == (2, 1)
        assert "leave out" in error


def test_calibrate_fits_each_head_on_what_was_held_back(model: Path, fer_csv: Path, votes: Path, few: None) -> None:
    (model / "recipe.yaml").write_text("name: two\nhold_back: 4\n")
    arguments = ("calibrate", "--data", fer_csv, "--votes", votes, "--model", model)
    code, out, error = command(*arguments, "--coverage", "0.7", "--serve", "ferplus")
    assert code == 0, out + error
    found = read_calibration(model)
    _, held = hold_back(load_fer2013(fer_csv, "Training"), 4)
    assert set(found) == {"fer2013", "ferplus"}
    for head, entry in found.items():
        assert entry.fitted_on == f"{len(held)} faces held back from FER2013 Training"
        told = (Predictor(model, head).predict(held.pixels).max(1) >= entry.abstain_below).mean()
        assert 0.7 <= told <= 0.7 + 2 / len(held)
    assert found["fer2013"].abstain_below != found["ferplus"].abstain_below
    assert Predictor(model).head == "ferplus"


def test_calibrate_keeps_what_it_cannot_fit(model: Path, fer_csv: Path, few: None) -> None:
    known = HeadCalibration(1.7, 0.2, "by hand", "something")
    save_calibration(model, {"ferplus": known})
    code, out, error = command("calibrate", "--data", fer_csv, "--model", model)
    assert code == 0, out + error
    assert read_calibration(model)["ferplus"] == known
    assert read_calibration(model)["fer2013"].method.startswith("entropy-based temperature scaling")


def test_a_few_faces_change_no_calibration(model: Path, fer_csv: Path) -> None:
    save_calibration(model, {"fer2013": HeadCalibration(1.7, 0.2)})
    before = (model / "calibration.json").read_bytes()
    code, _, error = command("calibrate", "--data", fer_csv, "--model", model)
    assert (code, error.count("\n")) == (2, 1)
    assert "200 are the least" in error
    assert (model / "calibration.json").read_bytes() == before


def test_a_fit_at_the_edge_is_said(model: Path, few: None) -> None:
    """Labels that the model is always right about: no confidence is high enough."""
    predictor, pictures = Predictor(model), faces(40)
    labels = predictor.predict(pictures).argmax(1).astype(np.int64)
    found, notes = fit(predictor, FaceSet(pictures, labels))
    assert found["fer2013"].calibration.temperature == 0.2
    assert "at the edge" in notes[0]


def test_calibrate_says_what_is_wrong(model_dir: Path, fer_csv: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(model_dir, tmp_path / "one"))
    before = (folder / "config.json").read_bytes()
    code, _, error = command("calibrate", "--data", fer_csv, "--model", folder, "--serve", "ferplus")
    assert (code, error.count("\n")) == (2, 1)
    code, _, error = command("calibrate", "--data", tmp_path / "none.csv", "--model", folder)
    assert (code, error.count("\n")) == (2, 1)
    for recipe in ("- a list", "hold_back: 0", "name: ["):
        (folder / "recipe.yaml").write_text(recipe)
        code, _, error = command("calibrate", "--data", fer_csv, "--model", folder)
        assert (code, error.count("\n")) == (2, 1)
    assert (folder / "config.json").read_bytes() == before


def test_speed_by_a_clock(model_dir: Path) -> None:
    ticks = iter(range(10_000))  # every look at it is a second later
    found = measure_speed(Predictor(model_dir), faces(2), (1, 4), 0, lambda: float(next(ticks)))
    assert [(at.batch, at.faces_per_second, at.rounds) for at in found] == [(1, 1.0, 5), (4, 4.0, 5)]
    assert found[0].latency_ms.p95 == 1000


def test_training_curves(tmp_path: Path) -> None:
    log, png = tmp_path / "log.csv", tmp_path / "a" / "curves.png"
    with pytest.raises(DataError, match="cannot read"):
        plot_training(log, png)
    log.write_text("epoch,loss,held_back_loss,held_back_accuracy,held_back_ferplus,seconds\n")
    with pytest.raises(DataError, match="no training log"):
        plot_training(log, png)
    with log.open("a") as file:
        file.writelines(f"{epoch},{2 / epoch},{1.5 / epoch},0.5,,60\n" for epoch in (1, 2, 3))
    plot_training(log, png)
    assert png.read_bytes().startswith(PNG)


def test_matplotlib_waits_until_something_is_drawn() -> None:
    code = "import sys, serving.cli, serving.evaluation.evaluate; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
