"""From a training run to a model folder: weights, config, recipe and a calibration."""

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import yaml

from serving.data.faces import FaceSet
from serving.evaluation.calibrate import RECIPE, fit, store
from serving.inference.predictor import Predictor
from serving.model.folder import CALIBRATION, EVALUATION, FER2013_CROP, ModelConfig, save_model
from serving.model.jsonfile import save_text
from serving.outputs import writing
from serving.strict import plain
from serving.training.recipe import Recipe


def export(recipe: Recipe, state: dict[str, torch.Tensor], held_back: FaceSet, model_dir: Path) -> list[str]:
    """Write a model folder of the weights `state`, each head calibrated on faces held back; what is to be said of it.

    The folder is made whole aside and then put in place; files of a former one that are no part of a
    model, such as its card, are kept. OutputError: it cannot be written.
    """
    crop = replace(FER2013_CROP, size=held_back.pixels.shape[1])
    config = ModelConfig(recipe.name, recipe.version, recipe.architecture, recipe.normalise, held_back.classes, crop)
    with writing(model_dir), TemporaryDirectory(dir=model_dir.parent, prefix=f".{model_dir.name}.") as aside:
        new, old = Path(aside) / "new", Path(aside) / "old"
        if model_dir.exists():
            shutil.copytree(model_dir, new)
        save_model(new, config, state)
        save_text(new / RECIPE, yaml.safe_dump(plain(recipe), sort_keys=False))
        for file in (CALIBRATION, EVALUATION):  # of other weights
            (new / file).unlink(missing_ok=True)
        found, notes = fit(Predictor(new, device="cpu"), held_back)
        if found:
            store(new, found)
        if model_dir.exists():
            model_dir.rename(old)
        new.rename(model_dir)
    return notes
