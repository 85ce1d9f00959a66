"""A model server over HTTP, on connections that stay open."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import httpx

from pipeline.classify.authorities import authorities
from pipeline.classify.transport import Message, Refused, said
from pipeline.errors import ClassifierUnavailable
from pipeline.traces.asked import header as trace_header
from serving.server.wire import MAX_BYTES

REFUSED = frozenset({422})  # not 400: TorchServe says so of a wrong token, Triton of a model of other inputs
MISSING = frozenset({400, 404, 405})
CLOSED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
IDLE_SECONDS = 30.0  # a connection unused for so long is closed: sooner than the server does


class Http:
    """See Transport: each message is POSTed to `path`.

    `timeout`: of a whole exchange, in s, a second attempt included. What it does not see to the second is a server
    that sends little by little: it may take as long again for the answer's last part, and for each part of its
    headers, until they are 100 kB.
    """

    def __init__(
        self, url: str, path: str, *, token: str | None = None, timeout: float = 20.0, ca_file: Path | None = None
    ) -> None:
        self._path = path
        self._timeout = timeout
        headers = {"Accept-Encoding": "identity"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(
            base_url=url,
            headers=headers,
            limits=httpx.Limits(max_connections=None, keepalive_expiry=IDLE_SECONDS),
            verify=ssl.create_default_context(cadata=authorities(ca_file)) if ca_file else True,
            trust_env=False,  # no proxy stands between the analyzers and the model
        )

    def __call__(self, request: Message) -> Message:
        status, answer = self._ask("POST", self._path, request)
        if status in REFUSED:
            raise Refused(f"the model server refuses the request: {said(answer.body)}")
        if status != 200:
            raise ClassifierUnavailable(f"the model server answers {status}: {said(answer.body)}")
        return answer

    def get(self, path: str) -> bytes | None:
        """What the server has at `path`; None: it has no such thing. Raises ClassifierUnavailable: not known now."""
        status, answer = self._ask("GET", path, Message(b""))
        if status not in (200, *MISSING):
            raise ClassifierUnavailable(f"the model server answers {status}: {said(answer.body)}")
        return answer.body if status == 200 else None

    def close(self) -> None:
        self._client.close()

    def _ask(self, method: str, path: str, request: Message) -> tuple[int, Message]:
        deadline = time.monotonic() + self._timeout
        try:
            try:
                return self._exchange(method, path, request, deadline)
            except CLOSED:  # the server may have closed the connection just when it was used again
                return self._exchange(method, path, request, deadline)
        except httpx.TimeoutException:
            raise self._late() from None
        except RuntimeError:
            if self._client.is_closed:
                raise ClassifierUnavailable("the connection to the model server is closed") from None
            raise
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ClassifierUnavailable(f"the model server at {self._server} is not there: {error}") from None

    def _exchange(self, method: str, path: str, request: Message, deadline: float) -> tuple[int, Message]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._late()
        body = bytearray()
        with self._client.stream(
            method, path, content=request.body, headers={**request.headers, **trace_header()}, timeout=left
        ) as response:
            for part in response.iter_raw():
                body += part
                if len(body) > MAX_BYTES:
                    raise ClassifierUnavailable(f"the model server answers more than {MAX_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise self._late()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return response.status_code, Message(bytes(body), headers)

    def _late(self) -> ClassifierUnavailable:
        return ClassifierUnavailable(f"the model server does not answer within {self._timeout:g} s")

    @property
    def _server(self) -> str:
        """Host and port, without the password that its URL may hold."""
        return self._client.base_url.netloc.decode()
