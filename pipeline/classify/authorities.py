"""Whose certificates a model server may have."""

from __future__ import annotations

import ssl
from pathlib import Path

from pipeline.errors import UsageError


def authorities(ca_file: Path) -> str:
    """The PEM text. Raises UsageError naming the setting: gRPC itself says nothing of a file that it cannot use."""
    try:
        text = ca_file.read_text()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise UsageError(f"classify.ca_file: {ca_file} cannot be read: {reason}", "PEM text, please") from None
    return text
