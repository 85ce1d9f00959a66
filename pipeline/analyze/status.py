"""What an analyzer says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """`loops` grows while its loop turns, `written` with each record written out; `inflight`: frames it holds.

    `behind`: seconds that the frames which it reads have waited. `cpu_seconds`: of its process, so far.
    `faces_waiting`: all requests to the model are under way, and there are faces for more.
    """

    loops: int
    written: int
    inflight: int
    waiting_for_model: bool
    waiting_for_kafka: bool = False
    behind: float = 0.0
    cpu_seconds: float = 0.0
    faces_waiting: bool = False
