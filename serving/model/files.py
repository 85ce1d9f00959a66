"""The files of a model folder, and the hashes that a model is known by. Light to import: clients need no torch."""

import hashlib
import os
from pathlib import Path

from serving.errors import CheckpointError

CONFIG, WEIGHTS, CALIBRATION = "config.json", "model.safetensors", "calibration.json"
# Of this project's checkout; a site names its own folder in the environment.
STORE = Path(__file__).resolve().parents[2] / "model_store"


def default_model_dir() -> Path:
    """The folder that `default.txt` of the model store names.

    The store is `model_store/` of the checkout, or what EMOSTREAM_MODEL_STORE says.
    CheckpointError: there is none.
    """
    store = Path(os.environ.get("EMOSTREAM_MODEL_STORE") or STORE)
    try:
        name = (store / "default.txt").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"there is no default model: {error}") from error
    return store / name


def weights_sha256(model_dir: Path) -> str:
    """Hex sha256 of the weights' file. CheckpointError: there is none."""
    return _sha256(model_dir / WEIGHTS).hex()


def model_digest(model_dir: Path) -> str:
    """Hex sha256 of all that shapes the model's answers: weights, config and calibration. CheckpointError.

    Who serves a model and who asks it must agree on this, not on the weights alone: the config says which head
    answers, the calibration how sure it is and when it had better say nothing.
    """
    calibration = model_dir / CALIBRATION
    parts = [_sha256(model_dir / WEIGHTS), _sha256(model_dir / CONFIG)]
    parts.append(_sha256(calibration) if calibration.exists() else b"")
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _sha256(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
