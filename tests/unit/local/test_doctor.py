"""What is wrong on a machine, or in settings, is found and comes with what to do."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import socket
from pathlib import Path

import pytest
import torch
from rich.console import Console

from pipeline.analyze import model_files
from pipeline.errors import DependencyError
from pipeline.kafka.clients import errors_of
from pipeline.kafka.held import Difference, Held, differences
from pipeline.local import doctor
from pipeline.local.doctor import Check, camera, machine, services, site
from pipeline.local.ports import free_ports
from pipeline.settings import KafkaSettings, Settings, load
from pipeline.topics import plan

CARE = {"purpose": "To notice distress.", "setting": "care", "operator": "Elm House", "contact": "Ada"}


def rendered(checks: list[Check], width: int = 100) -> str:
    out = io.StringIO()
    doctor.render(checks, Console(file=out, width=width))
    return out.getvalue()


def test_every_part_is_looked_at(tmp_path: Path) -> None:
    kafka = {"bootstrap": f"127.0.0.1:{free_ports(1)[0]}"}
    names = [check.name for check in doctor.examine(load(kafka=kafka), tmp_path)]
    assert {"Python", "Java", "Kafka", "Kafka client", "torch", "TorchServe", "model", "detector", "disk"} <= set(names)
    assert {"policy", "settings file", "secrets", "ports", "GPU", "broker", "model server"} <= set(names)


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

    monkeypatch.setattr(machine, "_java", java)
    monkeypatch.setattr(machine, "_torch", broken)
    checks = {check.name: check for check in doctor.examine(Settings())}
    assert checks["Java"] == Check("Java", "fail", "no Java", "get one")
    assert checks["torch"].detail == "ImportError: libcuda.so.1: cannot open"
    assert checks["torch"].failed


def test_an_empty_cache_is_a_warning_with_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSTREAM_CACHE", str(tmp_path))
    check = machine._kafka_jars()
    assert check.status == "warn"
    assert "0 of 46" in check.detail
    assert "42 MiB" in check.hint


def test_a_detector_file_is_known_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"the file"
    monkeypatch.setenv("EMOSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(model_files, "SIZE_BYTES", len(content))
    monkeypatch.setattr(model_files, "SHA256", hashlib.sha256(content).hexdigest())
    (tmp_path / "any-name.onnx").write_bytes(b"not file")
    assert machine._detector(tmp_path).status == "warn"
    (tmp_path / "other-name.onnx").write_bytes(content)
    assert machine._detector(tmp_path).status == "ok"


def test_a_model_that_is_not_there_fails(tmp_path: Path) -> None:
    settings = Settings.model_validate({"classify": {"model": str(tmp_path / "none")}})
    check = next(check for check in doctor.examine(settings) if check.name == "model")
    assert check.failed
    assert "classify.model" in check.hint


@pytest.mark.parametrize(("codec", "status"), [("crc32c", "fail"), ("lz4", "fail"), ("zstandard", "warn")])
def test_a_missing_codec_is_found(codec: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == codec else find(name))
    check = machine._kafka_client()
    assert check.status == status
    assert codec in check.detail
    assert "pip install" in check.hint


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "DISK_GIB", 10.0**9)
    check = machine._disk(tmp_path)
    assert check.failed
    assert "run_dir" in check.hint


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees a GPU here")
def test_a_gpu_that_torch_does_not_see_is_found(tmp_path: Path) -> None:
    none, one = tmp_path / "none", tmp_path / "gpus"
    (one / "0000:01:00.0").mkdir(parents=True)
    assert machine._gpu({"CUDA_VISIBLE_DEVICES": "0"}, none).failed
    assert machine._gpu({}, one).status == "warn"
    assert "1 in this machine, but" in machine._gpu({}, one).detail
    assert machine._gpu({"CUDA_VISIBLE_DEVICES": "-1"}, one).status == "ok"
    assert machine._gpu({}, none).status == "ok"


def test_a_policy_that_refuses_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EMOSTREAM_POLICY__PURPOSE", raising=False)
    monkeypatch.delenv("EMOSTREAM_POLICY__SETTING", raising=False)
    assert site.policy(load(), None).status == "warn"
    assert "purpose: ..." in site.policy(load(), tmp_path).hint
    assert site.policy(load(policy={**CARE, "setting": "workplace"}), tmp_path).failed
    assert "policy.contact" in site.policy(load(policy={**CARE, "contact": ""}), tmp_path).hint
    assert site.policy(load(policy=CARE), tmp_path).status == "ok"


def test_missing_tokens_and_passwords_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.secrets(load()).status == "ok"
    open_to_all = site.secrets(load(api={"host": "0.0.0.0"}, dashboard={"host": "0.0.0.0"}))
    assert open_to_all.failed
    assert "api.host 0.0.0.0" in open_to_all.detail
    assert "dashboard.host 0.0.0.0" in open_to_all.detail
    token = {"tokens": [{"name": "ward", "token": "env:WARD_TOKEN"}]}
    assert "WARD_TOKEN is not set" in site.secrets(load(api=token)).detail
    monkeypatch.setenv("WARD_TOKEN", "0123456789abcdef0123456789abcdef")
    assert site.secrets(load(api=token)).status == "ok"
    camera = load(cameras=[{"uri": "rtsp://10.0.0.5/a", "id": "hall", "credentials": "env:CAMERA_HALL"}])
    assert "camera hall: CAMERA_HALL does not hold" in site.secrets(camera, {}).detail
    assert site.secrets(camera, {"CAMERA_HALL": "user:password"}).status == "ok"


def test_a_password_that_others_may_read_is_found(tmp_path: Path) -> None:
    file = tmp_path / "emostream.yaml"
    file.touch(mode=0o644)
    held = load(cameras=[{"uri": "rtsp://user:password@10.0.0.5/a"}])
    assert site.secrecy(held, file).status == "warn"
    assert site.secrecy(load(), file).status == "ok"
    file.chmod(0o600)
    assert site.secrecy(held, file).status == "ok"


def test_a_port_that_is_taken_is_found() -> None:
    free = free_ports(1)[0]
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        check = site.ports(load(api={"port": port}, dashboard={"port": 0}))
        assert check.failed
        assert f"api.port {port}" in check.detail
    assert site.ports(load(api={"port": free}, dashboard={"port": 0})).detail == f"free: api.port {free}"


def test_a_kafka_of_ones_own_is_advised_where_none_is_named() -> None:
    for kafka, advised in ((KafkaSettings(), True), (KafkaSettings(bootstrap="kafka.house.example:9092"), False)):
        with pytest.raises(DependencyError) as raised, errors_of(kafka):
            raise OSError("refused")
        assert ("up --local" in raised.value.hint) is advised


def test_a_model_server_and_a_ray_that_do_not_answer_are_found() -> None:
    port = free_ports(1)[0]
    named = load(classify={"url": f"127.0.0.1:{port}"}, ray={"address": f"ray://127.0.0.1:{port}"})
    server, ray = services.checks(named)
    assert server.failed
    assert ray.failed
    assert "classify.url" in server.hint
    assert "ray.address" in ray.hint
    with socket.create_server(("127.0.0.1", 0)) as other:
        there = load(classify={"kind": "in-process"}, ray={"address": f"127.0.0.1:{other.getsockname()[1]}"})
        assert [check.status for check in services.checks(there)] == ["ok"]


def test_how_topics_differ_from_the_plan() -> None:
    planned = plan(KafkaSettings(partitions=4))
    held = {topic.name: Held(topic.partitions, topic.config) for topic in planned.values()}
    assert differences(planned, held) == []
    frames = Held(6, {**planned["frames"].config, "retention.ms": "604800000"})
    audit = Held(1, {**planned["audit"].config, "compression.type": "snappy"})
    del held["emotion-alerts"]
    assert differences(planned, {**held, "frames": frames, "audit": audit}) == [
        Difference("frames", "partitions", "4", "6"),
        Difference("frames", "retention.ms", "900000", "604800000"),
        Difference("emotion-alerts", "topic", "emotion-alerts", ""),
        Difference("audit", "compression.type", "producer", "snappy"),
    ]


def test_each_camera_is_opened(tmp_path: Path) -> None:
    notes = tmp_path / "notes.mp4"
    notes.write_text("no video")
    uris = {
        "drawn": "synthetic:?size=320x240&fps=5",
        "door": "rtsp://admin:hunter2@127.0.0.1:1/none",
        "clip": str(notes),
    }
    settings = load(cameras=[{"id": name, "uri": uri} for name, uri in uris.items()], privacy={"previews": False})
    drawn, door, clip = camera.checks(settings)
    assert (drawn.name, drawn.status) == ("camera drawn", "ok")
    assert "320x240, 5 frames/s" in drawn.detail
    assert (door.status, "efused" in door.detail, "address" in door.hint) == ("warn", True, True)
    assert "hunter2" not in f"{door}"
    assert (clip.status, clip.hint) == ("fail", "check the path")


def test_cameras_are_left_alone_where_that_is_wanted() -> None:
    settings = load(cameras=[{"id": "clip", "uri": "nowhere.mp4"}], kafka={"bootstrap": "127.0.0.1:1"})
    names = [check.name for check in doctor.examine(settings, cameras=False)]
    assert "camera clip" not in names
