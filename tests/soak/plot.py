"""The picture of a soak: memory and descriptors of every role over time, small multiples, kills marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from tests.soak.measured import Measured
from tests.soak.verdict import KEPT_BY_RETENTION, MIB, WARM_UP, Finding, lives, roles

MINUTE = 60.0
INK, LINE, MARK, SOFT, BAD = "#333333", "#1f6fb2", "#d98a1f", "#eeeeee", "#c0392b"
LEGEND = (
    "one line a process, or the sum where processes come and go; grey: warm-up, not measured; orange: one was killed; "
    "dotted: ceiling of a heap; growth: Theil-Sen slope x length of the run / median"
)


def draw(file: Path, title: str, measured: Measured, findings: Sequence[Finding]) -> None:
    """Two roles a row, each its memory and its descriptors; load and disk above."""
    shown = roles(measured)
    rows = 1 + (len(shown) + 1) // 2
    figure, axes = plt.subplots(rows, 4, figsize=(16, 1.7 * rows + 0.8), sharex=True, squeeze=False)
    load = list(zip(*measured.load, strict=True)) or [(), (), ()]
    _line(axes[0][0], "frames/s of each restless camera", load[0], load[1])
    _line(axes[0][1], "frames that wait for the analyzers", load[0], load[2])
    _disk(axes[0][2], measured, "disk: frames (kept by retention), MiB", lambda name: name == KEPT_BY_RETENTION)
    _disk(axes[0][3], measured, "disk: the rest, MiB", lambda name: name != KEPT_BY_RETENTION)
    panels = [panel for row in axes[1:] for panel in row]
    for role, pair in zip(shown, zip(panels[::2], panels[1::2], strict=True), strict=False):
        for what, panel in zip(("memory", "descriptors"), pair, strict=True):
            _panel(panel, measured, next(each for each in findings if (each.role, each.what) == (role, what)))
    for panel in panels[2 * len(shown) :]:
        panel.remove()
    top = figure.get_figheight()
    figure.suptitle(title, fontsize=12, x=0.01, y=1 - 0.1 / top, ha="left", va="top", color=INK)
    figure.text(0.01, 1 - 0.4 / top, LEGEND, fontsize=8, va="top", color=INK)
    figure.supxlabel("minutes", fontsize=8)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.6 / top))
    figure.savefig(file, dpi=80)
    plt.close(figure)


def _panel(axes: Axes, measured: Measured, finding: Finding) -> None:
    for life in lives(measured.readings, finding.role, finding.what):
        axes.plot(life.times / MINUTE, life.values, color=LINE, linewidth=1)
    for kill in measured.killed:
        if kill.role == finding.role:
            axes.axvline(kill.time / MINUTE, color=MARK, linewidth=0.7, alpha=0.8)
    axes.axvspan(0, WARM_UP * measured.seconds / MINUTE, color=SOFT, zorder=0)
    if finding.ceiling is not None:
        axes.axhline(finding.ceiling, color=INK, linewidth=0.7, linestyle=":")
    unit = "MiB" if finding.what == "memory" else "descriptors"
    growth = "too short to tell"
    if finding.slope is not None:
        growth = f"growth {100 * finding.slope.growth(finding.hours):+.1f} %"
    _dress(axes, f"{finding.role}: {unit}, {growth}", INK if finding.passed else BAD)


def _disk(axes: Axes, measured: Measured, title: str, chosen: Callable[[str], bool]) -> None:
    """Each folder that ever came to something, the largest first."""
    most = {name: max(sizes.get(name, 0) for _, sizes in measured.disk) for _, sizes in measured.disk for name in sizes}
    names = sorted(
        (name for name, size in most.items() if chosen(name) and size > MIB / 5), key=lambda name: -most[name]
    )
    for name in names:
        times, sizes = zip(*((at / MINUTE, sizes.get(name, 0) / MIB) for at, sizes in measured.disk), strict=True)
        axes.plot(times, sizes, label=name.removeprefix("kafka/"), linewidth=1)
    if len(names) > 1:
        axes.legend(fontsize=6, frameon=False, loc="upper left")
    _dress(axes, title, INK)


def _line(axes: Axes, title: str, times: Sequence[float], values: Sequence[float]) -> None:
    axes.plot([time / MINUTE for time in times], values, color=LINE, linewidth=1)
    _dress(axes, title, INK)


def _dress(axes: Axes, title: str, color: str) -> None:
    axes.set_title(title, fontsize=9, loc="left", color=color)
    axes.margins(x=0)
    axes.set_ylim(0, 1.15 * max(axes.dataLim.y1, 1e-3))
    axes.tick_params(labelsize=7, labelbottom=True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
