"""Records survive the wire; garbage is refused with a reason."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadRecord
from pipeline.messages import (
    CameraSight,
    CameraState,
    FrameHeader,
    FrameId,
    Kind,
    Ledger,
    Observation,
    SeqRange,
    Stub,
    checksum,
    frame_identity,
    headers_of,
    record_kind,
    scores_of,
)

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TRACE = f"00-{42:032x}-{7:016x}-01"
HEADER = FrameHeader(FrameId("site", "cam", 7, 42), AT, 640, 480, 0xDEADBEEF, TRACE, ("happy", "sad"))


def test_a_frame_header_survives_the_wire() -> None:
    headers = HEADER.encode()
    assert FrameHeader.decode(headers) == HEADER
    assert record_kind(headers) is Kind.FRAME
    assert dict(headers)["ce_id"] == b"site/cam/7/42"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("seq", None, "identity"),
        ("seq", b"-1", "identity"),
        ("session", b"x", "identity"),
        ("site", b"\xff", "identity"),
        ("captured_at", None, "captured_at of site/cam/7/42 is missing"),
        ("captured_at", b"2026-01-01T00:00:00", "no time zone"),
        ("size", b"640", "header size"),
        ("size", b"0x480", "header size"),
        ("crc", b"xyz", "header crc"),
    ],
)
def test_a_wrong_header_is_named(name: str, value: bytes | None, said: str) -> None:
    headers = [(key, old) for key, old in HEADER.encode() if key != name]
    if value is not None:
        headers.append((name, value))
    with pytest.raises(BadRecord, match=said) as raised:
        FrameHeader.decode(headers)
    assert raised.value.reason == "headers"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["site", "camera", "session", "seq", "size", "crc", "ce_type"]), st.binary(max_size=20)
        )
    )
)
def test_no_headers_do_more_than_raise_bad_record(headers: list[tuple[str, bytes]]) -> None:
    frame_identity(dict(headers))
    for parse in (FrameHeader.decode, record_kind):
        with contextlib.suppress(BadRecord):
            parse(headers)


def test_json_records_survive_the_wire() -> None:
    ledger = Ledger(
        site="s", camera="c", session=1, written_at=AT, covers_from=AT, covers_to=AT, first_seq=0, next_seq=3,
        expected=3, dropped={"buffer_full": [SeqRange(first=1, last=2)]}, state=CameraState.UP,
    )  # fmt: skip
    assert Ledger.decode(ledger.encode()) == ledger
    assert record_kind(headers_of(ledger)) is Kind.LEDGER
    stub = Stub(
        event_id="s/c/1/2", site="s", camera="c", session=1, seq=2, captured_at=AT, processed_at=AT, reason="checksum"
    )
    assert Stub.decode(stub.encode()).frame_id == FrameId("s", "c", 1, 2)
    assert record_kind(headers_of(stub)) is Kind.STUB
    sight = CameraSight(site="s", camera="c", session=1, at=AT, sight="dark", since=AT)
    assert CameraSight.decode(sight.encode()) == sight
    assert record_kind(headers_of(sight)) is Kind.CAMERA_SIGHT


def test_fields_of_a_newer_release_are_ignored() -> None:
    stub = Stub(event_id="s/c/1/2", site="s", camera="c", session=1, seq=2, captured_at=AT, processed_at=AT, reason="x")
    newer = json.loads(stub.encode()) | {"schema_version": 2, "mood": "new"}
    assert Stub.decode(json.dumps(newer).encode()).reason == "x"


@pytest.mark.parametrize("value", [None, b"", b"\xff\x00", b"[]", b'{"site": 1}', b'{"event_id": "a"}'])
def test_garbage_is_refused_with_a_reason(value: bytes | None) -> None:
    with pytest.raises(BadRecord, match="not a Observation") as raised:
        Observation.decode(value)
    assert raised.value.reason == "schema"


def test_scores_and_checksums() -> None:
    assert scores_of([0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1])["fear"] == 0.3
    with pytest.raises(ValueError, match="shorter"):
        scores_of([1.0])
    assert checksum(b"123456789") == 0xCBF43926  # the check value of CRC-32


@pytest.mark.parametrize(
    "changes",
    [
        {"captured_at": b"0001-01-01T00:00:00+14:00"},
        {"captured_at": b"9999-12-31T23:59:59-14:00"},
        {"captured_at": None},
        {"ce_type": None},
        {"session": None},
        {"site": None},
        {"size": None},
        {"seq": b"9" * 30},
    ],
)
def test_null_headers_and_impossible_times_are_bad_records(changes: dict[str, bytes | None]) -> None:
    headers = [(key, changes.get(key, value)) for key, value in HEADER.encode()]
    parse = record_kind if "ce_type" in changes else FrameHeader.decode
    with pytest.raises(BadRecord):
        parse(headers)  # type: ignore[operator]  # kafka-python gives None for a null value
