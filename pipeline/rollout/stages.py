"""How far a rollout is, and which cameras are its own. Pure."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import UsageError
from pipeline.messages import Bounds, ModelRef, Rollout, RolloutVerdict, ServedModel, Stage

ORDER = tuple(Stage)
Known = tuple[Rollout | None, RolloutVerdict | None]
RUNNING = (Stage.SHADOW, Stage.CANARY)
DRAWS = 2000  # to find an id whose cameras are as many as asked for


class WrongStage(UsageError):
    """It cannot be done as far as the rollout is, or there is none."""


def stage_of(rollout: Rollout, verdict: RolloutVerdict | None) -> Stage:
    """Whoever knows both records knows it, in whatever order they came: to go back always wins."""
    said = [Stage.SHADOW]
    if rollout.ended is not None:
        said.append(rollout.ended)
    if verdict is not None and verdict.rollout_id == rollout.rollout_id:
        said.append(verdict.stage)
    return max(said, key=ORDER.index)


def joined(known: Known, record: Rollout | RolloutVerdict) -> Known:
    """With one record more, in the order of the log. Who writes late undoes nothing: what was taken back stays so."""
    rollout, verdict = known
    if isinstance(record, Rollout):
        if rollout is not None and record.rollout_id == rollout.rollout_id and _further(rollout.ended, record.ended):
            record = record.model_copy(update={"ended": rollout.ended})
        return record, verdict
    if verdict is not None and rollout is not None and verdict.rollout_id == rollout.rollout_id:
        late = record.rollout_id != rollout.rollout_id
        return known if late or _further(verdict.stage, record.stage) else (rollout, record)
    return rollout, record


def _further(one: Stage | None, other: Stage | None) -> bool:
    return one is not None and (other is None or ORDER.index(one) > ORDER.index(other))


def place(rollout_id: str, camera: str) -> float:
    """Where a camera, site/camera, stands among all, 0..1: the same for each process, another for each rollout."""
    digest = hashlib.sha256(f"{rollout_id}\n{camera}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def is_canary(rollout: Rollout, camera: str) -> bool:
    """Whether the new version reads this camera's faces at stage canary. With a larger share none goes back."""
    return place(rollout.rollout_id, camera) < rollout.share


def draw_id(cameras: Collection[str], share: float) -> str:
    """An id by which about that share of these cameras, and at least one, is chosen."""
    wanted = max(1, round(share * len(cameras)))
    best, off = secrets.token_hex(8), len(cameras) + 1
    for _ in range(DRAWS if cameras else 0):
        drawn = secrets.token_hex(8)
        misses = abs(sum(place(drawn, camera) < share for camera in cameras) - wanted)
        if misses < off:
            best, off = drawn, misses
        if not off:
            break
    return best


def check_none_runs(before: Rollout | None, verdict: RolloutVerdict | None) -> None:
    """Raises WrongStage while the last rollout is under way."""
    if before is not None and (at := stage_of(before, verdict)) in RUNNING:
        said = f"the rollout of {told(before.candidate.ref)} is under way, at stage {at}"
        raise WrongStage(said, "finish it or take it back first")


def check_start(live: ServedModel, candidate: ServedModel, known: Known) -> None:
    """`known`: of the last rollout. Raises UsageError, WrongStage."""
    check_none_runs(*known)
    before, verdict = known
    at = Stage.BACKED_OUT if before is None else stage_of(before, verdict)
    if before is not None and at is Stage.FINISHED and before.live == live.ref:
        hint = "name it with classify.model and start the analyzers again, or take it back"
        raise WrongStage(f"{told(before.candidate.ref)} reads all, but the settings still name {told(live.ref)}", hint)
    if candidate.ref == live.ref:
        raise UsageError(f"version: {told(live.ref)} is the model of the settings already", "name another version")
    for what in ("labels", "size", "color", "margin"):
        ours, theirs = getattr(live, what), getattr(candidate, what)
        if ours != theirs:
            hint = "emostream replay --model compares models of any crops, on frames that were kept"
            differs = f"differs from the live model in its {what}: {theirs}, not {ours}"
            raise UsageError(f"version: {told(candidate.ref)} {differs}", hint)


@dataclass(frozen=True)
class Plan:
    """How a version is to be brought in; see Rollout."""

    shadow_seconds: float
    share: float
    bounds: Bounds


def begun(
    site: str,
    live: ServedModel,
    candidate: ServedModel,
    known: Known,
    plan: Plan,
    cameras: Collection[str],
    *,
    at: datetime,
    by: str,
    reason: str,
) -> Rollout:
    """A new rollout. `known`: of the last one; `cameras`: site/camera, that there are.

    Raises UsageError, WrongStage.
    """
    check_start(live, candidate, known)
    return Rollout(
        site=site,
        rollout_id=draw_id(cameras, plan.share),
        live=live.ref,
        candidate=candidate,
        shadow_seconds=plan.shadow_seconds,
        share=plan.share,
        bounds=plan.bounds,
        started_at=at,
        changed_at=at,
        changed_by=by,
        reason=reason,
    )


def widened(rollout: Rollout | None, verdict: RolloutVerdict | None, share: float) -> Rollout:
    """With another share of the cameras. Raises WrongStage."""
    if rollout is None or stage_of(rollout, verdict) not in RUNNING:
        raise WrongStage("no rollout is under way", "`emostream model rollout start` begins one")
    return rollout.model_copy(update={"share": share})


def ended(rollout: Rollout | None, verdict: RolloutVerdict | None, how: Stage) -> Rollout:
    """The rollout at its end. Raises WrongStage."""
    if rollout is None:
        raise WrongStage("there is no rollout", "`emostream model rollout start` begins one")
    at = stage_of(rollout, verdict)
    if at is how or at is Stage.BACKED_OUT:
        raise WrongStage(f"the rollout of {told(rollout.candidate.ref)} is {at.replace('_', ' ')} already", "")
    if how is Stage.FINISHED and at is not Stage.CANARY:
        hint = "wait for it; `emostream model rollout status` tells how far it is"
        raise WrongStage("it has read no camera's faces yet: finish follows the canary", hint)
    return rollout.model_copy(update={"ended": how})


def told(ref: ModelRef) -> str:
    return f"{ref.name} {ref.version}"


def least(count: float, n: int, z: float = 3.0) -> float:
    """The lowest share that `count` of n still fits to: Wilson's bound, one in 700 is below it.

    `count` may be the sum of n values of 0..1: their variance is then smaller, and the bound the safer.
    """
    if not n:
        return 0.0
    share, z2 = min(1.0, count / n), z * z
    spread = z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (share + z2 / (2 * n) - spread) / (1 + z2 / n))
