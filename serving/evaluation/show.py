"""Reports for people: tables on a terminal."""

from collections.abc import Mapping

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from serving.evaluation.calibrate import Fitted
from serving.evaluation.metrics import Abstention
from serving.evaluation.report import Report
from serving.evaluation.wording import NAMES, condition, share
from serving.model.emonext import Head


def show_report(found: Report, console: Console | None = None) -> None:
    """The figures of one evaluation."""
    console = console or Console(soft_wrap=True)
    classes = Table("class", "n", "recall", "precision", "F1", box=SIMPLE, collapse_padding=True, pad_edge=False)
    for name, at in zip(found.labels, found.main.per_class, strict=True):
        classes.add_row(name, str(at.n), *(share(x, 1) for x in (at.recall, at.precision, at.f1)))
    console.print(classes)
    heads = Table(
        "head on labels",
        "n",
        "single",
        "ten-crop",
        "F1",
        "ECE",
        "told",
        "right",
        box=SIMPLE,
        collapse_padding=True,
        pad_edge=False,
    )
    for head, by_labels in found.heads.items():
        for labels, figures in by_labels.items():
            told = (figures.macro_f1, figures.ece, figures.abstain.coverage, figures.abstain.accuracy)
            heads.add_row(
                f"{NAMES[head]} on {NAMES[labels]}",
                str(figures.n),
                *(share(x) for x in (figures.accuracy, figures.ten_crop)),
                *(share(x, 1) for x in told),
            )
    console.print(heads)
    if found.conditions is not None:
        poorer = Table(
            "pictures",
            "accuracy",
            "confidence",
            "not told",
            "right where told",
            box=SIMPLE,
            collapse_padding=True,
            pad_edge=False,
        )
        for name, under in found.conditions.items():
            seen = (under.accuracy, under.confidence, under.abstained, under.accuracy_told)
            poorer.add_row(condition(name), *(share(x, 1) for x in seen))
        console.print(poorer)
    speeds = Table("batch", "faces/s", "p50 ms", "p95 ms", box=SIMPLE, collapse_padding=True, pad_edge=False)
    for speed in found.speed:
        latency = speed.latency_ms
        speeds.add_row(str(speed.batch), f"{speed.faces_per_second:.0f}", f"{latency.p50:.1f}", f"{latency.p95:.1f}")
    console.print(speeds)
    console.print(f"{found.model.name} on {found.split}, n {found.n}: {summary(found)}", highlight=False)


def summary(found: Report) -> str:
    """The main figures in a line."""
    main, ferplus = found.main, found.ferplus
    return (
        f"single-crop {share(main.accuracy)}"
        + ("" if main.ten_crop is None else f", ten-crop {share(main.ten_crop)}")
        + ("" if ferplus is None else f", FER+ majority {share(ferplus.accuracy)} (n {ferplus.n})")
        + f", macro F1 {share(main.macro_f1, 1)}, ECE {share(main.ece)}, {_told(main.abstain)}"
    )


def show_calibration(found: Mapping[Head, Fitted], console: Console | None = None) -> None:
    """What a calibration fitted, and what it does on the faces it was fitted on."""
    console = console or Console(soft_wrap=True)
    table = Table(
        "head",
        "n",
        "T",
        "ECE before",
        "after",
        "abstain below",
        "told",
        "right",
        box=SIMPLE,
        collapse_padding=True,
        pad_edge=False,
    )
    for head, fitted in found.items():
        given, abstain = fitted.calibration, fitted.abstain
        table.add_row(
            NAMES[head],
            str(fitted.n),
            f"{given.temperature:.4f}",
            share(fitted.ece_before),
            share(fitted.ece_after),
            f"{given.abstain_below:.4f}",
            share(abstain.coverage, 1),
            share(abstain.accuracy, 1),
        )
    console.print(table)


def _told(abstain: Abstention) -> str:
    return f"{share(abstain.coverage, 1)} told, of them {share(abstain.accuracy, 1)} right"
