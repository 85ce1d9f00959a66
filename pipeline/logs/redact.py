"""What never stands in a log: passwords, tokens, signing secrets, pictures. Pure.

Too much is hidden rather than too little: a line is there to tell what happened, not to hold an address.
"""

from __future__ import annotations

import re

HIDDEN = "***"
MOST = 8192  # characters of one text that are told
_READ = 8 * MOST  # characters that are looked at: a secret that is cut in two there is not told anyway

_NAMES = (
    r"[\w.-]*(?:pass(?:w(?:or)?d|wd|phrase|code)?|pwd|secret|token|jwt|auth|sig(?:nature)?|credentials?|cookie"
    r"|(?:api|access|private|session)[_-]?key)"
)
_QUOTED = r"""b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'"""  # as JSON and Python write it
_WORD = re.compile(r"\S+")
_SCHEME = re.compile(r"(?i)(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,31}(?::|%3a)(?:/|%2f){2}")
_AT = re.compile(r"(?i)@|%40")
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # headers, in HTTP, JSON and Python; alone standing ones of their schemes
    (re.compile(rf"""(?i)((?:authorization|cookie)["']?\s*[:=]\s*)(?:{_QUOTED}|[^\r\n]+)"""), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # webhooks' signing secrets
    (re.compile(r"whsec_[\w+/=-]*"), f"whsec_{HIDDEN}"),
    # name=value, name: value, "name": "value"
    (re.compile(rf"""(?i)(?<![\w.-])({_NAMES}["']?\s*[:=]\s*)(?:{_QUOTED}|[^\s,;&)\]}}]+)"""), rf"\1{HIDDEN}"),
    # bytes as Python writes them, and a JPEG in base64
    (re.compile(r"""\bb'(?:[^'\\]|\\.){64,}(?:'|$)|\bb"(?:[^"\\]|\\.){64,}(?:"|$)""", re.DOTALL), "b'...'"),
    (re.compile(r"/9j/[\w+/=-]{32,}"), "<jpeg>"),
)


def redact(text: str) -> str:
    """The text without secrets and pictures, of `MOST` characters at most."""
    shown = _WORD.sub(_without_user, text[:_READ])
    for pattern, instead in _RULES:
        shown = pattern.sub(instead, shown)
    if len(shown) > MOST or len(text) > _READ:
        return f"{shown[:MOST]}... ({len(text)} characters)"
    return shown


def _without_user(word: re.Match[str]) -> str:
    """Without user and password, where it holds a URI: all up to the last @, as passwords hold what they like."""
    text = word[0]
    at = max((found.start() for found in _AT.finditer(text)), default=0)
    scheme = _SCHEME.search(text, 0, at)
    return text if scheme is None else f"{text[: scheme.end()]}{HIDDEN}{text[at:]}"
