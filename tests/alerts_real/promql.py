"""What an expression asks for, as far as it can be told from its text. Enough for the expressions of `deploy`."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right", "inf"}
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r'(?<![\w:."$])([a-zA-Z_:][\w:]*)\s*(\{(?:[^}"]|"[^"]*")*\})?(?!\s*\(|[\w:])')
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_RANGE = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, order=True)
class Selector:
    """`text`: as it stands there, `labels`: those that it matches."""

    metric: str
    text: str
    labels: frozenset[str]


def selectors(expr: str) -> list[Selector]:
    """Every series that is asked for, each once."""
    plain = _RANGE.sub("", _GROUPING.sub(" ", expr))
    outside = re.sub(r'"[^"]*"', lambda text: text[0], plain)
    found = {
        Selector(name, f"{name}{braces or ''}", frozenset(_MATCHER.findall(braces or "")))
        for name, braces in _SELECTOR.findall(outside)
        if name not in WORDS
    }
    return sorted(found, key=lambda selector: selector.text)


def grouped(expr: str) -> set[str]:
    """Labels that it groups or joins by."""
    return {label.strip() for labels in _GROUPING.findall(expr) for label in labels.split(",") if label.strip()}
