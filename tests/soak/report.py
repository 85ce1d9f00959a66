"""The report of a soak, as JSON and as lines to read. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.soak.measured import Measured
from tests.soak.run import Outcome, Wear
from tests.soak.verdict import BOUNDS, MIB, WARM_UP, Finding

USUAL_FPS = 10  # of a camera in service
UNITS = {"memory": "MiB", "descriptors": "descriptors", "disk": "MiB on disk"}


def told(wear: Wear, outcome: Outcome, findings: Sequence[Finding]) -> dict[str, Any]:
    """`passed`: nothing grows, the run ended well and every frame is accounted for."""
    run, measured = outcome.report, outcome.measured
    frames = run.get("frames", {}).get("captured", 0)
    balanced = run.get("balanced", False)
    return {
        "passed": outcome.code == 0 and balanced and bool(findings) and all(each.passed for each in findings),
        "balanced": balanced,
        "exit_code": outcome.code,
        "minutes": round(measured.seconds / 60, 1),
        "seed": wear.seed,
        "frames": frames,
        "hours_of_a_camera_at_10_fps": round(frames / USUAL_FPS / 3600, 2),
        "connections": outcome.connections,
        "windows": run.get("windows", 0),
        "kills": [{"seconds": round(kill.time, 1), "role": kill.role} for kill in measured.killed],
        "warm_up": round(WARM_UP, 3),
        "bounds": {what: {"relative": bound.relative, "units": bound.units} for what, bound in BOUNDS.items()},
        "findings": [finding.row() for finding in findings],
        "not_measured": [f"{each.role}: {each.what}" for each in findings if each.slope is None],
        "disk_mebibytes": _disk(measured),
        "run": run,
    }


def title(report: dict[str, Any]) -> str:
    return (
        f"{report['minutes']:g} min of soak: {report['frames']:,} frames, {report['connections']:,} connections, "
        f"{report['windows']:,} windows, {len(report['kills'])} kills, "
        f"{'balanced' if report['balanced'] else 'NOT balanced'}"
    )


def line(finding: Finding) -> str:
    said = "GROWS" if not finding.passed else "ok" if finding.slope else "?"
    growth = "too short to tell"
    if finding.slope is not None:
        growth = f"{100 * finding.slope.growth(finding.hours):+6.1f} % over the run"
        growth += ", below its peak in the warm-up" if finding.below_peak else ""
    return f"{said:6}{finding.role:16}{finding.most:8.0f} {UNITS[finding.what]:12} {growth}"


def _disk(measured: Measured) -> dict[str, dict[str, float]]:
    """By folder: when the warm-up is over, at the end, and the most."""
    warm = next((sizes for at, sizes in measured.disk if at > WARM_UP * measured.seconds), {})
    names = sorted({name for _, sizes in measured.disk for name in sizes})
    return {
        name: {
            "warm": round(warm.get(name, 0) / MIB, 2),
            "end": round(measured.disk[-1][1].get(name, 0) / MIB, 2),
            "most": round(max(sizes.get(name, 0) for _, sizes in measured.disk) / MIB, 2),
        }
        for name in names
    }
