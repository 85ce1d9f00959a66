"""Calls that block: how many at once, how long they are waited for."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pipeline.api.problems import Refused
from pipeline.api.threads import Threads


def test_what_a_call_gives_and_what_it_raises() -> None:
    async def calls() -> None:
        threads = Threads("calls", 1, 30)
        assert await threads.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await threads.run(divmod, 7, 0)
        threads.close()

    asyncio.run(calls())


def test_those_that_wait_are_begun_in_turn_or_not_at_all() -> None:
    async def calls() -> None:
        go, begun = threading.Event(), []
        threads = Threads("reads", 1, 30, waiting=2)
        first = asyncio.create_task(threads.run(go.wait, 30))
        second = asyncio.create_task(threads.run(begun.append, "second"))
        gone = asyncio.create_task(threads.run(begun.append, "gone"))
        await asyncio.sleep(0)  # each takes or awaits the thread
        with pytest.raises(Refused, match=r"too much is under way \(reads\)"):
            await threads.run(begun.append, "fourth")
        gone.cancel()  # whoever asked went away
        await asyncio.wait([gone])
        go.set()
        await asyncio.gather(first, second)
        threads.close()
        assert begun == ["second"]

    asyncio.run(calls())


def test_one_that_was_not_begun_says_so() -> None:
    async def calls() -> None:
        go = threading.Event()
        threads = Threads("reads", 1, 0.05, waiting=1)
        answers = await asyncio.gather(*(threads.run(go.wait, 30) for _ in "ab"), return_exceptions=True)
        assert [str(answer.detail).partition("; ")[2] for answer in answers if isinstance(answer, Refused)] == [
            "what was asked for may still be done",
            "it was not begun",
        ]
        go.set()
        threads.close()

    asyncio.run(calls())


def test_one_that_hangs_is_left_and_keeps_its_thread() -> None:
    async def calls() -> None:
        go = threading.Event()
        threads = Threads("calls", 1, 0.05)
        with pytest.raises(Refused, match=r"no end within 0.05 s \(calls\); what was asked for may still be done"):
            await threads.run(go.wait, 30)
        with pytest.raises(Refused, match=r"too much is under way \(calls\)"):
            await threads.run(go.wait, 30)
        go.set()
        while True:  # its thread is free again as soon as it has ended
            try:
                assert await threads.run(str, 1) == "1"
                break
            except Refused:
                await asyncio.sleep(0.01)
        threads.close()

    asyncio.run(calls())
