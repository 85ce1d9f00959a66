"""An alert as webhooks are told of it: to whom, in what words, and signed as Standard Webhooks says. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import urlsplit

from pipeline.messages import Alert, AlertState
from pipeline.settings import WebhookSettings


def wanted(endpoint: WebhookSettings, alert: Alert) -> bool:
    """Whether the endpoint is to be told. What is silenced calls nobody; nor does news of what is acknowledged."""
    if alert.silenced or (alert.state is AlertState.UPDATED and alert.acknowledged_at is not None):
        return False
    by_rule = not endpoint.rules or alert.rule in endpoint.rules
    return by_rule and (not endpoint.severities or alert.severity in endpoint.severities)


def body(alert: Alert) -> bytes:
    """The payload: `type`, `timestamp` and, as `data`, the record of the topic."""
    payload = {
        "type": f"emostream.alert.{alert.state}",
        "timestamp": alert.at.isoformat(),
        "data": alert.model_dump(mode="json"),
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def headers(secret: str, alert: Alert, payload: bytes, at: int) -> dict[str, str]:
    """`secret`: whsec_...; `at`: when it is sent, Unix seconds. The id is the same however often it is sent."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{alert.event_id}.{at}.".encode() + payload
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "user-agent": "emostream",
        "webhook-id": alert.event_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }


def place(url: str) -> str:
    """The address as far as it may be shown: paths and queries may hold tokens."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
