"""TorchServe slow, refusing, and answering with errors."""

from __future__ import annotations

import time
from collections.abc import Callable

from pydantic import SecretStr

from pipeline.messages import Observation
from tests.faults.fault import Conditions, Outcome, fault
from tests.faults.kills import TORCHSERVE, live
from tests.faults.proxy import Proxy
from tests.faults.site import Site

BACK_SECONDS = 30.0
SLOW_SECONDS = 1.0


@fault
def model_slow(conditions: Conditions) -> Outcome:
    """TorchServe's answers come a second late for a minute: frames wait, none is dropped."""
    return _spoiled(conditions, lambda proxy: setattr(proxy, "delay", SLOW_SECONDS))


@fault
def model_silent(conditions: Conditions) -> Outcome:
    """TorchServe does not answer for a minute, connections stay open: frames wait, none is dropped."""
    return _spoiled(conditions, Proxy.cut)


@fault
def model_refusing(conditions: Conditions) -> Outcome:
    """TorchServe refuses connections for a minute: frames wait, none is dropped."""
    return _spoiled(conditions, Proxy.refuse)


@fault
def model_erring(conditions: Conditions) -> Outcome:
    """TorchServe answers that it has no such token, for a minute: frames wait, none is dropped."""
    seconds = max(15.0, 60 * conditions.scale)
    with conditions.stack(conditions.settings(classify=TORCHSERVE)) as stack:
        good = stack.settings.classify
        wrong = good.model_copy(update={"token": SecretStr("wrong")})
        with Site(stack, conditions.folder, live(2, fps=5), classify=wrong.model_dump()) as site:
            for role in ("aggregate", "analyze", "capture"):
                site.start(role)
            time.sleep(seconds)
            site.give(classify=good)
            return _ended(site, time.time(), seconds)


def _spoiled(conditions: Conditions, spoil: Callable[[Proxy], None]) -> Outcome:
    """A network between the analyzers and TorchServe, spoiled for a while."""
    seconds = max(15.0, 60 * conditions.scale)
    proxy = Proxy()
    with conditions.stack(conditions.settings(classify=TORCHSERVE)) as stack:
        host, _, port = stack.settings.classify.url.rpartition(":")
        proxy.to(int(port))
        classify = stack.settings.classify.model_copy(update={"url": f"{host}:{proxy.port}"})
        with Site(stack, conditions.folder, live(2, fps=5), classify=classify.model_dump()) as site:
            site.begin()
            spoil(proxy)
            time.sleep(seconds)
            proxy.mend()
            outcome = _ended(site, time.time(), seconds)
    proxy.close()
    return outcome


def _ended(site: Site, since: float, away: float) -> Outcome:
    recovery = site.recovered(since)
    outcome = site.finish()
    errors = sum(
        face.reason == "model_error"
        for message in site.messages()
        if isinstance(message, Observation)
        for face in message.faces
    )
    outcome.recoveries = [recovery]
    outcome.figures |= {"away_seconds": away, "faces_without_an_answer": errors}
    outcome.hold(not outcome.figures["dropped"], f"dropped {outcome.figures['dropped']}")
    outcome.hold(not errors, f"{errors} faces were told without the model")
    outcome.recovered(BACK_SECONDS)
    return outcome
