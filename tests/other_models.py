"""The model of the store under other versions: one as good, one that reads otherwise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from serving.model.files import CONFIG, WEIGHTS, default_model_dir


def version(folder: Path, name: str, permuted: bool = False) -> Path:
    """A model folder. `permuted`: its expressions have each other's names."""
    shutil.copytree(default_model_dir(), folder / name)
    config = folder / name / CONFIG
    config.write_text(json.dumps(json.loads(config.read_text()) | {"version": name}))
    if permuted:
        weights = folder / name / WEIGHTS
        tensors = load_file(weights)
        for key in [key for key in tensors if "head" in key]:
            tensors[key] = np.roll(tensors[key], 2, axis=0)
        save_file(tensors, weights)
    return folder / name
