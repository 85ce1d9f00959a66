"""Whether TorchServe reads a face: it answers pings while its workers are dead. Exit code 0: yes; 1: no."""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path

import numpy as np

from serving.server.wire import CONTENT_TYPE, decode_response, encode_request

TIMEOUT_SECONDS = 10.0


def reads(url: str, token: str) -> bool:
    """Raises OSError where nobody answers, ServingError where it is no answer."""
    crop = np.full((48, 48), 128, np.uint8)
    headers = {"Content-Type": CONTENT_TYPE} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, encode_request([crop]), headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        (scores,) = decode_response(answer.read())
    return isinstance(scores, np.ndarray)


if __name__ == "__main__":
    name, token_file = os.environ.get("MODEL_NAME", "emonext"), os.environ.get("TOKEN_FILE")
    try:
        token = Path(token_file).read_text() if token_file else ""
        read = reads(f"http://127.0.0.1:8080/predictions/{name}", token)
    except Exception as error:
        sys.exit(f"no face is read: {error}")
    sys.exit(None if read else "a face is refused")
