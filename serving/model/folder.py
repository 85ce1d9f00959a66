"""A model folder: `config.json`, `model.safetensors` (fp16); `calibration.json`, `evaluation.json` where there are."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from serving.errors import CheckpointError, RecipeError
from serving.inference.preprocess import Preprocessing
from serving.labels import LABELS
from serving.model import calibration, files
from serving.model.checkpoint import load_weights, save_weights
from serving.model.emonext import EmoNeXt, Head
from serving.model.jsonfile import read_json, save_json
from serving.model.sizes import Architecture, architecture_from
from serving.strict import Bounds, check_bounds, plain, typed

CONFIG, WEIGHTS, CALIBRATION = files.CONFIG, files.WEIGHTS, files.CALIBRATION
EVALUATION = "evaluation.json"  # by split: the figures that `model evaluate --store` found
NAME = re.compile(r"[^\s/\\]([^/\\]*[^\s/\\])?")  # of a model: archives and folders are called so
ENTRIES = ("name", "version", "architecture", "normalise", "labels", "crop")  # of a config; others may be left out
CROP_BOUNDS: Bounds = {"size": (1, 4096), "margin": (-0.4, 10)}
default_model_dir = files.default_model_dir


@dataclass(frozen=True)
class CropSpec:
    """The crop that a model wants of a face, as it was taught.

    A square of side (1 + 2 * margin) times the height of the detector's box, on the box's centre.
    `landmarks`: where the right eye, left eye, nose, right and left corner of the mouth then lie (x, y
    in 0..1; right and left are the person's own).
    """

    size: int = 48  # px, a side
    color: Literal["gray", "bgr"] = "gray"
    margin: float = 0.0  # of the box's height, on each side
    landmarks: tuple[tuple[float, float], ...] = ()


# Medians over 371 faces of FER2013 found by YuNet: its boxes are as high as the picture, within 1 %.
FER2013_CROP = CropSpec(landmarks=((0.32, 0.39), (0.67, 0.39), (0.48, 0.60), (0.34, 0.74), (0.63, 0.75)))


@dataclass(frozen=True)
class ModelConfig:
    """What `config.json` says: enough to build the model and feed it.

    serves: the head whose answer the pipeline takes.
    """

    name: str
    version: str
    architecture: Architecture
    normalise: Literal["none", "per_crop"]
    labels: tuple[str, ...] = LABELS
    crop: CropSpec = FER2013_CROP
    serves: Head = "fer2013"

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads that the model has."""
        return ("fer2013", "ferplus") if self.architecture.ferplus else ("fer2013",)

    @property
    def preprocessing(self) -> Preprocessing:
        return Preprocessing(self.architecture.image_size, self.normalise)


@dataclass(frozen=True)
class ModelInfo:
    """Which model this is: the sha256 is that of its weights' file."""

    name: str
    version: str
    sha256: str


def check_name(name: str, where: str) -> None:
    """RecipeError: no model can be called so."""
    if not NAME.fullmatch(name):
        raise RecipeError(f"{where}: name: {name!r} is no name of a model: give it letters, and no slash")


def read_config(model_dir: Path) -> ModelConfig:
    """CheckpointError: no config there, or an entry of it is missing, unknown or unfit."""
    path = model_dir / CONFIG
    content = read_json(path)
    if missing := [name for name in ENTRIES if name not in content]:
        raise CheckpointError(f"{path} is no model config: it lacks {', '.join(missing)}")
    try:
        content["architecture"] = architecture_from(content["architecture"])
        content["crop"] = typed(CropSpec(), content["crop"], "crop")
        check_bounds(content["crop"], CROP_BOUNDS, "crop")
        config = typed(ModelConfig("", "", content["architecture"], "none"), content, "config")
        check_name(config.name, "config")
    except RecipeError as error:
        raise CheckpointError(f"{path} is no model config: {error}") from error
    if not len(set(config.labels)) == len(config.labels) == config.architecture.num_classes:
        raise CheckpointError(
            f"{path}: the labels {', '.join(config.labels)} are not {config.architecture.num_classes} different ones"
        )
    if config.serves not in config.heads:
        raise CheckpointError(f"{path}: serves {config.serves!r}, but the model has {', '.join(config.heads)}")
    return config


def read_info(model_dir: Path) -> ModelInfo:
    """Name, version and weights' hash of a model folder, without loading it. CheckpointError."""
    config = read_config(model_dir)
    return ModelInfo(config.name, config.version, files.weights_sha256(model_dir))


def describe(model_dir: Path) -> dict[str, Any]:
    """All that a person may ask of a model folder, as JSON values. CheckpointError.

    `evaluation`, by split, is that of these very weights; None where nothing was stored for them.
    """
    model, config = load_model(model_dir)
    info = read_info(model_dir)
    known = calibration.read_calibration(model_dir)
    return {
        **dataclasses.asdict(info),
        "digest": files.model_digest(model_dir),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "weights_bytes": (model_dir / WEIGHTS).stat().st_size,
        "serves": config.serves,
        "heads": {head: plain(known.get(head, calibration.HeadCalibration())) for head in config.heads},
        "labels": list(config.labels),
        "crop": plain(config.crop),
        "architecture": plain(config.architecture),
        "evaluation": read_evaluation(model_dir, info) or None,
        "folder": str(model_dir),
    }


def read_evaluation(model_dir: Path, info: ModelInfo) -> dict[str, Any]:
    """The stored figures of the weights `info`, by split; those of other weights say nothing. CheckpointError."""
    path = model_dir / EVALUATION
    stored = read_json(path) if path.exists() else {}
    return {
        split: figures
        for split, figures in stored.items()
        if isinstance(figures, dict) and figures.get("sha256") == info.sha256
    }


def load_model(model_dir: Path) -> tuple[EmoNeXt, ModelConfig]:
    """The model in fp32 for inference (no attention branch), and its config. CheckpointError."""
    config = read_config(model_dir)
    architecture = dataclasses.replace(config.architecture, attention=False)
    try:
        model = architecture.build()
    except (ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{model_dir / CONFIG}: {error}") from error
    load_weights(model_dir / WEIGHTS, model)
    return model.eval().requires_grad_(False), config


def save_model(model_dir: Path, config: ModelConfig, state: Mapping[str, Tensor]) -> None:
    """Write weights (fp16, without the attention branch) and config of a new model folder."""
    save_weights(model_dir / WEIGHTS, state)
    save_config(model_dir, config)


def save_config(model_dir: Path, config: ModelConfig) -> None:
    """Write `config.json` anew."""
    save_json(model_dir / CONFIG, plain(config))
