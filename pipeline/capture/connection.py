"""The parent's side of one camera process: start it, hear it, end it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

from pipeline.capture import wire
from pipeline.capture.spec import CameraSpec, ReadOptions, encode_task

_ROOT = str(Path(__file__).resolve().parents[2])
_CHUNK = 256 * 1024


class CameraProcess:
    """A running camera process. Only the thread that made it may use it: the process dies with that thread."""

    def __init__(self, spec: CameraSpec, options: ReadOptions) -> None:
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pipeline.capture.child", str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))},
                start_new_session=True,  # a Ctrl-C in the terminal is for the parent
            )
            ours.sendall(wire.framed(encode_task(spec, options)))
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)  # a process that stops in the middle of a message must not stop us
        self._socket = ours
        self._received = wire.Inbox()
        self._gone = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def hear(self, timeout: float, wake: int) -> wire.Message | None:
        """The next message; None when none is whole after `timeout` seconds or once descriptor `wake` can be read.

        None may come early: the caller looks at its clock. Raises EOFError when the process is gone, ValueError
        when it speaks nonsense.
        """
        message = self._received.next()
        if message is not None:
            return message
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(wake, select.POLLIN)
        ready = [fd for fd, _ in poll.poll(max(0.0, timeout) * 1000)]
        if self._socket.fileno() not in ready:
            return None
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            self._gone = True
            raise EOFError(str(error)) from None
        if not data:
            self._gone = True
            raise EOFError("end of the pipe")
        self._received.add(data)
        return self._received.next()

    def end(self) -> str:
        """Kills the process if it still runs, and says how it went: "exit code 1", "killed by SIGSEGV"."""
        by_itself = self._gone or self._process.poll() is not None
        if self._gone:
            try:
                self._process.wait(1.0)  # its pipe ends a moment before it does
            except subprocess.TimeoutExpired:
                by_itself = False
        self._process.kill()
        code = self._process.wait()
        self._socket.close()
        if not by_itself:
            return "ended by us"
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
