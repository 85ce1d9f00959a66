"""What a process holds in memory, frames and faces among it, goes to no disk when the process crashes."""

from __future__ import annotations

import resource

LEAST = 1  # byte: at 0, Linux would still hand the memory to a program that takes cores (core(5))


def forbid() -> None:
    """No core file of this process, nor of those that it starts from now on."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    limit = LEAST if most == resource.RLIM_INFINITY else min(LEAST, most)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
