"""A model folder as a model of Triton's repository, for its Python backend; needs torch where Triton runs."""

import shutil
from pathlib import Path

from serving.model.folder import ModelConfig, load_model, weights_sha256
from serving.server.open_inference import CROPS, PROBABILITIES, SHA256
from serving.server.package import ServerSettings, stage

ENTRY = "triton_model.py"
VERSION = "1"  # Triton numbers versions; the model's own is among the parameters
MAX_BATCH = 256  # crops of a request, and of all that are batched together

CONFIG = """\
backend: "python"
max_batch_size: {max_batch}
input [ {{ name: "{crops}" data_type: TYPE_UINT8 dims: [ {dims} ] }} ]
output [
  {{ name: "{probabilities}" data_type: TYPE_FP32 dims: [ {classes} ] }},
  {{ name: "{sha256_key}" data_type: TYPE_UINT8 dims: [ 32 ] }}
]
dynamic_batching {{ }}
instance_group [ {{ count: {workers} }} ]
parameters: {{ key: "threads" value: {{ string_value: "{threads}" }} }}
parameters: {{ key: "crops_per_pass" value: {{ string_value: "{crops_per_pass}" }} }}
parameters: {{ key: "version" value: {{ string_value: "{version}" }} }}
parameters: {{ key: "{sha256_key}" value: {{ string_value: "{sha256}" }} }}
"""


def repository(model_dir: Path, out_dir: Path, name: str, settings: ServerSettings | None = None) -> Path:
    """Write `out_dir`/<name>, in place of what was there; returns its path. `name`: what clients ask for.

    CheckpointError: the folder holds no usable model.
    """
    _, config = load_model(model_dir)
    target = out_dir / name
    shutil.rmtree(target, ignore_errors=True)
    stage(model_dir, target / VERSION)
    shutil.copy(Path(__file__).resolve().parent / ENTRY, target / VERSION / "model.py")
    (target / "config.pbtxt").write_text(_config(config, weights_sha256(model_dir), settings or ServerSettings()))
    return target


def _config(config: ModelConfig, sha256: str, settings: ServerSettings) -> str:
    size = config.crop.size
    return CONFIG.format(
        max_batch=MAX_BATCH,
        crops=CROPS,
        dims=f"{size}, {size}" if config.crop.color == "gray" else f"{size}, {size}, 3",
        probabilities=PROBABILITIES,
        classes=len(config.labels),
        workers=settings.workers,
        threads=settings.threads,
        crops_per_pass=settings.crops_per_pass,
        version=config.version,
        sha256_key=SHA256,
        sha256=sha256,
    )
