"""The wire format: round trips, and any bytes at all."""

import contextlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import serving
from serving.errors import CropError, WireError
from serving.server import open_inference
from serving.server.wire import (
    MAX_BYTES,
    MAX_CROPS,
    ItemError,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    response_digest,
)
from tests.unit.serving.serving_examples import faces

SHA = "ab" * 32
FIRST = 12  # where the first crop begins


def test_request_round_trip() -> None:
    crops = [faces(1)[0], faces(1)[0][:10, :7], np.stack([faces(1)[0]] * 3, 2)]
    for sent, found in zip(crops, decode_request(encode_request(crops)), strict=True):
        np.testing.assert_array_equal(found, sent)
    assert decode_request(encode_request([])) == []


def test_response_round_trip() -> None:
    scores = np.linspace(0, 1, 7, dtype=np.float32)
    body = encode_response([scores, ItemError("zu groß"), scores], SHA)
    first, error, second = decode_response(body)
    np.testing.assert_array_equal(first, scores)
    np.testing.assert_array_equal(second, scores)
    assert error == ItemError("zu groß")
    assert response_digest(body) == SHA


@pytest.mark.parametrize(
    ("entry", "message"),
    [((2304, 48, 48, 2), "2 channels"), ((2304, 48, 0, 1), "px"), ((2304, 48, 2000, 1), "px"), ((2304, 48, 47, 1), "")],
)
def test_one_bad_crop_leaves_the_others(entry: tuple[int, ...], message: str) -> None:
    body = bytearray(encode_request(list(faces(3))))
    struct.pack_into("<IHHB", body, FIRST + 12 + 2304, *entry)
    first, bad, last = decode_request(body)
    assert isinstance(bad, ItemError)
    assert message in bad.message
    np.testing.assert_array_equal([first, last], faces(3)[[0, 2]])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b"hello", "does not begin"),
        (encode_request(list(faces(2)))[:-1], "cut short in crop 1 of 2"),
        (encode_request(list(faces(2)))[:20], "cut short in crop 0 of 2"),
        (encode_request(list(faces(2))) + b"x", "1 bytes after"),
        (b"EMOX\x02\x01" + bytes(6), "version 2"),
        (encode_response([], SHA), "kind 2"),
        (b"EMOX\x01\x01\xff\xff" + bytes(4), "65535 crops"),
        (bytes(MAX_BYTES + 1), f"{MAX_BYTES} are the most"),
    ],
)
def test_broken_requests(body: bytes, message: str) -> None:
    with pytest.raises(WireError, match=message):
        decode_request(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_safe(tail: bytes) -> None:
    for head in (b"", b"EMOX\x01\x01\x02\x00\x00\x00\x00\x00", b"EMOX\x01\x02\x02\x00\x00\x00\x00\x00" + bytes(32)):
        for decode in (decode_request, decode_response, response_digest):
            with contextlib.suppress(WireError):
                decode(head + tail)


@given(st.data())
def test_a_damaged_response_is_an_error_or_scores(data: st.DataObject) -> None:
    body = bytearray(encode_response([np.ones(7, np.float32), ItemError("x")], SHA))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        items = decode_response(body)
    except WireError:
        return
    assert all(isinstance(item, ItemError | np.ndarray) for item in items)


def test_a_client_needs_no_torch() -> None:
    program = "import sys, serving.server.wire; sys.exit('torch' in sys.modules)"
    root = str(Path(serving.__file__).parents[1])
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0


def test_what_cannot_be_sent() -> None:
    with pytest.raises(CropError, match=r"crop 1: .*uint8"):
        encode_request([faces(1)[0], faces(1)[0].astype(float)])  # type: ignore[list-item]
    with pytest.raises(WireError, match="are the most"):
        encode_request([faces(1)[0]] * (MAX_CROPS + 1))
    with pytest.raises(WireError, match="bytes"):
        encode_request([np.zeros((1024, 1024, 3), np.uint8)] * 2)


def test_scores_that_are_no_numbers_are_zeros_in_json() -> None:
    """Which has no NaN: servers and clients in other languages refuse it."""
    scores = np.float32([[np.nan] * 7, [1 / 7] * 7, [np.inf] * 7])
    request = open_inference.Request(np.stack(list(faces(3))))
    body = open_inference.encode_response(scores, request, name="m", version="1", digest=SHA)
    assert b"NaN" not in body.content
    assert b"Infinity" not in body.content
    found, _ = open_inference.decode_response(body.content, None)
    np.testing.assert_array_equal(found, np.float32([[0] * 7, [1 / 7] * 7, [0] * 7]))
