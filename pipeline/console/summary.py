"""The last words of a run: its equation and its speed, in a few lines."""

from __future__ import annotations

from typing import Any

from rich.console import Console


def summary(report: dict[str, Any], console: Console) -> None:
    """Print what the report says, for people."""
    frames = report["frames"]
    dropped = ", ".join(f"{count} dropped ({reason})" for reason, count in frames["dropped"].items()) or "0 dropped"
    unexplained = f"[red]✖ {report['missing']} missing[/red]"
    verdict = "[green]✔ every frame accounted for[/green]" if report["balanced"] else unexplained
    if not frames["captured"]:
        verdict = "[yellow]no frame was captured[/yellow]"
    console.print(
        f"{frames['captured']} captured = {frames['observed']} observed + {frames['dead_lettered']} dead-lettered + "
        f"{dropped} + {frames['in_flight']} in flight  {verdict}",
        highlight=False,
        soft_wrap=True,
    )
    latency = report["latency_seconds"]
    speed = f"{report['faces']} faces, {report['frames_per_second']:.1f} frames/s"
    speed += f", {report['faces_per_second']:.1f} faces/s"
    if latency["p50"] is not None:
        speed += f", latency {latency['p50']:.2f} s (median), {latency['p95']:.2f} s (95 %)"
    console.print(f"{speed} over {report['seconds']:.1f} s", highlight=False, soft_wrap=True)
