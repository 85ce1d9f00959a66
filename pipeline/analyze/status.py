"""What an analyzer says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """`loops` grows while its loop turns, `written` with each record written out; `inflight`: frames it holds."""

    loops: int
    written: int
    inflight: int
    waiting_for_model: bool
    waiting_for_kafka: bool = False
