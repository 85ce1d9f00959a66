"""docker-compose.yml keeps what it promises, as far as that can be read. What it does: tests/e2e/test_compose.py."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.settings import Settings, ignored, load
from tests.compose import file, image
from tests.compose.file import REQUIRED, ROOT, Service

WHOLE = file.read({**REQUIRED, "EMOSTREAM_MODEL_SERVER": "torchserve-gpu"})
PROFILES = ("gpu", "demo", "webhooks")
SERVICES = file.services(WHOLE, *PROFILES)
JOBS = {"topics", "camera-added"}
each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def compose() -> list[str]:
    """The real one. EMOSTREAM_COMPOSE: the path of a plugin that stands alone."""
    if alone := os.environ.get("EMOSTREAM_COMPOSE"):
        return [alone]
    asked = ["docker", "compose", "version"]
    if shutil.which("docker") is None or subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("no docker compose: install the plugin, or name it with EMOSTREAM_COMPOSE")
    return ["docker", "compose"]


def config(tmp_path: Path, *profiles: str, **variables: str) -> subprocess.CompletedProcess[str]:
    secrets = tmp_path / "secrets"
    subprocess.run([ROOT / "deploy/docker/make-secrets", secrets], check=True, capture_output=True)
    chosen = [f"--profile={profile}" for profile in profiles]
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "EMOSTREAM_SECRETS": str(secrets)}
    command = [*compose(), "-f", str(file.FILE), *chosen, "config"]
    return subprocess.run(command, env={**own, **variables}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("profiles", [(), ("gpu",), PROFILES], ids=["default", "gpu", "all"])
def test_docker_compose_takes_it_and_reads_it_as_we_do(tmp_path: Path, profiles: tuple[str, ...]) -> None:
    done = config(tmp_path, *profiles, **REQUIRED)
    assert done.returncode == 0, done.stderr
    theirs = yaml.safe_load(done.stdout)["services"]
    ours = file.services(file.read(REQUIRED), *profiles)
    assert theirs.keys() == ours.keys()
    for name, service in ours.items():
        assert theirs[name].get("environment", {}) == service.environment, name
        assert tuple(theirs[name].get("command") or ()) == (service.command or ()), name


def test_docker_compose_says_what_has_to_be_given(tmp_path: Path) -> None:
    done = config(tmp_path)
    assert done.returncode != 0
    assert "what faces are read for" in done.stderr


def test_nothing_starts_without_a_purpose() -> None:
    with pytest.raises(file.MissingVariable, match="what faces are read for"):
        file.read({})
    with pytest.raises(file.MissingVariable, match="what kind of place"):
        file.read({"EMOSTREAM_PURPOSE": "x"})


@each_service
def test_a_service_is_shut_in(service: Service) -> None:
    raw = service.raw
    assert raw["read_only"] is True
    assert raw["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in raw["security_opt"]
    assert not {"privileged", "cap_add", "devices"} & raw.keys()
    assert int(raw["user"].partition(":")[0]) > 0
    assert re.fullmatch(r"\d+[mg]", raw["mem_limit"])
    assert raw["pids_limit"]
    assert raw["restart"] == ("no" if service.name in JOBS else "unless-stopped")


@each_service
def test_a_service_tells_whether_it_works(service: Service) -> None:
    if service.name not in JOBS:
        test = service.raw["healthcheck"]["test"]
        assert test[0] == "CMD"
        assert set(test[1:]) - {"true"}


@each_service
def test_whom_it_waits_for_can_be_waited_for(service: Service) -> None:
    for name, how in service.depends.items():
        wanted = "service_completed_successfully" if name in JOBS else "service_healthy"
        assert how["condition"] == wanted
        assert how.get("required", True) is (not SERVICES[name].profiles or bool(service.profiles))


@each_service
def test_ports_are_published_on_this_machine_only(service: Service) -> None:
    for port in service.raw.get("ports", ()):
        host, _, _ = port.rsplit(":", 2)
        assert ipaddress.ip_address(host).is_loopback
        assert any(not (WHOLE["networks"][name] or {}).get("internal") for name in service.networks)


def test_what_has_no_login_stays_on_this_machine_when_the_rest_does_not() -> None:
    there = file.services(file.read({**REQUIRED, "EMOSTREAM_LISTEN": "192.0.2.1"}))
    addresses = {name: each.raw["ports"][0].rsplit(":", 2)[0] for name, each in there.items() if "ports" in each.raw}
    assert addresses.pop("prometheus") == "127.0.0.1"
    assert set(addresses) == {"ray-head", "dashboard", "grafana"}
    assert set(addresses.values()) == {"192.0.2.1"}


def test_there_are_as_many_analyzers_as_are_asked_for_unless_there_may_be_more() -> None:
    for more, most in (({}, "3"), ({"MAX_ANALYZERS": "5"}, "5")):
        told = file.services(file.read({**REQUIRED, "ANALYZERS": "3", **more}))["analyze"].environment
        assert (told["EMOSTREAM_ANALYZE__ACTORS"], told["EMOSTREAM_ANALYZE__MAX_ACTORS"]) == ("3", most)


def test_kafka_ray_and_the_model_are_in_closed_networks() -> None:
    for name in ("kafka", "torchserve", "torchserve-gpu", "ray-worker"):
        assert all(WHOLE["networks"][network]["internal"] for network in SERVICES[name].networks)
        assert not SERVICES[name].raw.get("ports")


def test_no_secret_stands_in_it() -> None:
    """Passwords and tokens come from files. What looks like one is a place, or switches something."""
    for service in SERVICES.values():
        for name, value in service.environment.items():
            if re.search(r"PASSWORD|TOKEN|SECRET|_KEY", name):
                assert value.startswith(("/run/", "file:/run/")), f"{service.name}: {name}"
    for secret in WHOLE["secrets"].values():
        assert set(secret) == {"file"}


def test_secrets_are_made_once_and_are_the_owners_alone(tmp_path: Path) -> None:
    script, folder = ROOT / "deploy/docker/make-secrets", tmp_path / "secrets"
    told = subprocess.run([script, folder], check=True, capture_output=True, text=True).stdout
    first = {each.name: each.read_text() for each in folder.iterdir()}
    assert folder.stat().st_mode & 0o077 == 0
    assert {f"{name}" for name in first} == {Path(secret["file"]).name for secret in WHOLE["secrets"].values()}
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in first.values())
    assert len(set(first.values())) == len(first)
    assert not any(text in told for text in first.values())
    subprocess.run([script, folder], check=True, capture_output=True)
    assert first == {each.name: each.read_text() for each in folder.iterdir()}


@each_service
def test_settings_that_a_role_is_given_are_settings(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    command = service.command or ()
    if command[:1] != ("emostream",):
        return
    for name in [name for name in os.environ if name.startswith("EMOSTREAM_")]:
        monkeypatch.delenv(name)
    given = {name: value for name, value in service.environment.items() if name.startswith("EMOSTREAM_")}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert not ignored(given)
    (settings_file,) = (mount.source for mount in service.mounts if mount.target == command[command.index("-c") + 1])
    settings: Settings = load(ROOT / settings_file)
    assert settings.kafka.bootstrap == "kafka:9092"
    assert settings.policy.purpose == REQUIRED["EMOSTREAM_PURPOSE"]


@each_service
def test_what_is_mounted_is_there(service: Service) -> None:
    for mount in service.mounts:
        if mount.source.startswith("./secrets/"):
            continue
        assert (ROOT / mount.source).exists() if mount.source.startswith(".") else mount.source in WHOLE["volumes"]


@each_service
def test_what_it_runs_is_in_its_image(service: Service) -> None:
    if service.dockerfile is None:
        return
    built = image.read(ROOT / service.dockerfile[0], service.dockerfile[1])
    assert built.user == service.user
    for called in (
        (service.command or built.command),
        service.raw.get("healthcheck", {}).get("test", ["", "python"])[1:],
    ):
        program, *arguments = called
        scripts = {path.name for path in (ROOT / "deploy/docker/bin").iterdir()}
        assert program in {"emostream", "python", *scripts}
        for argument in arguments:
            if argument.startswith("/opt/emostream/torchserve/"):
                assert (ROOT / built.copied["/opt/emostream/torchserve"] / Path(argument).name).exists()


def test_prometheus_differs_from_the_one_of_a_machine_in_addresses_only() -> None:
    here = yaml.safe_load((ROOT / "deploy/docker/prometheus.yml").read_text())
    there = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert here["global"] == there["global"]
    jobs = [{job["job_name"]: job for job in each["scrape_configs"]} for each in (here, there)]
    assert jobs[0].keys() == jobs[1].keys()
    ours, theirs = (job["emostream"] for job in jobs)
    assert ours["relabel_configs"] == theirs["relabel_configs"]
    assert ours["http_sd_configs"][0]["url"].endswith(theirs["http_sd_configs"][0]["url"].rpartition(":8400")[2])


def test_grafana_is_given_the_dashboards_where_it_looks_for_them() -> None:
    provider: dict[str, Any] = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/dashboards/emostream.yml").read_text()
    )["providers"][0]
    mounts = {mount.target: mount.source for mount in SERVICES["grafana"].mounts}
    assert mounts[provider["options"]["path"]] == "./deploy/grafana/dashboards"
    assert WHOLE["services"]["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD__FILE"].startswith("/run/secrets/")


def test_the_documentation_names_variables_that_there_are() -> None:
    there = set(re.findall(r"\$\{(\w+)", file.FILE.read_text()))
    section = (ROOT / "docs/deploy.md").read_text().split("## Images")[0]
    named = {
        name for row in re.findall(r"^\| (`[A-Z].*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert {"EMOSTREAM_PURPOSE", "ANALYZERS", "KAFKA_IMAGE"} <= named <= there
