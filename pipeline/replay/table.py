"""A replay's report as a short table."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.topics import FRAMES


def show(report: dict[str, Any], console: Console) -> None:
    rows = _of_frames(report) if report["topic"] == FRAMES else _of_windows(report)
    title = f"replay {report['name']}: {report['records']} records of {report['topic']} in {report['seconds']} s"
    if report["not_seen"]:
        rows.insert(0, ("no records of cameras", ", ".join(report["not_seen"])))
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)
    console.print(f"its topics are {report['topic_prefix']}.*; --delete removes them", highlight=False)


def _of_frames(report: dict[str, Any]) -> list[tuple[str, str]]:
    frames, faces, labels, scores = (report[name] for name in ("frames", "faces", "labels", "scores"))
    rows = [
        ("model, the first time", _refs(report["first"]["models"])),
        ("model, now", _refs(report["replay"]["models"])),
        ("frames observed both times", f"{frames['both']}"),
        ("observed only the first time", _counts(frames["only_first"])),
        ("observed only now", _counts(frames["only_replay"])),
        ("dead letters now, observed before", _counts(frames["now_dead"])),
        ("observed now, dead letters before", _counts(frames["no_longer_dead"])),
        ("faces found both times", f"{faces['matched']}; {faces['missing']} only before, {faces['new']} only now"),
        ("faces compared", f"{faces['compared']}; {faces['carried']} carried along, {faces['unread']} not to be read"),
        ("other label", f"{labels['changed']}{_percent(labels['share'])}{_most(labels['matrix'])}"),
        ("distance of scores", _distance(scores)),
        ("told or not", _counts(report["verdicts"])),
    ]
    if report["cut_off"]:
        gone = f"Kafka no longer keeps all frames since then; {report['expired_before']} observations are of such"
        rows.insert(0, ("expired", gone))
    return rows


def _of_windows(report: dict[str, Any]) -> list[tuple[str, str]]:
    windows = report["windows"]
    rows = [
        ("windows alike", f"{windows['same']}"),
        ("windows that differ", f"{windows['different']}"),
        ("told only the first time", f"{windows['only_first']}"),
        ("told only now", f"{windows['only_replay']}"),
        ("not compared: not all of their records were replayed", f"{windows['not_compared']}"),
    ]
    for rule, raised in report["alerts"].items():
        rows.append((f"alerts of rule {rule}", _counts({k.replace("_", " "): n for k, n in raised.items() if n})))
    for kind, changes in report["kinds"].items():
        if changes["different"]:
            rows.append((f"{kind}: differ in", _counts(changes["fields"])))
            rows.append((f"{kind}: distance of label shares", _distance(changes["label_share"])))
    return rows


def _refs(refs: list[dict[str, str]]) -> str:
    return ", ".join(f"{ref['name']} {ref['version']} {ref['sha256'][:8]}".strip() for ref in refs) or "none"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "0"


def _percent(share: float | None) -> str:
    return "" if share is None else f", {100 * share:.2f} %"


def _most(matrix: dict[str, dict[str, int]]) -> str:
    """The most frequent changes."""
    changes = [(count, f"{old} -> {new}") for old, row in matrix.items() for new, count in row.items() if old != new]
    told = ", ".join(f"{change} {count}" for count, change in sorted(changes, reverse=True)[:3])
    return f": {told}" if told else ""


def _distance(scores: dict[str, float | None]) -> str:
    mean, p95 = scores["mean_total_variation"], scores["p95_total_variation"]
    return "nothing to compare" if mean is None else f"total variation {mean:.4f} in the mean, p95 {p95:.4f}"
