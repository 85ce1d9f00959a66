"""What this machine has and lacks. Looks only; fetches nothing and asks no network."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from pipeline.analyze import model_files
from pipeline.classify.model_folder import ModelFolder
from pipeline.local import jars, java
from pipeline.local.doctor.check import Check, Status
from pipeline.local.folders import cache_dir
from pipeline.settings import Settings

OLDEST_PYTHON = (3, 11)
OLDEST_KAFKA_CLIENT = (3, 0, 12)
DISK_GIB = 2.0
MEMORY_GIB = 3.0  # Kafka, TorchServe and Ray take 1.5, capture and analyze the rest
CPU_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
CODECS = {"crc32c": "many times slower", "lz4": "outputs are written with it", "zstandard": "others may write with it"}
NVIDIA = Path("/proc/driver/nvidia/gpus")


def looks(settings: Settings) -> dict[str, Callable[[], Check]]:
    """By name, in the order a person would fix them."""
    return {
        "Python": _python,
        "Java": _java,
        "Kafka": _kafka_jars,
        "Kafka client": _kafka_client,
        "torch": _torch,
        "GPU": _gpu,
        "TorchServe": _torchserve,
        "Ray": lambda: _package("Ray", "ray", "ray"),
        "model": lambda: _model(settings),
        "detector": lambda: _detector(settings.model_dir),
        "disk": lambda: _disk(settings.run_dir),
        "memory": _memory,
        "ffmpeg": lambda: _program("ffmpeg", "only to make or convert videos by hand; OpenCV has its own"),
        "prometheus": lambda: _program("prometheus", "only to keep metrics; every process shows its own"),
    }


def _python() -> Check:
    detail = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Check("Python", "fail", detail, "emostream needs {}.{} or newer".format(*OLDEST_PYTHON))
    return Check("Python", "ok", detail)


def _java() -> Check:
    found = java.find()
    return Check("Java", "ok", f"{found.version} at {found.path} (by {found.origin})")


def _kafka_jars() -> Check:
    locked, folder = jars.read_lock(), jars.folder()
    missing = len(jars.missing(locked, folder))
    detail = f"{jars.KAFKA}, {len(locked) - missing} of {len(locked)} jars in {folder}"
    if missing:
        size = sum(jar.size for jar in locked) / 2**20
        return Check("Kafka", "warn", detail, f"the first start fetches them, {size:.0f} MiB, and needs a network once")
    return Check("Kafka", "ok", detail)


def _kafka_client() -> Check:
    found = version("kafka-python")
    hint = "pip install 'kafka-python[crc32c,lz4,zstd]>=3.0.12'"
    if tuple(int(part) for part in found.split(".")[:3]) < OLDEST_KAFKA_CLIENT:
        return Check("Kafka client", "fail", f"kafka-python {found} hangs and leaks", hint)
    lacking = [f"{name} ({why})" for name, why in CODECS.items() if importlib.util.find_spec(name) is None]
    if lacking:
        needed = any(text.startswith(("crc32c", "lz4")) for text in lacking)
        status: Status = "fail" if needed else "warn"
        return Check("Kafka client", status, f"kafka-python {found} without {', '.join(lacking)}", hint)
    return Check("Kafka client", "ok", f"kafka-python {found} with crc32c, lz4 and zstd")


def _torch() -> Check:
    import torch

    features = [name for name in CPU_FEATURES if name in _cpu_flags()] or ["no known vector unit"]
    detail = f"{torch.__version__}; {psutil.cpu_count()} CPUs with {', '.join(features)}"
    if platform.machine() == "x86_64" and "avx2" not in features:
        return Check("torch", "warn", detail, "without AVX2 the model is many times slower")
    return Check("torch", "ok", detail)


def _gpu(environ: Mapping[str, str] = os.environ, driver: Path = NVIDIA) -> Check:
    """One that is asked for, or is there, and that torch does not see, would be missed only by how slow it is."""
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return Check("GPU", "ok", ", ".join(names))
    asked = environ.get("CUDA_VISIBLE_DEVICES", "")
    there = len(list(driver.iterdir())) if driver.is_dir() else 0
    if (not asked or asked == "-1") and not there:
        return Check("GPU", "ok", "none; the model runs on the CPU")
    if asked == "-1" or (there and "CUDA_VISIBLE_DEVICES" in environ and not asked):
        return Check("GPU", "ok", f"{there}, and CUDA_VISIBLE_DEVICES hides them")
    build = "the CPU build of torch" if torch.version.cuda is None else f"torch for CUDA {torch.version.cuda}"
    what = f"CUDA_VISIBLE_DEVICES={asked}" if asked else f"{there} in this machine"
    hint = (
        "install the CUDA build of torch"
        if torch.version.cuda is None
        else "does `nvidia-smi` see it? its driver may be too old"
    )
    return Check("GPU", "fail" if asked else "warn", f"{what}, but {build} sees none", hint)


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith(("flags", "Features"))), "").split())


def _torchserve() -> Check:
    hint = "pip install torchserve==0.12.0 torch-model-archiver==0.12.0 pyyaml 'setuptools<82'"
    lacking = [
        name for name in ("ts", "model_archiver", "yaml", "pkg_resources") if importlib.util.find_spec(name) is None
    ]
    if lacking:
        return Check("TorchServe", "fail", f"lacks {', '.join(lacking)}", hint)
    return Check("TorchServe", "ok", f"{version('torchserve')} with model archiver and PyYAML")


def _package(name: str, package: str, module: str) -> Check:
    try:
        found = version(package)
        importlib.import_module(module)
    except (PackageNotFoundError, ImportError) as error:
        return Check(name, "fail", f"does not load: {error}", f"pip install {package}")
    return Check(name, "ok", found)


def _model(settings: Settings) -> Check:
    folder = ModelFolder.of(settings.classify.model)
    model = folder.ref
    return Check("model", "ok", f"{model.name} {model.version} in {folder.path}, sha256 {model.sha256[:12]}")


def _detector(model_dir: Path | None) -> Check:
    """YuNet's file is known by its sha256, whatever its name."""
    folders = [folder for folder in (model_dir, model_files.cache_dir()) if folder is not None]
    for path in (path for folder in folders for path in sorted(folder.glob("*")) if path.is_file()):
        same_size = path.stat().st_size == model_files.SIZE_BYTES
        if same_size and hashlib.sha256(path.read_bytes()).hexdigest() == model_files.SHA256:
            return Check("detector", "ok", f"YuNet at {path}")
    looked = " and ".join(map(str, folders))
    hint = f"the first start tries to fetch it; {model_files.HINT}"
    return Check("detector", "warn", f"YuNet's file is not in {looked}: the Haar cascade finds fewer faces", hint)


def _disk(run_dir: Path) -> Check:
    """Of the two folders that grow, the one with less room counts."""
    free = {folder: shutil.disk_usage(_existing(folder)).free / 2**30 for folder in (run_dir.absolute(), cache_dir())}
    folder = min(free, key=lambda each: free[each])
    detail = f"{free[folder]:.1f} GiB free for {folder}"
    if free[folder] < DISK_GIB:
        return Check(
            "disk",
            "fail" if free[folder] < DISK_GIB / 4 else "warn",
            detail,
            "run_dir and EMOSTREAM_CACHE name the folders",
        )
    return Check("disk", "ok", detail)


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _memory() -> Check:
    memory = psutil.virtual_memory()
    detail = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB available"
    if memory.available < MEMORY_GIB * 2**30:
        return Check("memory", "warn", detail, f"the whole system on one machine takes about {MEMORY_GIB:.0f} GiB")
    return Check("memory", "ok", detail)


def _program(name: str, use: str) -> Check:
    found = shutil.which(name)
    return Check(name, "ok", found or f"not found; optional, {use}")
