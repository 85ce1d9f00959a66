from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import DependencyError
from pipeline.local import archive
from pipeline.settings import ClassifySettings


class Builder:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "model.mar").write_text(f"build {self.calls}")


def test_an_archive_is_built_once_for_each_content(tmp_path: Path) -> None:
    model, cache, build = tmp_path / "model", tmp_path / "cache", Builder()
    (model / "deep").mkdir(parents=True)
    (model / "deep" / "weights").write_bytes(b"1")
    first = archive.cached([model], "threads=1", cache, build)
    assert archive.cached([model], "threads=1", cache, build) == first
    assert build.calls == 1
    others = {archive.cached([model], "threads=2", cache, build)}
    (model / "deep" / "weights").write_bytes(b"2")
    others.add(archive.cached([model], "threads=1", cache, build))
    (model / "deep" / "weights").rename(model / "weights")
    others.add(archive.cached([model], "threads=1", cache, build))
    assert build.calls == 4
    assert len(others | {first}) == 4


def test_byte_code_does_not_count(tmp_path: Path) -> None:
    model, build = tmp_path / "model", Builder()
    model.mkdir()
    archive.cached([model], "", tmp_path / "cache", build)
    (model / "a.pyc").write_bytes(b"x")
    archive.cached([model], "", tmp_path / "cache", build)
    assert build.calls == 1


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()

    def build(folder: Path) -> None:
        (folder / "half.mar").write_text("half")
        raise DependencyError("no")

    with pytest.raises(DependencyError):
        archive.cached([tmp_path / "model"], "", tmp_path / "cache", build)
    assert not list((tmp_path / "cache").iterdir())


def test_old_archives_go(tmp_path: Path) -> None:
    model, cache, build = tmp_path / "model", tmp_path / "cache", Builder()
    model.mkdir()
    newest = [archive.cached([model], str(number), cache, build) for number in range(archive.KEPT + 3)][-1]
    assert newest.exists()
    assert len(list(cache.iterdir())) == archive.KEPT


def test_no_such_model_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match=r"nowhere.*classify\.model"):
        archive.of_model(ClassifySettings(model=str(tmp_path / "nowhere")))
