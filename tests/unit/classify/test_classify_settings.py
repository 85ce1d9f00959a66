"""What the settings of the classifier take, and what they tell."""

import json
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.settings import Settings, load


def test_the_token_is_told_to_roles_and_to_nobody_else(tmp_path: Path) -> None:
    settings = load(classify={"token": "hunter2"})
    assert settings.classify.secret == "hunter2"
    assert "hunter2" not in f"{settings!r} {settings}"
    file = tmp_path / "settings.yaml"
    file.write_text(settings.model_dump_json())
    assert load(file).classify.secret == "hunter2"
    assert json.loads(Settings().model_dump_json())["classify"]["token"] is None
    assert Settings().classify.secret is None


@pytest.mark.parametrize("name", ["", ".", "..", "-a", "a/b"])
def test_a_model_name_is_one(name: str) -> None:
    with pytest.raises(UsageError, match=r"classify\.model_name"):
        load(classify={"model_name": name})
