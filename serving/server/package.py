"""A model folder as a TorchServe archive that needs nothing of this project beside it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import yaml

import serving
from serving.errors import ServingError
from serving.model.checkpoint import write_atomically
from serving.model.folder import CALIBRATION, CONFIG, WEIGHTS, load_model
from serving.server.handler import MODEL_FOLDER

# What inference needs of this package; a test runs the archive with nothing else on its path.
PARTS = ("*.py", "model/*.py", "inference/*.py", "server/*.py")
ENTRY = "torchserve_entry.py"
MANIFEST = "MAR-INF/MANIFEST.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first moment, for archives that are equal byte by byte


@dataclass(frozen=True)
class ServerSettings:
    """What TorchServe reads from the archive; times in ms but for the timeout in s."""

    workers: int = 1
    threads: int = 1  # of torch, a worker
    batch_size: int = 2  # requests a call: they hold many crops already, and answers of one call come together
    max_batch_delay: int = 1  # for a second request; the model idles meanwhile
    response_timeout: int = 20
    crops_per_pass: int = 64


def package(model_dir: Path, out_dir: Path, settings: ServerSettings | None = None) -> Path:
    """Write `out_dir`/<model name>.mar, the same bytes for the same model; returns its path.

    CheckpointError: the folder holds no usable model. ServingError: the archiver failed.
    """
    _, config = load_model(model_dir)
    with tempfile.TemporaryDirectory(prefix="emostream-mar-") as name:
        work = Path(name)
        stage(model_dir, work / "extra")
        (work / "model-config.yaml").write_text(_server_yaml(settings or ServerSettings()))
        _archive(work, config.name, config.version)
        archive = work / f"{config.name}.mar"
        target = out_dir / archive.name
        write_atomically(target, lambda temporary: _normalise(archive, temporary))
    return target


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
