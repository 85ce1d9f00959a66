"""From a training run to a model folder: weights, config, recipe and a calibration."""

from dataclasses import replace
from pathlib import Path

import torch
import yaml

from serving.data.faces import FaceSet
from serving.evaluation.calibrate import RECIPE, fit, store
from serving.inference.predictor import Predictor
from serving.model.folder import CALIBRATION, EVALUATION, FER2013_CROP, ModelConfig, save_model
from serving.model.jsonfile import save_text
from serving.strict import plain
from serving.training.recipe import Recipe


def export(recipe: Recipe, state: dict[str, torch.Tensor], held_back: FaceSet, model_dir: Path) -> ModelConfig:
    """Write a model folder of the weights `state`, each head calibrated on faces held back."""
    crop = replace(FER2013_CROP, size=held_back.pixels.shape[1])
    config = ModelConfig(recipe.name, recipe.version, recipe.architecture, recipe.normalise, held_back.classes, crop)
    save_model(model_dir, config, state)
    save_text(model_dir / RECIPE, yaml.safe_dump(plain(recipe), sort_keys=False))
    for file in (CALIBRATION, EVALUATION):  # of other weights
        (model_dir / file).unlink(missing_ok=True)
    if len(held_back):
        store(model_dir, fit(Predictor(model_dir, device="cpu"), held_back))
    return config
