"""Nothing runs without a declared purpose, nor where it is forbidden and no exception is recorded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import UsageError
from pipeline.policy.check import FORBIDDEN, as_shown, declared, refusals, remarks, require
from pipeline.settings import PlaceKind, PolicySettings, load

CARE = {"purpose": "To notice distress, and look in.", "setting": "care"}
EXCEPTION = {"kind": "safety", "reference": "assessment 12/2026", "person": "E. Hart"}


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests as a whole declare a purpose; here each says its own."""
    monkeypatch.delenv("EMOSTREAM_POLICY__PURPOSE", raising=False)
    monkeypatch.delenv("EMOSTREAM_POLICY__SETTING", raising=False)


def policy(**values: object) -> PolicySettings:
    return PolicySettings.model_validate(values)


def test_without_a_purpose_the_lines_to_write_are_shown() -> None:
    with pytest.raises(UsageError) as raised:
        require(load().policy)
    said = str(raised.value)
    assert raised.value.exit_code == 2
    lines = said[said.index("  policy:") :].splitlines()[:3]
    wanted = "\n".join(lines).replace("...", "To notice distress.")
    assert refusals(PolicySettings.model_validate(yaml.safe_load(wanted)["policy"])) == []


@pytest.mark.parametrize("setting", PlaceKind.__args__)  # type: ignore[attr-defined]
def test_only_workplace_and_education_are_refused(setting: PlaceKind) -> None:
    refused = refusals(policy(purpose="To see.", setting=setting))
    assert bool(refused) == (setting in ("workplace", "education")) == (setting in FORBIDDEN)


@pytest.mark.parametrize("setting", sorted(FORBIDDEN))
def test_a_recorded_exception_is_one_of_two_kinds_and_complete(setting: str) -> None:
    assert refusals(policy(purpose="To see.", setting=setting, exception=EXCEPTION)) == []
    for missing in EXCEPTION:
        with pytest.raises(ValueError, match=missing):
            policy(purpose="To see.", setting=setting, exception={**EXCEPTION, missing: " "})
    with pytest.raises(ValueError, match="kind"):
        policy(purpose="To see.", setting=setting, exception={**EXCEPTION, "kind": "productivity"})


def test_zones_and_cameras_carry_their_own() -> None:
    staff = {"staff-room": {"setting": "workplace"}}
    [refused] = refusals(policy(**CARE, zones=staff))
    assert refused.field == "policy.zones.staff-room.setting"
    assert "policy.zones.staff-room.exception" in refused.hint
    excepted = {"staff-room": {"setting": "workplace", "exception": EXCEPTION}}
    assert refusals(policy(**CARE, zones=excepted)) == []
    assert [each.field for each in refusals(policy(**CARE, cameras={"desk": {"setting": "education"}}))] == [
        "policy.cameras.desk.setting"
    ]


def test_the_exception_of_the_site_is_none_of_its_zones() -> None:
    values = {**CARE, "setting": "workplace", "exception": EXCEPTION, "zones": {"school": {"setting": "education"}}}
    assert [each.field for each in refusals(policy(**values))] == ["policy.zones.school.setting"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"purpose": " ... ", "setting": "care"}, "say it in words"),
        ({"purpose": "To see."}, "a purpose without a setting"),
        ({"setting": "care"}, "a setting without a purpose"),
        ({"purpose": "To see.", "setting": "office"}, "Input should be 'care'"),
        ({**CARE, "zones": {"a b": {"setting": "care"}}}, "'a b' is no name"),
    ],
)
def test_a_declaration_that_says_nothing_is_none(values: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        load(policy=values)
    assert "policy" in str(raised.value)


def test_the_command_line_may_declare() -> None:
    settings = declared(load(), "To see.", "research")
    assert (settings.policy.purpose, settings.policy.setting) == ("To see.", "research")
    assert declared(load(policy=CARE), None, None).policy.purpose == CARE["purpose"]
    with pytest.raises(UsageError, match="--purpose, --setting"):
        declared(load(), "To see.", None)


def test_a_demonstration_declares_itself_but_overrules_nothing() -> None:
    assert as_shown(load(), "to show").policy.setting == "demonstration"
    assert as_shown(load(policy=CARE), "to show").policy.setting == "care"


def test_demo_asks_for_no_declaration() -> None:
    """It gets as far as the report that cannot be written."""
    done = CliRunner().invoke(app, ["demo", "--report", "no/such/folder/report.json"])
    assert isinstance(done.exception, UsageError)
    assert "--report" in done.exception.message


def test_what_to_think_of() -> None:
    fields = [each.field for each in remarks(load(policy={**CARE, "zones": {"staff": {"setting": "workplace"}}}))]
    assert fields == ["policy.operator", "policy.contact", "policy.zones.staff"]
    fields = [each.field for each in remarks(load(policy={**CARE, "operator": "Elm", "contact": "Ada"}))]
    assert fields == ["policy.setting"]


ROLES = ("up", "capture", "analyze", "aggregate", "webhooks", "api", "dashboard", "replay")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("given", [None, {**CARE, "setting": "workplace"}])
def test_nothing_that_reads_faces_or_shows_them_starts(role: str, given: object, tmp_path: Path) -> None:
    """Refused before anything is started: no Kafka is asked here."""
    file = tmp_path / "emostream.yaml"
    file.write_text(yaml.safe_dump({"cameras": [{"uri": "synthetic:"}], **({"policy": given} if given else {})}))
    done = CliRunner().invoke(app, [role, "-c", str(file)])
    assert isinstance(done.exception, UsageError), done.output
    assert done.exception.message.startswith("policy.")


@pytest.mark.parametrize("setting", sorted(FORBIDDEN))
def test_what_is_forbidden_is_not_declared_at_the_command_line_either(setting: str) -> None:
    done = CliRunner().invoke(app, ["up", "--camera", "synthetic:", "--purpose", "To see.", "--setting", setting])
    assert isinstance(done.exception, UsageError), done.output
    assert done.exception.message.startswith(f"policy.setting: {setting}: ")


@pytest.mark.parametrize("place", ["zones", "cameras"])
def test_a_demonstration_does_not_cover_a_place_that_is_forbidden(place: str, tmp_path: Path) -> None:
    file = tmp_path / "emostream.yaml"
    file.write_text(yaml.safe_dump({"policy": {place: {"staff": {"setting": "workplace"}}}}))
    done = CliRunner().invoke(app, ["demo", "-c", str(file)])
    assert isinstance(done.exception, UsageError), done.output
    assert done.exception.message.startswith(f"policy.{place}.staff.setting: workplace: ")


def test_check_says_what_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "emostream.yaml"
    file.write_text(yaml.safe_dump({"policy": {**CARE, "setting": "workplace"}}))
    done = CliRunner().invoke(app, ["policy", "check", "-c", str(file)])
    assert done.exit_code == 2
    assert "refused: policy.setting: workplace" in done.output
    file.write_text(yaml.safe_dump({"policy": CARE}))
    done = CliRunner().invoke(app, ["policy", "check", "-c", str(file)])
    assert done.exit_code == 0
    assert "declared: care: To notice distress" in done.output


def test_the_example_for_care_homes_declares_itself() -> None:
    settings = load(Path(__file__).parents[3] / "deploy" / "examples" / "care.yaml")
    assert refusals(settings.policy) == []
    assert [each.field for each in remarks(settings)] == ["policy.setting"]  # staff is filmed, too


def test_the_command_ends_with_two_and_shows_what_to_write(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "up", "--camera", "synthetic:"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("emostream: policy.purpose: not declared")
    assert "    purpose: ..." in done.stderr
    assert "    setting: care" in done.stderr
