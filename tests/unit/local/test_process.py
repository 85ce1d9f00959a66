"""Real processes, small ones: what they start must end with them, however the end comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.errors import ClassifierUnavailable, DependencyError
from pipeline.local.process import Cancelled, Process, Restarts, telling_line

PATIENCE = 60.0  # seconds until a test gives up
# A command that leaves its session with a daemon, says both pids and then does nothing.
TREE = """
import os, signal, sys, time
if "--deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(1, b"daemon %d\\n" % os.getpid())  # in one piece: print may write in several, between the other's
    time.sleep(600)
os.wait()
os.write(1, b"command %d\\n" % os.getpid())
time.sleep(600)
"""
# A parent: starts the command, forks a child that holds all its pipes, and waits to be killed.
PARENT = """
import os, sys, time
from pathlib import Path
from pipeline.local.process import Process
process = Process("tree", [sys.executable, "-c", sys.argv[1]], Path(sys.argv[2]))
forked = os.fork()
if forked == 0: time.sleep(600)
print(process.pid, forked, flush=True)
time.sleep(600)
"""


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pids_in(log: Path) -> dict[str, int]:
    """Of command and daemon, once both have said theirs."""
    until(lambda: log.exists() and len(log.read_text().split()) == 4, "the command says its pids")
    return {name: int(pid) for name, pid in map(str.split, log.read_text().splitlines())}


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def start(*command: str, grace: float = 5.0) -> Process:
        processes.append(Process("part", command, tmp_path / "log", grace_seconds=grace))
        return processes[-1]

    yield start
    for process in processes:
        process.stop()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_stop_ends_the_command_and_its_daemons(started: Callable[..., Process], log: Path) -> None:
    process = started(sys.executable, "-c", TREE)
    pids = pids_in(log)
    assert process.running()
    process.stop()
    assert all(map(gone, pids.values()))
    assert not process.running()
    process.stop()


def test_a_command_deaf_to_term_is_killed(started: Callable[..., Process], log: Path) -> None:
    process = started(sys.executable, "-c", TREE, "--deaf", grace=0.3)
    pids = pids_in(log)
    process.stop()
    assert all(map(gone, pids.values()))


def test_daemons_end_when_the_command_does(started: Callable[..., Process], log: Path) -> None:
    process = started(sys.executable, "-c", TREE)
    pids = pids_in(log)
    os.kill(pids["command"], signal.SIGKILL)
    until(lambda: not process.running(), "the guardian ends")
    assert gone(pids["daemon"])
    with pytest.raises(DependencyError, match=r"part has ended: .*; its log is"):
        process.check()


def test_all_end_when_the_parent_is_killed(log: Path) -> None:
    """Even where another child of the parent still holds the guardian's pipe."""
    command = [sys.executable, "-c", PARENT, TREE, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        guardian, forked = map(int, parent.stdout.readline().split())
        try:
            pids = pids_in(log)
            parent.kill()
            until(lambda: all(map(gone, [guardian, *pids.values()])), "all are gone")
        finally:
            parent.kill()
            os.kill(forked, signal.SIGKILL)


def test_a_killed_guardian_takes_the_command_along(started: Callable[..., Process], log: Path) -> None:
    process = started("sleep", "600")
    until(lambda: psutil.Process(process.pid).children(), "the command is started")
    (command,) = psutil.Process(process.pid).children()
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: gone(command.pid), "the command is gone")


def test_a_command_that_is_not_there_is_named(started: Callable[..., Process]) -> None:
    process = started("/no/such/program")
    until(lambda: not process.running(), "the guardian ends")
    with pytest.raises(DependencyError, match="part has ended: /no/such/program: No such file or directory"):
        process.check()


def test_the_end_of_the_process_ends_the_wait(started: Callable[..., Process]) -> None:
    process = started(sys.executable, "-c", "raise ValueError('no good')")
    with pytest.raises(DependencyError, match="part has ended: ValueError: no good"):
        process.wait_ready(lambda: False, PATIENCE, threading.Event())


def test_the_wait_is_bounded_and_says_why_it_was_in_vain(started: Callable[..., Process]) -> None:
    def probe() -> bool:
        raise ClassifierUnavailable("still loading")

    process = started("sleep", "600")
    with pytest.raises(DependencyError, match="part is not ready after 0 s: still loading"):
        process.wait_ready(probe, 0.1, threading.Event())


def test_a_wait_can_be_given_up(started: Callable[..., Process]) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        started("sleep", "600").wait_ready(lambda: False, PATIENCE, cancelled)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("starting\nready\n", "ready"),
        ("ERROR disk is full\nshutting down\n", "ERROR disk is full"),
        (
            "Exception in main\nCaused by: Address in use\n\tat a.b.C(C.java:1)\n\t... 6 more\n",
            "Caused by: Address in use",
        ),
        ("nvidia-smi not available: error=2\nWARNING: slow\n", "WARNING: slow"),
        ("\x1b[31mERROR\x1b[0m no room\n", "ERROR no room"),
    ],
)
def test_the_telling_line_of_a_log(log: Path, text: str, line: str) -> None:
    log.write_text(text)
    assert telling_line(log) == line


def test_a_log_that_tells_of_no_error_is_no_reason(log: Path) -> None:
    log.write_text("2026-11-21 INFO starting\n")
    assert telling_line(log, errors_only=True) == ""


def test_no_log_has_no_telling_line(tmp_path: Path) -> None:
    assert telling_line(tmp_path / "none") == ""


def ends(lives: float) -> int:
    """How often something that ends after `lives` seconds is started again, of 20 times."""
    restarts, now = Restarts(), 0.0
    for count in range(20):
        now += lives
        try:
            now += restarts.ended(DependencyError("it has ended"), now)
        except DependencyError:
            return count
    return 20


def test_what_ends_again_and_again_is_given_up_and_what_waits_in_vain_is_not() -> None:
    broken, without_kafka = 3.0, 13.0
    assert ends(broken) == 3
    assert ends(without_kafka) == 20
    assert Restarts().ended(DependencyError("killed"), 0.0) == 0
