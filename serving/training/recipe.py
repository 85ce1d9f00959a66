"""A training recipe: one YAML file, strictly read into frozen dataclasses."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from serving.errors import RecipeError
from serving.model.sizes import SIZES, Architecture, architecture_from
from serving.strict import typed
from serving.training.augment import Augmentation, Mixing

LEAST = {"epochs": 1, "batch": 1, "replicas": 1, "hold_back": 2, "cycle": 1, "ema_every": 1}


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
    """RecipeError: no such file, not YAML, an unknown entry, an unfit value.

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
    recipe = typed(Recipe(name=str(content.pop("name"))), content, str(path))
    for name, least in LEAST.items():
        if getattr(recipe, name) < least:
            raise RecipeError(f"{path}: {name}: {least} is the least")
    return recipe


def _content(path: Path, within: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The entries of a recipe over those of the recipe it extends."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"cannot read the recipe {path}: {error}") from error
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
