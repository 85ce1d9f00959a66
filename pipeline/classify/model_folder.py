"""What a model folder says of its model, read without loading it, or torch: an analyzer has no use for torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.classify.classifier import CropSpec
from pipeline.errors import DependencyError
from pipeline.messages import LABELS, ModelRef, ServedModel
from serving.errors import CheckpointError
from serving.model.files import CALIBRATION, CONFIG, default_model_dir, model_digest, weights_sha256

FIELD = "classify.model"


@dataclass(frozen=True, slots=True)
class Expected:
    """A model that a server is to serve. `abstain_below`: from the calibration of the head that is served; 0 where it
    names none. `digest`: what server and client must agree on, see serving.model.files."""

    ref: ModelRef
    crop: CropSpec
    abstain_below: float
    digest: str

    @classmethod
    def as_served(cls, model: ServedModel) -> Expected:
        """A model as its server has described it."""
        return cls(model.ref, CropSpec(model.size, model.color, model.margin), model.abstain_below, model.digest)


@dataclass(frozen=True, slots=True)
class ModelFolder(Expected):
    """One that lies at `path`."""

    path: Path

    @classmethod
    def of(cls, model: str | None, field: str = FIELD) -> ModelFolder:
        """The folder `model`, or the default of the model store. `field`: the setting that names it.

        Raises DependencyError.
        """
        hint = f"name a model folder with {field}"
        try:
            path = Path(model) if model else default_model_dir()
            config = json.loads((path / CONFIG).read_text())
            calibration = path / CALIBRATION
            calibrated = json.loads(calibration.read_text()) if calibration.exists() else {}
            ref = ModelRef(name=str(config["name"]), version=str(config["version"]), sha256=weights_sha256(path))
            if tuple(config["labels"]) != LABELS:
                raise DependencyError(f"{path}: the model's labels are not {', '.join(LABELS)}, in this order", hint)
            threshold = _abstain_below(calibrated, config.get("serves", "fer2013"))
            return cls(ref, _crop(config["crop"]), threshold, model_digest(path), path)
        except CheckpointError as error:
            raise DependencyError(str(error), hint) from None
        except OSError as error:
            raise DependencyError(f"{error.filename}: {error.strerror}", hint) from None
        except (KeyError, TypeError, ValueError) as error:
            raise DependencyError(f"{path} is no model folder: {error!r}", hint) from None


def _abstain_below(calibrated: dict[str, Any], served: str) -> float:
    """Older folders say it without heads, for their only one."""
    heads = calibrated.get("heads")
    return float((calibrated if heads is None else heads.get(served, {})).get("abstain_below", 0))


def _crop(declared: dict[str, Any]) -> CropSpec:
    size, color, margin = int(declared["size"]), declared["color"], float(declared.get("margin", 0))
    if color not in ("gray", "bgr") or not 8 <= size <= 1024 or not 0 <= margin <= 1:
        raise ValueError(f"crop of {size} px, {color}, margin {margin}")
    return CropSpec(size, color, margin)
