"""What `emostream model package` writes, and what it leaves alone."""

import json
import zipfile
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from serving.cli import model_app
from serving.errors import RecipeError, ServingError
from serving.server.package import package
from serving.server.triton import repository


def command(*words: object) -> tuple[int, str]:
    """Exit code and stdout."""
    done = CliRunner().invoke(model_app, [str(word) for word in words])
    return done.exit_code, done.stdout


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "a/b", "-a", ".hidden", "a b"])
def test_a_name_that_is_no_name_writes_and_removes_nothing(model_dir: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    (out / "other").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (out / "kept.txt").write_text("mine")
    for server in ("triton", "torchserve"):
        arguments = ["--model", model_dir, "--out", out, "--server", server, f"--name={name}"]
        assert command("package", *arguments)[0] == 2
    with pytest.raises(RecipeError, match="no name of a model"):
        repository(model_dir, out, name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept.txt", "other", "other", "out"]


def test_a_repository_takes_the_place_of_a_model_of_tritons_alone(model_dir: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(ServingError, match=r"photos is no model of Triton's"):
        repository(model_dir, tmp_path, "photos")
    assert (photos / "mine.jpg").read_bytes() == b"mine"
    first = repository(model_dir, tmp_path, "emonext")
    (first / "left-over").write_text("of before")
    again = repository(model_dir, tmp_path, "emonext")
    assert sorted(path.name for path in again.iterdir()) == ["1", "config.pbtxt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["emonext", "photos"]


def test_a_model_that_cannot_be_loaded_leaves_what_is_served(model_dir: Path, tmp_path: Path) -> None:
    served = repository(model_dir, tmp_path, "emonext")
    with pytest.raises(ServingError):
        repository(tmp_path / "nowhere", tmp_path, "emonext")
    assert (served / "config.pbtxt").is_file()


def test_an_archive_has_the_name_and_the_limits_that_are_asked_for(model_dir: Path, tmp_path: Path) -> None:
    limits = ["--workers", 3, "--threads", 2, "--timeout", 45]
    code, out = command("package", "--model", model_dir, "--out", tmp_path, "--name", "emonext", *limits)
    archive = Path(out.strip())
    assert (code, archive.name) == (0, "emonext.mar")
    with zipfile.ZipFile(archive) as content:
        manifest = json.loads(content.read("MAR-INF/MANIFEST.json"))
        config = yaml.safe_load(content.read("model-config.yaml"))
    assert manifest["model"]["modelName"] == "emonext"
    assert (config["minWorkers"], config["maxWorkers"], config["handler"]["threads"]) == (3, 3, 2)
    assert config["responseTimeout"] == 45


def test_a_server_waits_longer_than_its_clients(model_dir: Path, tmp_path: Path) -> None:
    """Else it takes a worker for dead, and starts it anew, while somebody waits for it."""
    from pipeline.settings import ClassifySettings

    with zipfile.ZipFile(package(model_dir, tmp_path)) as content:
        config = yaml.safe_load(content.read("model-config.yaml"))
    assert config["responseTimeout"] > ClassifySettings().timeout_seconds


def test_triton_is_told_its_workers_and_threads(model_dir: Path, tmp_path: Path) -> None:
    arguments = ["--model", model_dir, "--out", tmp_path, "--server", "triton", "--workers", 3, "--threads", 2]
    code, out = command("package", *arguments)
    assert (code, Path(out.strip())) == (0, tmp_path / "emonext")
    config = (tmp_path / "emonext" / "config.pbtxt").read_text()
    assert "count: 3" in config
    assert 'key: "threads" value: { string_value: "2" }' in config
