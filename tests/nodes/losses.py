"""What is lost, one after the other, and what follows: work goes on elsewhere, and no frame is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.nodes.cluster import Kept
from tests.nodes.hosts import Host
from tests.nodes.site import NodesSite

Row = dict[str, Any]
READ = 20  # faces that the model has to read after a loss


def node(site: NodesSite) -> Row:
    """A host with a broker, a Ray worker, analyzers, a model server and an aggregator: its processes and its link."""
    cluster = site.cluster
    victim = _busiest(site)
    before = cluster.analyzers()
    lost = time.time()
    victim.lose()
    seconds = site.recovered(lost, 300)
    wanted = site.settings.analyze.actors
    site.patiently(lambda: sum(cluster.analyzers().values()) == wanted, "the analyzers are not all there again")
    after = cluster.analyzers()
    _goes_on(site, lost)
    victim.bring_back()
    site.patiently(cluster.whole, "its broker does not come back")
    site.patiently(partial(cluster.serves, victim), "its model server does not come back")
    assert victim.name in before
    assert victim.name not in after
    return {"host": victim.name, "recovery_seconds": seconds, "analyzers_before": before, "analyzers_after": after}


def broker(site: NodesSite) -> Row:
    """One of the three brokers."""
    return _part(site, "broker", site.cluster.hosts[1], site.cluster.whole)


def model_server(site: NodesSite) -> Row:
    """One of the two model servers."""
    host = site.cluster.workers[0]
    return _part(site, "model", host, partial(site.cluster.serves, host))


def head(site: NodesSite) -> Row:
    """Ray's head: the analyzers end with their driver, and begin anew once Ray is there again."""
    old = site.pids()
    lost = time.time()
    site.cluster.parts[f"ray on {site.cluster.first.name}"].kill()
    site.patiently(lambda: not old & site.pids(), "the old analyzers go on")
    gone = time.time()
    seconds = gone - lost + site.recovered(gone, 300)
    _goes_on(site, lost)
    return {"recovery_seconds": seconds, "until_analyzers_ended_seconds": gone - lost}


LOSSES: tuple[Callable[[NodesSite], Row], ...] = (node, broker, model_server, head)


def _part(site: NodesSite, name: str, host: Host, back: Callable[[], bool]) -> Row:
    part: Kept = site.cluster.parts[f"{name} on {host.name}"]
    part.held = True
    lost = time.time()
    part.kill()
    seconds = site.recovered(lost, 300)
    _goes_on(site, lost)
    part.held = False
    site.patiently(back, f"{part.name} does not come back")
    return {"host": host.name, "recovery_seconds": seconds}


def _goes_on(site: NodesSite, lost: float) -> None:
    """Faces are read, and windows told of all cameras, that are of a time after the loss."""
    site.patiently(lambda: site.read(lost) >= READ, "no faces are read")
    site.patiently(lambda: site.told(lost) == set(site.cameras), "windows are not told of all cameras")


def _busiest(site: NodesSite) -> Host:
    """Of the workers, the one that has most analyzers."""
    there = site.cluster.analyzers()
    return max(site.cluster.workers, key=lambda host: there.get(host.name, 0))
