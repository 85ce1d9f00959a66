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
        ("name: x\nepochs: 0", "epochs: 0 is not at least 1"),
        ("name: x\noptimiser: sgd", "'sgd' is none of muon, adamw"),
        ("name: x\nschedule: linear", "is none of cosine, trapezoid"),
        ("name: x\nepochs: true", "epochs: True is not int"),
        ("name: x\narchitecture: {size: giant}", "no size 'giant'"),
        ("name: x\narchitecture: {depth: 1}", "unknown entry depth"),
        ("name: x\naugmentation: 3", "a mapping is expected"),
        ("name: [", "recipe.yaml, line 1: "),
        ("name: 3", "name: 3 is not str"),
        ("name: a/b", "no name of a model"),
        ("name: x\nrate: -1", "rate: -1.0 is not at least 0"),
        ("name: x\nrate: .nan", "rate: nan is not float"),
        ("name: x\nattention_lambda: .inf", "attention_lambda: inf"),
        ("name: x\nwarmup: 1.0", "warmup: 1.0 is not in 0..0.9"),
        ("name: x\ndecay: 0", "decay: 0.0 is not in"),
        ("name: x\nclip: 0", "clip: 0.0"),
        ("name: x\nema: 2", "ema: 2.0"),
        ("name: x\nseed: -1", "seed: -1"),
        ("name: x\nsmoothing: 2", "smoothing: 2.0"),
        ("name: x\nmixing: {mixup: -1}", "mixing: mixup: -1.0"),
        ("name: x\naugmentation: {scale: 1}", "augmentation: scale: 1.0"),
        ("name: x\naugmentation: {shrink_to: [12]}", "shrink_to: \\[12\\] are not 2 values"),
        ("name: x\naugmentation: {shrink_to: [-1, 5]}", "shrink_to: -1.0"),
        ("name: x\narchitecture: {dims: [8, 8, 8]}", "dims .* differ in length"),
        ("name: x\narchitecture: {dims: [8, 8, 8, -8]}", "dims: -8 is not"),
        ("name: x\narchitecture: {image_size: 8}", "image_size"),
        ("name: x\narchitecture: {in_chans: -1}", "in_chans: -1"),
        ("name: x\narchitecture: {stem_stride: 0}", "stem_stride: 0"),
        ("name: x\narchitecture: {stem_kernel: 2}", "stem_kernel 2 is smaller than stem_stride 4"),
        ("name: x\narchitecture: {drop_path: 2}", "drop_path: 2.0"),
    ],
)
def test_bad_recipes(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(path)
    assert "\n" not in str(caught.value)


def test_numbers_that_yaml_takes_for_texts(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: x\nrate: 1e-3")
    assert load_recipe(tmp_path / "recipe.yaml").rate == 0.001


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
