"""A network between clients and one port, that can fail."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from pipeline.local.ports import LOOPBACK


class Proxy:
    """Forwards connections made to `port`. `cut`: nothing passes any more, as when packets are dropped; `refuse`:
    connections end and new ones are refused; `delay`: seconds that each piece of data is held; `mend`: as before."""

    def __init__(self) -> None:
        self._server = self._listen(0)
        self.port: int = self._server.getsockname()[1]
        self._target = 0
        self._passing = threading.Event()
        self._passing.set()
        self._sockets: set[socket.socket] = set()
        self.delay = 0.0
        self._accept()

    def to(self, port: int) -> None:
        self._target = port

    def cut(self) -> None:
        self._passing.clear()

    def refuse(self) -> None:
        _shut(self._server)  # closed alone, it would still take the connection that its thread waits for
        for each in list(self._sockets):
            _shut(each)

    def mend(self) -> None:
        self.delay = 0.0
        self._passing.set()
        if self._server.fileno() < 0:
            self._server = self._listen(self.port)
            self._accept()

    def close(self) -> None:
        self._passing.set()
        self.refuse()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        return socket.create_server((LOOPBACK, port), reuse_port=False)

    def _accept(self) -> None:
        threading.Thread(target=self._serve, args=(self._server,), daemon=True).start()

    def _serve(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._passing.wait()
        try:
            server = socket.create_connection((LOOPBACK, self._target), 5)
        except OSError:
            client.close()
            return
        self._sockets |= {client, server}
        threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
        self._pump(server, client)
        self._sockets -= {client, server}

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            source.settimeout(None)
            while data := source.recv(1 << 16):
                if self.delay:
                    time.sleep(self.delay)
                self._passing.wait()
                sink.sendall(data)
        _shut(source)
        _shut(sink)


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
