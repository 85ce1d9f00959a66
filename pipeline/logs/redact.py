"""What never stands in a log: passwords, tokens, signing secrets, pictures. Pure.

Too much is hidden rather than too little: a line is there to tell what happened, not to hold an address.
"""

from __future__ import annotations

import re

HIDDEN = "***"
MOST = 8192  # characters of one text that are told
_READ = 8 * MOST  # characters that are looked at: a secret that is cut in two there is not told anyway

_NAMES = (
    r"[\w.-]*(?:passw(?:or)?d|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|signature|credentials?)"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # user and password of a URI, up to the last @ before a space: passwords hold what they like
    (re.compile(r"(?i)(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,31}://)\S*@"), rf"\1{HIDDEN}@"),
    # Authorization headers, in HTTP, JSON and Python; alone standing ones of their schemes
    (re.compile(r"""(?i)(authorization["']?\s*[:=]\s*)(?:b?"[^"]*"|b?'[^']*'|[^\r\n,;"']+)"""), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # webhooks' signing secrets
    (re.compile(r"whsec_[\w+/=-]*"), f"whsec_{HIDDEN}"),
    # name=value, name: value, "name": "value"
    (
        re.compile(rf"""(?i)(?<![\w.-])({_NAMES}["']?\s*[:=]\s*)(?:b?"[^"]*"|b?'[^']*'|[^\s,;&)\]}}]+)"""),
        rf"\1{HIDDEN}",
    ),
    # bytes as Python writes them, and a JPEG in base64
    (re.compile(r"""\bb'(?:[^'\\]|\\.){64,}(?:'|$)|\bb"(?:[^"\\]|\\.){64,}(?:"|$)""", re.DOTALL), "b'...'"),
    (re.compile(r"/9j/[\w+/=-]{32,}"), "<jpeg>"),
)


def redact(text: str) -> str:
    """The text without secrets and pictures, of `MOST` characters at most."""
    shown = text[:_READ]
    for pattern, instead in _RULES:
        shown = pattern.sub(instead, shown)
    if len(shown) > MOST or len(text) > _READ:
        return f"{shown[:MOST]}... ({len(text)} characters)"
    return shown
