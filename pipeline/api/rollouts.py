"""Brings another version of the model into service: writes to the topic that analyzers and their controller follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from pipeline.access import Caller
from pipeline.api.audited import Audited, Deed
from pipeline.api.changes import Changes
from pipeline.api.parts import Parts
from pipeline.api.shapes import NewRollout, RolloutAnswer
from pipeline.messages import Rollout, Stage
from pipeline.rollout.stages import Known, Plan, begun, check_none_runs, ended, widened
from pipeline.rollout.status import status
from pipeline.watch.site import SiteView


class Rollouts:
    """Blocks while Kafka and the model servers do: call it from a thread. Raises EmostreamError and Refused."""

    def __init__(self, parts: Parts, audited: Audited) -> None:
        self._parts = parts
        self._audited = audited
        self._site = parts.settings.site
        self._changes = Changes(parts, audited)

    def start(self, caller: Caller, asked: NewRollout) -> Rollout:
        deed = Deed(caller, "rollout.start", f"model/{asked.version}", asked.reason)
        with self._audited.refusing(deed):  # the servers may take their time, in which others may take it back
            check_none_runs(*self._known())
            live, candidate = self._parts.models.live(), self._parts.models.candidate(asked.version)
        with self._changes.one(deed):
            plan = Plan(asked.shadow_seconds, asked.share, asked.bounds)
            who, now = caller.name, self._parts.now()
            new = begun(
                self._site, live, candidate, self._known(), plan, self._cameras(), at=now, by=who, reason=asked.reason
            )
            return self._put(deed, None, new)

    def share(self, caller: Caller, share: float, reason: str) -> Rollout:
        return self._change(Deed(caller, "rollout.share", "rollout", reason), lambda known: widened(*known, share))

    def end(self, caller: Caller, how: Stage, reason: str) -> Rollout:
        action = "rollout.finish" if how is Stage.FINISHED else "rollout.back"
        return self._change(Deed(caller, action, "rollout", reason), lambda known: ended(*known, how))

    def _change(self, deed: Deed, change: Callable[[Known], Rollout]) -> Rollout:
        with self._changes.one(deed):
            known = self._known()
            said = {"changed_at": self._parts.now(), "changed_by": deed.caller.name, "reason": deed.reason}
            new = change(known).model_copy(update=said)
            return self._put(replace(deed, target=f"model/{new.candidate.ref.version}"), known[0], new)

    def _put(self, deed: Deed, before: Rollout | None, new: Rollout) -> Rollout:
        self._audited.do(replace(deed, before=before, after=new), lambda: self._parts.models.put(new))
        self._changes.wait(lambda view: view.rollout == new)
        return new

    def _known(self) -> Known:
        with self._parts.watched.reading() as view:
            return view.rollout, view.verdict

    def _cameras(self) -> set[str]:
        with self._parts.watched.reading() as view:
            return {f"{self._site}/{camera.id}" for camera, _ in view.now(self._parts.now()).cameras}


def answer(view: SiteView, now: datetime) -> RolloutAnswer:
    """How the last rollout does."""
    if view.rollout is None:
        return RolloutAnswer(rollout=None)
    return RolloutAnswer(rollout=status(view.rollout, view.verdict, view.judge, now))
