"""A data set's report as tables for a terminal."""

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from serving.data.check import Report

SHOWN = 3  # examples of each finding; --report has all


def tables(report: Report) -> Iterator[Table | str]:
    """The splits with their classes, what occurs in two of them, and the findings with a few examples each."""
    figures = report.splits.values()
    counts = Table("", *report.splits, title=f"{escape(report.data)} ({report.kind})", title_justify="left")
    for name in report.classes:
        counts.add_row(name, *(str(split.classes[name]) for split in figures))
    counts.add_section()
    counts.add_row("usable", *(str(split.n) for split in figures))
    counts.add_row("different", *(str(split.different) for split in figures))
    counts.add_row("constant", *(str(split.constant) for split in figures))
    if any(split.not_a_face is not None for split in figures):
        counts.add_row("not a face (FER+)", *("" if s.not_a_face is None else str(s.not_a_face) for s in figures))
    counts.add_row("cannot be used", *(str(split.faults) for split in figures))
    yield counts
    for overlap in report.overlaps:
        yield f"{overlap.pictures} pictures of {overlap.of} are in {overlap.also_in} too"
    if report.double_groups:
        yield (
            f"{report.double_groups} groups of equal pictures, {report.conflicting_groups} of them with "
            "different labels"
        )
    if not report.findings:
        yield "nothing was found"
        return
    findings = Table("finding", "n", "the first of them")
    for name, places in report.findings.items():
        shown = "\n".join(places[:SHOWN]).replace(f"{report.data}/", "").replace(f"{report.data}, ", "")
        findings.add_row(name, str(len(places)), escape(shown))
    yield findings
