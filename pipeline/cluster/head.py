"""Whether the Ray that this driver is connected to is still there.

Ray itself takes a minute to notice that its head is gone, and then ends the driver without a word; that only the
driver's own raylet is gone it does not tell at all: new actors then wait for ever.
"""

from __future__ import annotations

import contextlib
import socket

import ray

from pipeline.errors import DependencyError

ASK_SECONDS = 2.0
CONNECT_SECONDS = 1.0
PATIENCE_SECONDS = 10.0  # a head that restarts with its state kept is waited for


class Head:
    """Asks the head from time to time. Ray must be connected. Times are those of a monotonic clock."""

    def __init__(self, now: float) -> None:
        context = ray.get_runtime_context()
        self._node = context.get_node_id()
        host, _, port = context.gcs_address.rpartition(":")
        self._address = host, int(port)
        self._next = self._answered = now
        self.gone = False

    def check(self, now: float) -> None:
        """Raises DependencyError when nothing can come of this connection any more."""
        if now < self._next:
            return
        self._next = now + ASK_SECONDS
        if self._answers():
            self._answered = now
        elif now - self._answered > PATIENCE_SECONDS:
            self.gone = True
            what = f"Ray at {self._address[0]}:{self._address[1]} is gone: no answer for {PATIENCE_SECONDS:g} s"
            raise DependencyError(what, "start Ray, then analyze again; what was not committed is read again")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(self._address, CONNECT_SECONDS).close()  # else the next call would wait for long
            return any(node["Alive"] for node in ray.nodes() if node["NodeID"] == self._node)
        return False
