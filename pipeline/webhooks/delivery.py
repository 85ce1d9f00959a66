"""One alert to one address: tried again until it is taken, refused for good, or too late."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter
from tenacity.nap import sleep_using_event

from pipeline.errors import UsageError
from pipeline.messages import Alert
from pipeline.metrics import Metrics
from pipeline.settings import WebhookSettings
from pipeline.webhooks.message import body, headers, place

log = logging.getLogger(__name__)


class Refused(Exception):
    """It was not taken. `status`: None without an answer; `after`: seconds that the address asks to wait."""

    def __init__(self, said: str, status: int | None = None, after: float | None = None) -> None:
        super().__init__(said)
        self.status = status
        self.after = after


class Gone(Refused):
    """The address wants no more of it: 410."""


class Stopped(Exception):
    """Asked to stop while it was on its way."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Why it was not delivered: the last answer, and how often it was tried."""

    said: str
    status: int | None
    attempts: int


class Endpoint:
    """An address. `stop`: ends what waits for another attempt."""

    def __init__(
        self, settings: WebhookSettings, client: httpx.Client, metrics: Metrics, stop: threading.Event
    ) -> None:
        self._settings = settings
        self._secret = settings.signing_secret()
        self._client = client
        self._metrics = metrics
        self._stop = stop
        for outcome in ("delivered", "failed", "given_up"):  # counted from zero on
            metrics.webhook_posts.labels(outcome)
        self._backoff = wait_exponential_jitter(
            initial=settings.backoff_seconds, max=settings.backoff_max_seconds, jitter=settings.backoff_seconds
        )

    @staticmethod
    def check(settings: WebhookSettings) -> None:
        """Raises UsageError where nothing can be posted to the address, or signed."""
        settings.signing_secret()
        try:
            httpx.URL(settings.url)
            parts = urlsplit(settings.url)
            (parts.hostname or "").encode("idna")
            place(settings.url)
        except (httpx.InvalidURL, ValueError) as error:
            raise UsageError(f"webhooks: {settings.id}: url: {error}", "http(s)://host:port/path, please") from None

    def deliver(self, alert: Alert, until: float) -> GivenUp | None:
        """None when it was taken. `until`: Unix time after which no other attempt is made; the first one always is.

        Raises Stopped.
        """
        payload = body(alert)
        attempts = Retrying(
            retry=retry_if_exception_type(Refused),
            stop=lambda state: self._hopeless(state) or time.time() + state.upcoming_sleep > until,
            wait=lambda state: self.pause(state, until - time.time()),
            sleep=sleep_using_event(self._stop),
            reraise=True,
        )
        try:
            attempts(self._post, alert, payload)
        except Refused as refused:
            self._metrics.webhook_posts.labels("given_up").inc()
            return GivenUp(str(refused), refused.status, attempts.statistics["attempt_number"])
        self._metrics.webhook_posts.labels("delivered").inc()
        return None

    def pause(self, state: RetryCallState, left: float) -> float:
        """As long as the address asks for, but not beyond its time; else longer each time."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Refused) and error.after is not None:
            return max(0.0, min(error.after, left))
        return self._backoff(state)

    @staticmethod
    def _hopeless(state: RetryCallState) -> bool:
        return state.outcome is not None and isinstance(state.outcome.exception(), Gone)

    def _post(self, alert: Alert, payload: bytes) -> None:
        if self._stop.is_set():
            raise Stopped
        signed = headers(self._secret, alert, payload, int(time.time()))
        try:
            with self._client.stream("POST", self._settings.url, content=payload, headers=signed) as answer:
                status, after = answer.status_code, retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # the last: of a host's name
            refused = Refused(f"{type(error).__name__}: {error}")
        else:
            if 200 <= status < 300:
                return
            refused = (Gone if status == httpx.codes.GONE else Refused)(f"answered {status}", status, after)
        self._metrics.webhook_posts.labels("failed").inc()
        where = f"{self._settings.id} at {place(self._settings.url)}"
        log.warning("%s did not take %s: %s", where, alert.event_id, refused)
        raise refused


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that an answer asks to wait, from a number or a date; None where it does not say so."""
    if value is None:
        return None
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None
