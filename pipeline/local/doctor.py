"""What this machine has and lacks: `emostream doctor`. Looks only; fetches nothing and asks no network."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import psutil
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.analyze import model_files
from pipeline.classify.model_folder import ModelFolder
from pipeline.errors import EmostreamError
from pipeline.local import jars, java
from pipeline.local.folders import cache_dir
from pipeline.settings import Settings

Status = Literal["ok", "warn", "fail"]

OLDEST_PYTHON = (3, 11)
OLDEST_KAFKA_CLIENT = (3, 0, 12)
DISK_GIB = 2.0
MEMORY_GIB = 3.0  # Kafka, TorchServe and Ray take 1.5, capture and analyze the rest
CPU_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@dataclass(frozen=True)
class Check:
    """One thing looked at. `hint`: what to do where it is not ok."""

    name: str
    status: Status
    detail: str
    hint: str = ""

    @property
    def failed(self) -> bool:
        return self.status == "fail"


def examine(settings: Settings) -> list[Check]:
    """All checks, in the order a person would fix them."""
    looks: dict[str, Callable[[], Check]] = {
        "Python": _python,
        "Java": _java,
        "Kafka": _kafka_jars,
        "Kafka client": _kafka_client,
        "torch": _torch,
        "TorchServe": _torchserve,
        "Ray": lambda: _package("Ray", "ray", "ray"),
        "model": lambda: _model(settings),
        "detector": lambda: _detector(settings.model_dir),
        "disk": lambda: _disk(settings.run_dir),
        "memory": _memory,
        "ffmpeg": lambda: _program("ffmpeg", "only to make or convert videos by hand; OpenCV has its own"),
        "prometheus": lambda: _program("prometheus", "only to keep metrics; every process shows its own"),
    }
    return [_guarded(name, look) for name, look in looks.items()]


def render(checks: list[Check], console: Console) -> None:
    """A line a check, with its hint below where something is to be done, and the sum."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for check in checks:
        mark, colour = _MARKS[check.status]
        detail = Text(check.detail)
        if check.hint and check.status != "ok":
            detail.append(f"\n{check.hint}", style="dim")
        table.add_row(Text(mark, style=colour), Text(check.name, style="bold"), detail)
    console.print(table)
    failed = sum(check.failed for check in checks)
    warned = sum(check.status == "warn" for check in checks)
    if failed:
        console.print(f"\n{failed} to be fixed before `emostream demo` can run.", style="red")
    else:
        console.print("\n`emostream demo` can run." + (f" {warned} worth a look." if warned else ""), style="green")


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except EmostreamError as error:
        return Check(name, "fail", error.message, error.hint)
    except Exception as error:  # whatever a broken install raises is a finding, too
        return Check(name, "fail", f"{type(error).__name__}: {error}".splitlines()[0], "install emostream again")


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
    lacking = [name for name in ("crc32c", "lz4", "zstandard") if importlib.util.find_spec(name) is None]
    if lacking:
        status: Status = "fail" if "crc32c" in lacking else "warn"
        return Check(
            "Kafka client", status, f"kafka-python {found} without {', '.join(lacking)}: many times slower", hint
        )
    return Check("Kafka client", "ok", f"kafka-python {found} with crc32c, lz4 and zstd")


def _torch() -> Check:
    import torch

    features = [name for name in CPU_FEATURES if name in _cpu_flags()] or ["no known vector unit"]
    cuda = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no CUDA device"
    detail = f"{torch.__version__}; {psutil.cpu_count()} CPUs with {', '.join(features)}; {cuda}"
    if platform.machine() == "x86_64" and "avx2" not in features:
        return Check("torch", "warn", detail, "without AVX2 the model is many times slower")
    return Check("torch", "ok", detail)


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
