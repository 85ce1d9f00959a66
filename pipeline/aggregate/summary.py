"""What a window says, from what was counted in it. Pure."""

from __future__ import annotations

from pipeline.aggregate.tally import CERTAIN, FRAME, Tally, merged
from pipeline.aggregate.windows import Told
from pipeline.messages import LABELS, FrameCounts, Scope, Window


def summary(told: Told, scope: Scope, site: str, name: str) -> Window:
    """The record for `emotion-windows`. `name`: of the camera, the zone or the site."""
    total = merged(told.cameras.values())
    return Window(
        scope=scope,
        site=site,
        id=name,
        spec=str(told.spec),
        start=told.start,
        end=told.start + told.spec.length,
        revision=told.revision,
        final=told.final,
        as_of=told.as_of,
        frames=FrameCounts(
            expected=total.expected / FRAME,
            observed=total.observed,
            dead_lettered=total.dead_lettered,
            dropped=dict(sorted(total.dropped.items())),
            blind=dict(sorted(total.blind.items())),
        ),
        coverage=coverage(*told.cameras.values()),
        blind=blind(*told.cameras.values()),
        cameras={camera: coverage(tally) for camera, tally in told.cameras.items()},
        blind_cameras={camera: reason for camera, tally in told.cameras.items() if (reason := mostly_blind(tally))},
        n_face_frames=total.faces,
        n_tracks=len(total.tracks) + total.least.tracks,
        n_told=total.told,
        n_abstained=total.faces - total.told,
        abstained=dict(sorted(total.abstained.items())),
        scores_mean=_over_labels(total.scores, total.told * CERTAIN),
        label_share=_over_labels(total.labels, total.told),
        late_included=total.late,
    )


def withheld(window: Window) -> Window:
    """The same without its figures on faces."""
    nothing = {"n_face_frames": 0, "n_tracks": 0, "n_told": 0, "n_abstained": 0, "abstained": {}}
    return window.model_copy(update={**nothing, "scores_mean": None, "label_share": None, "suppressed": True})


def coverage(*cameras: Tally) -> float | None:
    """Frames observed over frames expected, None where none were. A camera that gave more makes up for no other."""
    expected = sum(tally.expected for tally in cameras)
    return round(sum(map(_observed, cameras)) / expected, 4) if expected else None


def blind(*cameras: Tally) -> float | None:
    """The part of the coverage that was seen by cameras that saw nothing of use: frames over frames expected."""
    expected = sum(tally.expected for tally in cameras)
    observed = sum(_observed(tally) * sum(tally.blind.values()) // max(1, tally.observed) for tally in cameras)
    return round(observed / expected, 4) if expected else None


def mostly_blind(camera: Tally) -> str:
    """Why the camera saw nothing of use in most of its frames; "" when it saw in half of them or more."""
    if 2 * sum(camera.blind.values()) <= camera.observed:
        return ""
    return max(sorted(camera.blind), key=camera.blind.__getitem__)


def _observed(camera: Tally) -> int:
    """In thousandths of a frame, no more than expected."""
    return min(camera.expected, camera.observed * FRAME)


def _over_labels(sums: list[int], total: int) -> dict[str, float] | None:
    return {label: round(value / total, 4) for label, value in zip(LABELS, sums, strict=True)} if total else None
