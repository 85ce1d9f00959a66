"""Recipes are read strictly; those that ship are readable."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import serving
from serving.errors import RecipeError
from serving.model.sizes import SIZES, architecture_from
from serving.training.recipe import load_recipe

SHIPPED = sorted((Path(serving.__file__).parent / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.architecture.stn
    assert recipe.architecture.se
    assert recipe.architecture.attention
    with torch.device("meta"):
        recipe.architecture.build()


def test_every_size_builds_its_shape() -> None:
    assert SIZES["tiny"].build().head.weight.shape == (7, 768)
    assert SIZES["base"].dims[-1] == 1024
    assert SIZES["nano"].depths == (2, 2, 8, 2)


def test_fields_override_a_size() -> None:
    found = architecture_from({"size": "atto-48", "depths": [1, 1, 1, 1], "drop_path": 0})
    assert found.depths == (1, 1, 1, 1)
    assert found.drop_path == 0.0
    assert found.stem_stride == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a mapping with at least"),
        ("name: x\nepoch: 3", "unknown entry epoch"),
        ("name: x\nepochs: many", "epochs: 'many' is not int"),
        ("name: x\nepochs: null", "epochs: None is not int"),
        ("name: x\nepochs: 0", "epochs: 1 is the least"),
        ("name: x\noptimiser: sgd", "'sgd' is none of muon, adamw"),
        ("name: x\nschedule: linear", "is none of cosine, trapezoid"),
        ("name: x\nepochs: true", "epochs: True is not int"),
        ("name: x\narchitecture: {size: giant}", "no size 'giant'"),
        ("name: x\narchitecture: {depth: 1}", "unknown entry depth"),
        ("name: x\naugmentation: 3", "a mapping is expected"),
        ("name: [", "cannot read"),
    ],
)
def test_bad_recipes(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        load_recipe(path)


def test_a_recipe_may_extend_another(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("name: one\nepochs: 3\narchitecture: {size: atto, image_size: 64}")
    (tmp_path / "two.yaml").write_text("extends: one.yaml\nname: two\narchitecture: {size: femto}")
    found = load_recipe(tmp_path / "two.yaml")
    assert (found.name, found.epochs) == ("two", 3)
    assert found.architecture == replace(SIZES["femto"], image_size=64)
    for text, message in (("extends: two.yaml", "extends itself"), ("extends: none.yaml", "cannot read")):
        (tmp_path / "two.yaml").write_text(text)
        with pytest.raises(RecipeError, match=message):
            load_recipe(tmp_path / "two.yaml")


def test_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot read"):
        load_recipe(tmp_path / "none.yaml")
