import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.capture import wire

MESSAGES: list[wire.Message] = [
    wire.Frame(1.25, 1700000000.5, 640, 480, 29.97, ("happy", "sad"), b"\xff\xd8jpeg\xff\xd9"),
    wire.Frame(0.0, 0.0, 1, 1, None, None, b""),
    wire.Alive(),
    wire.Ended("cut off"),
    wire.Failed("no such file", True),
]


@given(st.lists(st.sampled_from(MESSAGES), max_size=8), st.integers(1, 50))
def test_messages_come_out_as_they_went_in(messages: list[wire.Message], piece: int) -> None:
    stream = b"".join(wire.framed(wire.encode(message)) for message in messages)
    inbox, got = wire.Inbox(), []
    for start in range(0, len(stream), piece):
        inbox.add(stream[start : start + piece])
        while (message := inbox.next()) is not None:
            got.append(message)
    assert got == messages


@given(st.binary(max_size=60))
def test_nonsense_is_a_value_error(data: bytes) -> None:
    try:
        wire.decode(data)
    except ValueError:
        return
    pytest.fail("took nonsense for a message")


def test_a_message_longer_than_any_is_refused() -> None:
    inbox = wire.Inbox()
    inbox.add(b"\xff\xff\xff\xff")
    with pytest.raises(ValueError, match="bytes"):
        inbox.next()
