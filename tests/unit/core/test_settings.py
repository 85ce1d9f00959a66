"""Settings name the field that is wrong; the environment wins over the file."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.errors import UsageError
from pipeline.settings import AlertSettings, ResolvedSettings, Settings, ZoneSettings, ignored, load

SECRET = "whsec_" + "YWJj" * 8


def test_a_file_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "emostream.yaml"
    file.write_text("site: north\nkafka: {bootstrap: 'a:1', partitions: 3}\ncameras: [{uri: 'synthetic:', fps: 5}]\n")
    monkeypatch.setenv("EMOSTREAM_KAFKA__BOOTSTRAP", "b:2")
    settings = load(file)
    assert (settings.site, settings.kafka.bootstrap, settings.kafka.partitions) == ("north", "b:2", 3)
    assert settings.cameras[0].fps == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kafka: {boostrap: x}", "kafka.boostrap: unknown setting"),
        ("analyze: {actors: 0}", "analyze.actors: Input should be greater than or equal to 1"),
        ("site: 'a/b'", "site: 'a/b' is no name"),
        ("cameras: [{uri: a, id: x}, {uri: b, id: x}]", "id 'x' is used twice"),
        ("cameras: [{id: x}]", "cameras.0.uri: Field required"),
        ("alerts: [{id: a, expressions: [sad]}]", "alerts.0: give a limit: above or below"),
        ("alerts: [{id: a, expressions: [sad], above: 0.5, below: 0.1}]", "one of them only"),
        ("alerts: [{id: a, expressions: [sad], above: 5}]", "the limit 5.0 is no share"),
        ("alerts: [{id: a, expressions: [sad], above: 0.5, clear: 0.6}]", "clear: 0.6 lies beyond the limit 0.5"),
        ("alerts: [{id: a, expressions: [sad], below: 0.5, clear: 0.4}]", "clear: 0.4 lies beyond the limit 0.5"),
        ("alerts: [{id: a, expressions: [cross], above: 0.5}]", "alerts.0.expressions.0: Input should be 'angry'"),
        ("alerts: [{id: a, expressions: [sad], above: 0.5, window: 5m}]", "alerts: a: window: '5m' is none of"),
        ("alerts: [{id: no-data, expressions: [sad], above: 0.5}]", "no-data is the rule that is built in"),
        ("no_data: {window: 7s}", "no_data.window: '7s' is none of aggregate.windows: 60s, 300s/60s"),
        ("webhooks: [{id: a, url: x, secret: y}]", "webhooks.0.url: no http:// or https:// address"),
        ("webhooks: [{id: a, url: 'http://x', secret: hush}]", "webhooks.0.secret: not whsec_ and base64"),
        (f"webhooks: [{{id: a, url: 'http://x', secret: {SECRET}, rules: [b]}}]", "webhooks: a: no rule 'b'"),
        ("[1, 2]", "must be a mapping"),
        ("1: site", "must be a mapping, of names"),
        ("site: 2026-13-45", "not YAML"),
        ("a: [", "not YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "emostream.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as raised:
        load(file)
    assert said in str(raised.value)
    assert raised.value.exit_code == 2


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "emostream.yaml"
    file.write_text("site: 'a/b'\nkafka: {boostrap: x, partitions: 0}\n")
    with pytest.raises(UsageError) as raised:
        load(file)
    assert raised.value.message.splitlines() == [
        f"{file}: site: 'a/b' is no name: letters, digits, dot, dash and underscore, at most 63, please",
        f"{file}: kafka.partitions: Input should be greater than or equal to 1",
        f"{file}: kafka.boostrap: unknown setting",
    ]


def test_all_that_does_not_fit_together_is_told_at_once() -> None:
    rule = {"id": "a", "expressions": ["sad"], "above": 0.5, "scope": "zone", "only": ["hall"]}
    with pytest.raises(UsageError) as raised:
        load(alerts=[rule, rule], no_data={"window": "7s"})
    for said in ("no_data.window: '7s' is none of", "alerts: id 'a' is used twice", "alerts: a: only: no zone 'hall'"):
        assert said in raised.value.message


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "nowhere.yaml")


def test_a_resolved_file_reads_back_as_it_was(tmp_path: Path) -> None:
    settings = load(site="north")
    file = tmp_path / "settings.yaml"
    file.write_text(settings.model_dump_json())
    assert load(file).model_dump() == settings.model_dump()


def test_resolved_settings_do_not_listen_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = load(kafka={"bootstrap": "resolved:1"}).model_dump_json()
    monkeypatch.setenv("EMOSTREAM_KAFKA__BOOTSTRAP", "shell:2")
    assert ResolvedSettings.model_validate_json(resolved).kafka.bootstrap == "resolved:1"


def test_variables_that_are_no_settings_are_told() -> None:
    there = ("EMOSTREAM_KAFKA__BOOTSTRAP", "EMOSTREAM_SITE", "EMOSTREAM_CACHE", "EMOSTREAM_KAFKAA__BOOTSTRAP", "HOME")
    assert ignored(there) == ["EMOSTREAM_KAFKAA__BOOTSTRAP"]


@pytest.mark.parametrize(
    ("polygon", "said"),
    [
        ([[0, 0], [1, 1], [1, 0], [0, 1]], "crosses"),
        ([[0, 0], [0.5, 0.5], [1, 1]], "on one line"),
        ([[0, 0], [1.1, 0], [1, 1]], "not in the picture"),
        ([[0, 0], [1, 0]], "at least 3"),
    ],
)
def test_a_polygon_has_an_inside(polygon: list[list[float]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ZoneSettings(id="bed", camera="room-1", polygon=polygon)


def test_polygons_of_any_other_form_are_taken() -> None:
    star = [(0.5, 0.0), (0.6, 0.4), (1.0, 0.4), (0.7, 0.6), (0.8, 1.0), (0.5, 0.75), (0.2, 1.0), (0.3, 0.6)]
    assert ZoneSettings(id="bed", camera="room-1", polygon=star).polygon == star


def test_a_rule_names_zones_that_there_are() -> None:
    rule = AlertSettings(id="sad", scope="zone", only=["bde"], expressions=["sad"], above=0.5)
    with pytest.raises(ValidationError, match="sad: only: no zone 'bde'"):
        Settings(alerts=[rule])
