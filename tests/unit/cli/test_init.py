"""`emostream init`: five answers, and a file that loads and holds no password."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from pipeline.access import Access
from pipeline.cli import app
from pipeline.cli.init import local_zone
from pipeline.console.new_settings import Answers, text
from pipeline.errors import UsageError
from pipeline.policy.check import refusals
from pipeline.settings import KafkaSettings, PolicySettings, Settings, load

GIVEN = ["--non-interactive", "--purpose", "To notice distress.", "--setting", "care"]


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMOSTREAM_POLICY__PURPOSE", raising=False)
    monkeypatch.delenv("EMOSTREAM_POLICY__SETTING", raising=False)


def init(file: Path, *options: str, said: str | None = None) -> Result:
    return CliRunner().invoke(app, ["init", str(file), *options], input=said)


def test_five_questions(tmp_path: Path) -> None:
    file = tmp_path / "emostream.yaml"
    cameras = "rtsp://admin:hunter2@10.0.0.5/a?id=room-101 webcam:0"
    said = ["house-elm", 'To notice distress: "look in"', "care", cameras, "Europe/Berlin", "y"]
    done = init(file, said="\n".join(said) + "\n")
    assert done.exit_code == 0, done.output
    settings = load(file)
    assert (settings.site, settings.timezone) == ("house-elm", "Europe/Berlin")
    assert (settings.policy.purpose, settings.policy.setting) == ('To notice distress: "look in"', "care")
    assert [(camera.id, camera.credentials) for camera in settings.cameras] == [
        ("room-101", "env:CAMERA_ROOM_101"),
        ("webcam-0", ""),
    ]
    assert [rule.id for rule in settings.alerts] == ["distress", "distress-for-this-room"]
    assert "export CAMERA_ROOM_101=" in done.output
    assert "hunter2" not in file.read_text()
    assert "admin" not in file.read_text()
    assert refusals(settings.policy) == []


def test_what_cannot_be_is_asked_again(tmp_path: Path) -> None:
    file = tmp_path / "emostream.yaml"
    said = ["", "To notice distress.", "a house", "care", "rtsp://host:port/a", "webcam:0", "", ""]
    done = init(file, said="\n".join(said) + "\n")
    assert done.exit_code == 0, done.output
    assert "one of these, please" in done.output
    assert "the port is no number" in done.output
    settings = load(file)
    assert (settings.site, settings.policy.setting) == ("site-1", "care")
    assert [camera.uri for camera in settings.cameras] == ["webcam:0"]
    assert settings.alerts, "where people are cared for rules for care are offered first"


def test_options_answer_and_nothing_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "emostream.yaml"
    done = init(file, *GIVEN, "--timezone", "Europe/Paris", "--camera", "synthetic:?people=2", "--no-alerts")
    assert done.exit_code == 0, done.output
    settings = load(file)
    assert settings.timezone == "Europe/Paris"
    assert settings.cameras[0].uri == "synthetic:?people=2"
    assert settings.alerts == []


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "emostream.yaml"
    file.write_text("site: mine\n")
    done = init(file, *GIVEN)
    assert isinstance(done.exception, UsageError)
    assert file.read_text() == "site: mine\n"
    assert init(file, *GIVEN, "--force").exit_code == 0
    assert load(file).policy.setting == "care"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--non-interactive"], "--purpose is missing"),
        (["--non-interactive", "--purpose", "To see."], "--setting is missing"),
        ([*GIVEN, "--timezone", "Mars"], "timezone: 'Mars' is no time zone"),
        ([*GIVEN, "--site", "a/b"], "site: 'a/b' is no name"),
        ([*GIVEN, "--purpose", "..."], "policy.purpose: say it in words"),
        ([*GIVEN, "--camera", "synthetic:?people=99"], "people=99"),
        ([*GIVEN, "--camera", "http://10.0.0.5/a?token=hunter2"], "holds a token or password"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(options: list[str], said: str, tmp_path: Path) -> None:
    done = init(tmp_path / "emostream.yaml", *options)
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)
    assert "hunter2" not in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_workplace_starts_only_with_its_exception(tmp_path: Path) -> None:
    file = tmp_path / "emostream.yaml"
    assert init(file, *GIVEN, "--setting", "workplace").exit_code == 0
    assert refusals(load(file).policy) != []
    lines = file.read_text().replace("  # exception:", "  exception:").splitlines()
    filled = "\n".join(line.replace("  #   ", "    ").replace("...", "said") for line in lines)
    assert refusals(PolicySettings.model_validate(yaml.safe_load(filled)["policy"])) == []


def test_how_long_frames_are_kept_and_who_is_let_in_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "emostream.yaml"
    told = init(file, *GIVEN, "--no-alerts").output
    assert "kept for 15 minutes" in told
    assert "api.tokens" in told
    lines = file.read_text().partition("# kafka:\n")[2].partition("# Rules")[0].splitlines()
    meant = [line.removeprefix("# ") for line in ["# kafka:", *lines] if re.match(r"# ( |\w+:$)", line)]
    monkeypatch.setenv("WARD_TOKEN", "0123456789abcdef0123456789abcdef")
    settings = Settings.model_validate(yaml.safe_load("\n".join(meant)))
    assert settings.kafka == KafkaSettings()
    assert (settings.dashboard.host, settings.api.tokens[0].role) == ("0.0.0.0", "viewer")
    assert not Access.of_page(settings).open


WORDS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(WORDS.filter(lambda said: any(map(str.isalpha, said))), st.booleans())
def test_whatever_is_said_comes_back_as_it_was(said: str, alerts: bool) -> None:
    answers = Answers("site", "UTC", said, "care", [], alerts)
    settings = Settings.model_validate(yaml.safe_load(text(answers, "emostream.yaml")))
    assert settings.policy.purpose == said.strip()


def test_the_machines_time_zone(tmp_path: Path) -> None:
    zone = tmp_path / "zoneinfo" / "Europe" / "Berlin"
    zone.parent.mkdir(parents=True)
    zone.touch()
    (tmp_path / "localtime").symlink_to(zone)
    assert local_zone(tmp_path / "localtime") == "Europe/Berlin"
    assert local_zone(tmp_path / "nowhere") == "UTC"
