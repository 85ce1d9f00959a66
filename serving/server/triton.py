"""A model folder as a model of Triton's repository, for its Python backend; needs torch where Triton runs."""

import shutil
import tempfile
from pathlib import Path

from serving.errors import ServingError
from serving.model.files import weights_sha256
from serving.model.folder import ModelConfig, load_model
from serving.server.open_inference import BATCH_CROPS, CROPS, DIGEST, PROBABILITIES
from serving.server.package import ServerSettings, checked_name, stage

ENTRY = "triton_model.py"
VERSION = "1"  # Triton numbers versions; the model's own is among the parameters
CONFIG_FILE = "config.pbtxt"

CONFIG = """\
backend: "python"
max_batch_size: {max_batch}
input [ {{ name: "{crops}" data_type: TYPE_UINT8 dims: [ {dims} ] }} ]
output [
  {{ name: "{probabilities}" data_type: TYPE_FP32 dims: [ {classes} ] }},
  {{ name: "{digest}" data_type: TYPE_UINT8 dims: [ 32 ] }}
]
dynamic_batching {{ }}
instance_group [ {{ count: {workers} }} ]
parameters: {{ key: "threads" value: {{ string_value: "{threads}" }} }}
parameters: {{ key: "crops_per_pass" value: {{ string_value: "{crops_per_pass}" }} }}
parameters: {{ key: "version" value: {{ string_value: "{version}" }} }}
parameters: {{ key: "sha256" value: {{ string_value: "{sha256}" }} }}
"""


def repository(model_dir: Path, out_dir: Path, name: str, settings: ServerSettings | None = None) -> Path:
    """Write `out_dir`/<name>, in place of a model of Triton's there; returns its path. `name`: what clients ask for.

    CheckpointError: the folder holds no usable model. RecipeError: no name. ServingError: something else is there.
    """
    _, config = load_model(model_dir)
    target = out_dir / checked_name(name)
    if target.exists() and not (target / CONFIG_FILE).is_file():
        raise ServingError(f"{target} is no model of Triton's; remove it or choose another name")
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=out_dir) as work:
        new, old = Path(work) / "new", Path(work) / "old"
        stage(model_dir, new / VERSION)
        shutil.copy(Path(__file__).resolve().parent / ENTRY, new / VERSION / "model.py")
        (new / CONFIG_FILE).write_text(_config(config, weights_sha256(model_dir), settings or ServerSettings()))
        if target.exists():
            target.rename(old)
        new.rename(target)
    return target


def _config(config: ModelConfig, sha256: str, settings: ServerSettings) -> str:
    size = config.crop.size
    return CONFIG.format(
        max_batch=BATCH_CROPS,
        crops=CROPS,
        dims=f"{size}, {size}" if config.crop.color == "gray" else f"{size}, {size}, 3",
        probabilities=PROBABILITIES,
        digest=DIGEST,
        classes=len(config.labels),
        workers=settings.workers,
        threads=settings.threads,
        crops_per_pass=settings.crops_per_pass,
        version=config.version,
        sha256=sha256,
    )
