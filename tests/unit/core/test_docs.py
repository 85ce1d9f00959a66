"""The committed pages are what the code says."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pipeline.docs import metric_rows, pages
from pipeline.messages import CameraState, Kind, Ledger

DOCS = Path(__file__).parents[3] / "docs"
PAGES = pages()
LABELS = {"camera_id", "stage", "reason", "model", "version", "emotion", "role", "final", "rule"}
LABELS |= {"topic", "route", "code"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_up_to_date(path: str) -> None:
    assert (DOCS / path).read_text() == PAGES[path], "make docs writes it anew"


def test_a_record_fits_its_schema() -> None:
    import json
    from datetime import UTC, datetime

    at = datetime(2026, 1, 1, tzinfo=UTC)
    ledger = Ledger(
        site="s", camera="c", session=1, written_at=at, covers_from=at, covers_to=at, first_seq=0, next_seq=0,
        expected=0, state=CameraState.UP,
    )  # fmt: skip
    schema = json.loads(PAGES[f"schemas/{Kind.LEDGER}.json"])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(ledger.encode()))


def test_metric_names_follow_the_rules() -> None:
    for name, kind, labels, text in metric_rows():
        assert name.startswith("emostream_")
        assert text.endswith(".") or name.endswith("build_info")
        assert name.endswith("_total") == (kind == "counter")
        assert set(labels) <= LABELS
