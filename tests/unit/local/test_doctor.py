from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.analyze import model_files
from pipeline.errors import DependencyError
from pipeline.local import doctor
from pipeline.local.doctor import Check
from pipeline.settings import Settings


def rendered(checks: list[Check], width: int = 100) -> str:
    out = io.StringIO()
    doctor.render(checks, Console(file=out, width=width))
    return out.getvalue()


def test_every_part_is_looked_at() -> None:
    names = [check.name for check in doctor.examine(Settings())]
    assert {"Python", "Java", "Kafka", "Kafka client", "torch", "TorchServe", "model", "detector", "disk"} <= set(names)


def test_hints_are_shown_where_something_is_to_be_done() -> None:
    text = rendered([Check("Java", "ok", "17", "unseen"), Check("model", "fail", "none", "name one")])
    assert "unseen" not in text
    assert "name one" in text
    assert "1 to be fixed" in text


def test_warnings_do_not_stop_the_demo() -> None:
    assert "`emostream demo` can run. 1 worth a look." in rendered([Check("detector", "warn", "none", "fetch it")])


def test_whatever_a_check_raises_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def java() -> Check:
        raise DependencyError("no Java", "get one")

    def broken() -> Check:
        raise ImportError("libcuda.so.1: cannot open\nmore")

    monkeypatch.setattr(doctor, "_java", java)
    monkeypatch.setattr(doctor, "_torch", broken)
    checks = {check.name: check for check in doctor.examine(Settings())}
    assert checks["Java"] == Check("Java", "fail", "no Java", "get one")
    assert checks["torch"].detail == "ImportError: libcuda.so.1: cannot open"
    assert checks["torch"].failed


def test_an_empty_cache_is_a_warning_with_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSTREAM_CACHE", str(tmp_path))
    check = doctor._kafka_jars()
    assert check.status == "warn"
    assert "0 of 46" in check.detail
    assert "42 MiB" in check.hint


def test_a_detector_file_is_known_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"the file"
    monkeypatch.setenv("EMOSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(model_files, "SIZE_BYTES", len(content))
    monkeypatch.setattr(model_files, "SHA256", hashlib.sha256(content).hexdigest())
    (tmp_path / "any-name.onnx").write_bytes(b"not file")
    assert doctor._detector(tmp_path).status == "warn"
    (tmp_path / "other-name.onnx").write_bytes(content)
    assert doctor._detector(tmp_path).status == "ok"


def test_a_model_that_is_not_there_fails(tmp_path: Path) -> None:
    settings = Settings.model_validate({"classify": {"model": str(tmp_path / "none")}})
    check = next(check for check in doctor.examine(settings) if check.name == "model")
    assert check.failed
    assert "classify.model" in check.hint
