from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import DependencyError
from pipeline.local.folders import RunFolder, cache_dir, new_run


@pytest.fixture
def opened() -> Iterator[list[RunFolder]]:
    runs: list[RunFolder] = []
    yield runs
    for run in runs:
        run.close()


def test_cache_is_where_the_environment_says() -> None:
    assert cache_dir({"EMOSTREAM_CACHE": "/c", "XDG_CACHE_HOME": "/x"}) == Path("/c")
    assert cache_dir({"XDG_CACHE_HOME": "/x"}) == Path("/x/emostream")
    assert cache_dir({}) == Path.home() / ".cache" / "emostream"


def test_a_run_has_its_folders_and_keeps_only_logs(tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs")
    assert (tmp_path / "runs" / "latest").resolve() == run.path.resolve()
    assert run.path.stat().st_mode & 0o077 == 0
    assert run.short.stat().st_mode & 0o077 == 0
    assert len(str(run.short)) < 40
    (run.logs / "kafka.log").write_text("said")
    (run.kafka / "segment").write_text("frames")
    run.close()
    assert sorted(path.name for path in run.path.iterdir()) == ["lock", "logs"]
    assert (run.logs / "kafka.log").read_text() == "said"
    assert not run.short.exists()


def test_runs_of_one_second_and_process_differ(tmp_path: Path, opened: list[RunFolder]) -> None:
    opened += [new_run(tmp_path) for _ in range(3)]
    assert len({run.path for run in opened}) == 3


def test_only_the_last_runs_are_kept(tmp_path: Path, opened: list[RunFolder]) -> None:
    for number in range(15):
        old = tmp_path / f"20200101-0000{number:02}-1"
        (old / "logs").mkdir(parents=True)
        (old / "lock").touch()
    (tmp_path / "notes").mkdir()
    opened.append(new_run(tmp_path))
    kept = sorted(path.name for path in tmp_path.iterdir() if (path / "lock").exists() and not path.is_symlink())
    assert kept[:-1] == [f"20200101-0000{number:02}-1" for number in range(6, 15)]
    assert (tmp_path / "notes").exists()


def test_what_a_killed_run_left_is_removed_and_a_living_run_is_left_alone(
    tmp_path: Path, opened: list[RunFolder]
) -> None:
    living = new_run(tmp_path)
    killed = new_run(tmp_path)
    for run in (living, killed):
        (run.kafka / "segment").write_text("frames")
        (run.logs / "kafka.log").write_text("said")
    killed._lock.close()  # what the end of a process does
    opened += [living, new_run(tmp_path)]
    assert (living.kafka / "segment").exists()
    assert living.short.exists()
    assert not killed.kafka.exists()
    assert not killed.short.exists()
    assert (killed.logs / "kafka.log").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DependencyError, match=r"file/runs: cannot be written: .*; free some space"):
        new_run(tmp_path / "file" / "runs")


def test_a_full_disk_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DependencyError, match="less than 500 MiB are free"):
        new_run(tmp_path / "runs")
    assert not list((tmp_path / "runs").iterdir())
