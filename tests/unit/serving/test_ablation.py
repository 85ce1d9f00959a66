"""The ablation study, on a model and a set so small that it takes seconds."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serving.cli import ABLATION, model_app
from serving.training.ablate import VARIANTS, Run, rows, table
from serving.training.recipe import load_recipe
from tests.unit.serving.serving_examples import other_pixels


def test_every_variant_is_trained_once_and_measured(fer_csv: Path, recipe: Path, tmp_path: Path) -> None:
    arguments = ["ablate", "--data", fer_csv, "--out", tmp_path, "--config", recipe, "--seeds", 2, "--epochs", 1]
    first = CliRunner().invoke(model_app, list(map(str, arguments)))
    assert first.exit_code == 0, first.output
    runs = json.loads((tmp_path / "results.json").read_text())["runs"]
    assert [(run["variant"], run["seed"]) for run in runs] == [(name, seed) for seed in (0, 1) for name in VARIANTS]
    size = {run["variant"]: run["parameters"] for run in runs}
    assert size["none"] == size["regularisation"] < size["SE"] < size["all"]
    assert size["STN"] + size["SE"] == size["none"] + size["all"]
    again = CliRunner().invoke(model_app, list(map(str, arguments)))
    assert "epoch" not in again.stdout
    assert again.stdout == first.stdout[-len(again.stdout) :]
    for other in (["--epochs", 2], ["--split", "Training"], ["--data", other_pixels(fer_csv, tmp_path / "x.csv")]):
        found = CliRunner().invoke(model_app, list(map(str, [*arguments, *other])))
        assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
        assert "results.json is of other settings" in found.stderr


def test_differences_are_paired_by_seed() -> None:
    runs = [Run("none", 0, 0.50, 10, 1), Run("none", 1, 0.60, 10, 1)]
    runs += [Run("STN", 0, 0.52, 12, 1), Run("STN", 1, 0.62, 12, 1)]
    none, stn = rows(runs)
    assert none.difference is None
    assert stn.mean == pytest.approx(0.57)
    assert stn.deviation == pytest.approx(0.0707, abs=1e-4)
    assert stn.difference == pytest.approx((0.02, 0.0))
    assert "| STN | 2 | 57.00 ± 7.07 % | +2.00 ± 0.00 |" in table([none, stn])


def test_one_seed_has_no_deviation() -> None:
    assert "| none | 1 | 50.00 % |  |" in table(rows([Run("none", 0, 0.5, 10, 1)]))


def test_the_recipe_lies_in_the_package() -> None:
    assert load_recipe(ABLATION).architecture.image_size == 32


def test_results_that_cannot_be_read_are_named(fer_csv: Path, recipe: Path, tmp_path: Path) -> None:
    arguments = ["ablate", "--data", fer_csv, "--out", tmp_path, "--config", recipe]
    for content, said in (("{}", "other settings (recipe, training, test)"), ("{", "cannot read")):
        (tmp_path / "results.json").write_text(content)
        found = CliRunner().invoke(model_app, list(map(str, arguments)))
        assert found.exit_code == 2
        assert said in found.stderr
