"""Makes kafka-python's clients where some of the brokers' addresses do not answer.

kafka-python 3.0.12 asks one address, drawn by chance, and waits for it as long as it may try at all: a host that is
gone takes all of that time. And a client that could not be made leaves its thread and its sockets behind.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kafka.errors import KafkaTimeoutError
from kafka.net.compat import KafkaNetClient

BOOTSTRAP_MS = 10_000  # of one try, in which one address that says nothing is waited for

Client = TypeVar("Client")


def made(kind: Callable[..., Client], config: Mapping[str, Any]) -> Client:
    """A client of this kind, if one of `bootstrap_servers` answers. Raises what kafka-python raises."""
    addresses = len(config["bootstrap_servers"])
    first = random.randrange(addresses)  # which is asked first is no secret  # nosec B311
    for tried in range(addresses - 1):
        try:
            return _tried(kind, config, first + tried)
        except KafkaTimeoutError:
            continue
    return _tried(kind, config, first + addresses - 1)


def _tried(kind: Callable[..., Client], config: Mapping[str, Any], first: int) -> Client:
    nets: list[KafkaNetClient] = []

    def net(**options: Any) -> KafkaNetClient:
        nets.append(_in_turn(KafkaNetClient(**options), first))
        return nets[-1]

    try:
        return kind(**config, bootstrap_timeout_ms=BOOTSTRAP_MS, kafka_client=net)
    except BaseException:
        for each in nets:
            each.close()
        raise


def _in_turn(net: KafkaNetClient, first: int) -> KafkaNetClient:
    """Has it ask its addresses one after the other, from the `first` on."""
    brokers = sorted(
        net.cluster.bootstrap_brokers(), key=lambda each: (each.host, each.port)
    )  # shuffled else, each time
    turns = itertools.count(first)
    net.cluster.bootstrap_brokers = lambda: [brokers[next(turns) % len(brokers)]]
    return net
