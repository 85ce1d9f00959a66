"""A real Triton Inference Server, where `make triton` has put one: an environment of its own, as it needs numpy 1."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pipeline.classify.model_folder import ModelFolder
from pipeline.local.ports import LOOPBACK, free_ports
from pipeline.local.process import Process
from pipeline.settings import ClassifySettings
from serving.server.triton import repository

ROOT = Path(__file__).parents[2]
PYTHON = "python3.11"
START_SECONDS = 150.0


@contextmanager
def triton(folder: Path, settings: ClassifySettings) -> Iterator[dict[str, str]]:
    """Serves the settings' model; gives the address of each kind. Skips the test where there is no Triton."""
    environment = ROOT / ".venv-triton"
    packages = environment / "lib" / PYTHON / "site-packages"
    server = packages / "pytriton" / "tritonserver"
    if not server.is_dir():
        pytest.skip("no Triton: `make triton`")
    backends = folder / "backends"
    shutil.copytree(server / "backends", backends)
    stub = server / "python_backend_stubs" / PYTHON.removeprefix("python") / "triton_python_backend_stub"
    shutil.copy(stub, backends / "python")
    models = folder / "models"
    repository(ModelFolder.of(settings.model).path, models, settings.model_name)
    http, grpc = free_ports(2)
    command = [
        server / "bin" / "tritonserver",
        *(f"--model-repository={models}", f"--backend-directory={backends}", "--allow-metrics=false"),
        *(f"--http-address={LOOPBACK}", f"--http-port={http}", f"--grpc-address={LOOPBACK}", f"--grpc-port={grpc}"),
    ]
    variables = {
        **os.environ,
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs"),
    }
    process = Process("Triton", command, folder / "triton.log", env=variables)
    try:
        ready = f"http://{LOOPBACK}:{http}/v2/health/ready"
        process.wait_ready(lambda: httpx.get(ready, timeout=5).is_success, START_SECONDS, threading.Event())
        yield {"open-inference": f"http://{LOOPBACK}:{http}", "open-inference-grpc": f"{LOOPBACK}:{grpc}"}
    finally:
        process.stop()
