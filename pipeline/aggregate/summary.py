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
        ),
        coverage=coverage(*told.cameras.values()),
        cameras={camera: coverage(tally) for camera, tally in told.cameras.items()},
        n_face_frames=total.faces,
        n_tracks=len(total.tracks),
        n_told=total.told,
        n_abstained=total.faces - total.told,
        abstained=dict(sorted(total.abstained.items())),
        scores_mean=_over_labels(total.scores, total.told * CERTAIN),
        label_share=_over_labels(total.labels, total.told),
        late_included=total.late,
    )


def coverage(*cameras: Tally) -> float | None:
    """Frames observed over frames expected, None where none were. A camera that gave more makes up for no other."""
    expected = sum(tally.expected for tally in cameras)
    observed = sum(min(tally.expected, tally.observed * FRAME) for tally in cameras)
    return round(observed / expected, 4) if expected else None


def _over_labels(sums: list[int], total: int) -> dict[str, float] | None:
    return {label: round(value / total, 4) for label, value in zip(LABELS, sums, strict=True)} if total else None
