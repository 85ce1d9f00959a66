"""The whole system at work: frames and faces are in memory and in Kafka's folder, and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from pipeline.kafka.reader import Reader
from pipeline.local.stack import LocalStack
from pipeline.messages import FrameHeader, Observation
from pipeline.topics import PREVIEWS
from tests.e2e.test_system import Run
from tests.frames import wait_until

JPEG, PNG = b"\xff\xd8\xff\xe0\x00\x10JFIF", b"\x89PNG\r\n\x1a\n"
"""How pictures begin."""


def holding(folders: Iterable[Path], kinds: Iterable[bytes]) -> Iterator[Path]:
    """Files below the folders in which a picture begins, at whatever place."""
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                if path.is_file() and not path.is_symlink():
                    content = path.read_bytes()
                    if any(kind in content for kind in kinds):
                        yield path
            except OSError:  # gone meanwhile
                continue


def test_pictures_are_on_no_disk_but_kafkas(stack: LocalStack) -> None:
    run = Run(stack, ["synthetic:?people=2&id=hall&fps=10"])
    thread = threading.Thread(target=run.report)
    thread.start()
    try:
        with Reader(run.settings.kafka, [PREVIEWS]) as reader:
            reader.from_beginning()
            previews: list[object] = []
            wait_until(lambda: previews.extend(reader.poll(0.2)) or len(previews) >= 3)
        folder = stack.run.path
        kafkas, others = folder / "kafka", [each for each in folder.iterdir() if each.is_dir() and each.name != "kafka"]
        frames = f"{run.settings.kafka.topic_prefix}.frames-"
        assert any(path.parent.name.startswith(frames) for path in holding([kafkas], [JPEG]))
        assert list(holding([*others, stack.run.short], (JPEG, PNG))) == []
        processes = psutil.Process().children(recursive=True)
        assert any("pipeline.capture.child" in process.cmdline() for process in processes)
        assert {process.rlimit(psutil.RLIMIT_CORE)[1] for process in processes} <= {0, 1}
    finally:
        run.stop.set()
        thread.join(60)
    assert not thread.is_alive()
    seen = {message.event_id for message in run.messages() if isinstance(message, Observation)}
    assert {FrameHeader.decode(preview.headers).frame_id.event_id for preview in previews} <= seen
