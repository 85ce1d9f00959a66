"""A report as a page of Markdown tables, for model cards."""

from collections.abc import Iterable

from serving.evaluation.metrics import ECE_BINS
from serving.evaluation.report import Report
from serving.evaluation.wording import NAMES, condition, share


def markdown(found: Report) -> str:
    """The whole page; it ends with a line break."""
    parts = [
        f"# {found.model.name} {found.model.version} on {found.split}",
        f"{found.n} faces; weights sha256 `{found.model.sha256[:16]}...`; the pipeline is served the head for "
        f"{NAMES[found.serves]}. Single-crop unless it says otherwise, one picture a face, as served.",
        _heads(found),
        _trust(found),
        *_seen(found),
        _classes(found),
        *_conditions(found),
        _speed(found),
    ]
    return "\n\n".join(parts) + "\n"


def _heads(found: Report) -> str:
    return "## Accuracy\n\n" + _table(
        ("head", "held against", "n", "single-crop", "ten-crop", "macro F1"),
        (
            (NAMES[head], NAMES[labels], at.n, share(at.accuracy), share(at.ten_crop), share(at.macro_f1))
            for head, by_labels in found.heads.items()
            for labels, at in by_labels.items()
        ),
    )


def _trust(found: Report) -> str:
    """Each head against its own labels; a head without votes of its own kind against what there is."""
    rows = []
    for head, by_labels in found.heads.items():
        for labels, at in by_labels.items():
            if labels == head or head not in by_labels:
                told = at.abstain
                rows.append(
                    (
                        f"{NAMES[head]} on {NAMES[labels]}",
                        f"{found.temperatures[head]:.3f}",
                        share(at.ece_uncalibrated),
                        share(at.ece),
                        f"{told.threshold:.3f}",
                        share(told.coverage, 1),
                        share(told.accuracy, 1),
                        share(dict(at.coverage_accuracy).get(0.8), 1),
                    )
                )
    header = (
        "head",
        "temperature",
        "ECE at T = 1",
        "ECE",
        "abstains below",
        "told",
        "right of them",
        "right of the surest 80 %",
    )
    note = (
        f"ECE: {ECE_BINS} bins of equal width. Temperature and threshold were fitted on faces held back from training."
    )
    return f"## Trust\n\n{_table(header, rows)}\n\n{note}"


def _seen(found: Report) -> list[str]:
    seen = found.seen_in_training
    if seen is None or not seen.n:
        return []
    return [
        f"The pixels of {seen.n} of the faces are also in the training split; without them: "
        f"{share(seen.accuracy_without)} (FER2013's head and labels, single-crop)."
    ]


def _classes(found: Report) -> str:
    absent = [name for name, at in zip(found.labels, found.main.per_class, strict=True) if not at.n]
    note = f"\n\nMacro F1 is the mean over the classes that occur: not {', '.join(absent)}." if absent else ""
    table = _table(
        ("class", "n", "recall", "precision", "F1"),
        (
            (name, at.n, share(at.recall, 1), share(at.precision, 1), share(at.f1, 1))
            for name, at in zip(found.labels, found.main.per_class, strict=True)
        ),
    )
    return f"## Classes\n\n{table}{note}"


def _conditions(found: Report) -> list[str]:
    if found.conditions is None:
        return []
    votes = found.ferplus is not None
    rows = [
        (condition(name), *map(_short, (at.accuracy, at.confidence, at.abstained, at.accuracy_told)))
        + ((_short(at.accuracy_ferplus),) if votes else ())
        for name, at in found.conditions.items()
    ]
    header = ("pictures", "accuracy", "mean confidence", "not told", "right where told")
    return ["## Conditions\n\n" + _table((*header, "FER+ majority") if votes else header, rows)]


def _speed(found: Report) -> str:
    first = found.speed[0]
    rows = (
        (at.batch, f"{at.faces_per_second:.0f}", f"{at.latency_ms.p50:.1f}", f"{at.latency_ms.p95:.1f}")
        for at in found.speed
    )
    what = f"{first.device}, {first.dtype}, {first.threads} {'thread' if first.threads == 1 else 'threads'}"
    table = _table(("crops a pass", "faces a second", "p50, ms", "p95, ms"), rows)
    return f"## Speed\n\n{table}\n\nMeasured with {what}, preprocessing included."


def _short(value: float | None) -> str:
    return share(value, 1)


def _table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    lines = [list(map(str, header)), *(list(map(str, row)) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
