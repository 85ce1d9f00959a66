"""A training recipe: one YAML file, strictly read into frozen dataclasses."""

from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Literal

import torch
import yaml

from serving.errors import RecipeError
from serving.model.folder import check_name
from serving.model.sizes import SIZES, Architecture, architecture_from
from serving.strict import Bounds, check_bounds, typed
from serving.training import augment
from serving.training.augment import Augmentation, Mixing

BOUNDS: Bounds = {
    "epochs": (1, inf), "batch": (1, inf), "replicas": (1, inf), "muon_rate": (0, inf), "rate": (0, inf),
    "stn_rate": (0, inf), "weight_decay": (0, inf), "warmup": (0, 0.9), "decay": (0.01, 1), "cycle": (1, inf),
    "clip": (1e-6, inf), "smoothing": (0, 1), "ferplus_weight": (0, inf), "attention_lambda": (0, inf),
    "ema": (0, 0.999999), "ema_every": (1, inf), "hold_back": (2, inf), "seed": (0, inf),
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. Rates are per step at full strength; times in epochs or fractions."""

    name: str
    version: str = "1"
    start_from: str | None = None  # a model folder, an EmoNeXt checkpoint or ConvNeXt weights
    architecture: Architecture = field(default_factory=lambda: SIZES["atto-48"])
    normalise: Literal["none", "per_crop"] = "per_crop"
    epochs: int = 30
    batch: int = 128
    replicas: int = 1  # CPU threads, each with a share of every batch; changes the rounding
    amp: bool = True  # matrix products in bfloat16 where the hardware computes in it
    optimiser: Literal["muon", "adamw"] = "muon"
    muon_rate: float = 0.02  # trunk matrices
    rate: float = 2e-3  # AdamW: everything else, or everything
    stn_rate: float = 0.1  # times `rate` for the spatial transformer: it moves pictures, gently
    weight_decay: float = 0.05
    decay_all: bool = False  # norms, biases and scales too, as the paper does
    schedule: Literal["cosine", "trapezoid", "restarts"] = "cosine"
    warmup: float = 0.05  # of the run, or of the cycle
    decay: float = 0.5  # of the run; trapezoid only
    cycle: int = 1024  # steps; restarts only
    clip: float = 1.0  # norm of all gradients
    smoothing: float = 0.1  # of FER2013's labels
    ferplus_weight: float = 1.0  # of the loss on FER+'s votes, where the model has a head for them
    attention_lambda: float = 1.0
    mixing: Mixing = field(default_factory=Mixing)
    ema: float = 0.999  # a step; 0 switches the average off
    ema_every: int = 1  # steps
    hold_back: int = 20  # one in so many pictures of Training chooses the epoch
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)


def load_recipe(path: Path) -> Recipe:
    """RecipeError: no such file, not YAML, an unknown entry, an unfit value, numbers that make no model.

    `extends: other.yaml` begins with that recipe of the same folder.
    """
    content = _content(path)
    if "name" not in content:
        raise RecipeError(f"{path}: a recipe is a mapping with at least `name`")
    if "architecture" in content:
        content["architecture"] = architecture_from(content["architecture"])
    for part, default in (("augmentation", Augmentation()), ("mixing", Mixing())):
        if part in content:
            content[part] = typed(default, content[part], part)
    recipe = typed(Recipe(name=""), content, str(path))
    check_name(recipe.name, str(path))
    check_bounds(recipe, BOUNDS, str(path))
    check_bounds(recipe.augmentation, augment.BOUNDS, f"{path}: augmentation")
    check_bounds(recipe.mixing, augment.MIXING_BOUNDS, f"{path}: mixing")
    try:
        with torch.device("meta"):
            recipe.architecture.build()
    except ValueError as error:
        raise RecipeError(f"{path}: architecture: {error}") from error
    return recipe


def _content(path: Path, within: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The entries of a recipe over those of the recipe it extends."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise RecipeError(f"cannot read the recipe {path}{line}: {error.problem}") from error
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"cannot read the recipe {path}: it is no text in YAML") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: a recipe is a mapping with at least `name`")
    if (base := content.pop("extends", None)) is None:
        return content
    if path in within:
        raise RecipeError(f"{path}: extends itself")
    entries = _content(path.parent / str(base), (*within, path))
    for key, value in content.items():
        both = isinstance(value, dict) and isinstance(entries.get(key), dict)
        entries[key] = {**entries[key], **value} if both else value
    return entries
