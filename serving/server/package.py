"""A model folder as a TorchServe archive that needs nothing of this project beside it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import yaml

import serving
from serving.errors import RecipeError, ServingError
from serving.model.checkpoint import write_atomically
from serving.model.folder import CALIBRATION, CONFIG, WEIGHTS, load_model
from serving.server.handler import MODEL_FOLDER

# What inference needs of this package; a test runs the archive with nothing else on its path.
PARTS = ("*.py", "model/*.py", "inference/*.py", "server/*.py")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
ENTRY = "torchserve_entry.py"
MANIFEST = "MAR-INF/MANIFEST.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first moment, for archives that are equal byte by byte


@dataclass(frozen=True)
class ServerSettings:
    """How a server runs the model. Triton has its own ways with batches and timeouts."""

    workers: int = 1
    threads: int = 1  # of torch, a worker
    batch_size: int = 2  # requests a call: they hold many crops already, and answers of one call come together
    max_batch_delay: int = 1  # ms, for a second request; the model idles meanwhile
    response_timeout: int = 30  # s; then the worker is taken for dead, so longer than clients wait
    crops_per_pass: int = 64


def package(model_dir: Path, out_dir: Path, settings: ServerSettings | None = None, name: str | None = None) -> Path:
    """Write `out_dir`/<name>.mar, the same bytes for the same model; returns its path. `name`: None: the model's.

    CheckpointError: the folder holds no usable model. RecipeError: no name. ServingError: the archiver failed.
    """
    _, config = load_model(model_dir)
    name = checked_name(config.name if name is None else name)
    with tempfile.TemporaryDirectory(prefix="emostream-mar-") as folder:
        work = Path(folder)
        stage(model_dir, work / "extra")
        (work / "model-config.yaml").write_text(_server_yaml(settings or ServerSettings()))
        _archive(work, name, config.version)
        archive = work / f"{name}.mar"
        target = out_dir / archive.name
        write_atomically(target, lambda temporary: _normalise(archive, temporary))
    return target


def checked_name(name: str) -> str:
    """The name that clients ask a server for; it is also one of a file or folder. RecipeError: it cannot be."""
    if not NAME.fullmatch(name):
        raise RecipeError(f"{name!r} is no name of a model: letters, digits, and after the first . _ - too")
    return name


def stage(model_dir: Path, extra: Path) -> None:
    """Copy model and code into a folder from which a server can load them."""
    code = Path(serving.__file__).resolve().parent
    for source in sorted(found for pattern in PARTS for found in code.glob(pattern)):
        target = extra / "serving" / source.relative_to(code)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    (extra / MODEL_FOLDER).mkdir(parents=True)
    for file in (CONFIG, WEIGHTS, CALIBRATION):
        if (model_dir / file).exists():
            shutil.copy(model_dir / file, extra / MODEL_FOLDER)


def _server_yaml(settings: ServerSettings) -> str:
    return yaml.safe_dump(
        {
            "minWorkers": settings.workers,
            "maxWorkers": settings.workers,
            "batchSize": settings.batch_size,
            "maxBatchDelay": settings.max_batch_delay,
            "responseTimeout": settings.response_timeout,
            "handler": {"threads": settings.threads, "crops_per_pass": settings.crops_per_pass},
        }
    )


def _archive(work: Path, name: str, version: str) -> None:
    """Run the archiver; it works in a fixed folder below TMPDIR, so it is given one of its own."""
    scratch = work / "tmp"
    scratch.mkdir()
    command = [
        sys.executable, "-m", "model_archiver.model_packaging",
        "--model-name", name, "--version", version,
        "--handler", str(Path(__file__).resolve().parent / ENTRY),
        "--extra-files", str(work / "extra"),
        "--config-file", str(work / "model-config.yaml"),
        "--export-path", str(work),
    ]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(scratch)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServingError(f"torch-model-archiver failed: {done.stderr.strip()[-500:]}")


def _normalise(archive: Path, target: Path) -> None:
    """Copy a zip with sorted entries and without the time it was made."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w") as out:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == MANIFEST:
                manifest = json.loads(content)
                manifest.pop("createdOn", None)
                content = json.dumps(manifest, indent=2, sort_keys=True).encode()
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            # The weights hardly compress, and TorchServe unpacks them at every start.
            stored = name.endswith(".safetensors")
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            out.writestr(entry, content)
