"""A report's plots, as PNG. matplotlib is imported when the first one is drawn, and never opens a window."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from serving.errors import DataError
from serving.evaluation.metrics import ConfidenceBin
from serving.evaluation.report import HeadFigures, Report
from serving.evaluation.wording import condition, share
from serving.model.emonext import Head
from serving.outputs import writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which colour-blind people can tell apart.
BLUE, ORANGE, VERMILION, GRAY, INK = "#0072B2", "#E69F00", "#D55E00", "#8A8A8A", "#222222"
LIGHT_BLUE = "#A6CBE6"
DPI = 144


def plot_report(found: Report, folder: Path) -> list[Path]:
    """Write the plots of one evaluation; returns their files."""
    title = f"{found.model.name} on {found.split}"
    files = [
        _confusion(found, "fer2013", title, folder),
        _reliability(found.main, title, folder),
        _coverage(found, title, folder),
    ]
    if found.ferplus is not None:
        files.insert(1, _confusion(found, "ferplus", title, folder))
    if found.conditions is not None:
        files.append(_conditions(found, title, folder))
    return files


def plot_training(log_csv: Path, png: Path) -> None:
    """A training's log -> its losses, and its accuracies on the held-back faces, over the epochs.

    Columns epoch, loss, held_back_loss, held_back_accuracy, and held_back_ferplus where it is not
    empty. DataError: the log cannot be read, or holds no epoch.
    """
    from matplotlib.ticker import MaxNLocator

    rows = _log(log_csv)
    epochs = [int(row["epoch"]) for row in rows]

    def column(name: str) -> list[float]:
        return [float(row[name]) if row.get(name) else float("nan") for row in rows]

    with _figure(png, (9.6, 3.6), columns=2) as (left, right):
        left.plot(epochs, column("loss"), color=GRAY, label="training, augmented")
        left.plot(epochs, column("held_back_loss"), color=BLUE, label="held back")
        left.set_ylabel("cross entropy")
        right.plot(epochs, _per_cent(column("held_back_accuracy")), color=BLUE, label="FER2013's labels")
        if any(row.get("held_back_ferplus") for row in rows):
            right.plot(epochs, _per_cent(column("held_back_ferplus")), color=ORANGE, label="FER+ majorities")
        right.set_ylabel("accuracy on held-back faces, %")
        for axes in (left, right):
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.margins(x=0.02)
            axes.legend(frameon=False)


def _confusion(found: Report, labels: Head, title: str, folder: Path) -> Path:
    figures = found.main if labels == "fer2013" else found.ferplus
    assert figures is not None
    counts = np.array(figures.confusion)
    rows = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    png = folder / f"confusion-{labels}.png"
    with _figure(png, (6.4, 5.8)) as (axes,):
        axes.imshow(rows, cmap="Blues", vmin=0, vmax=1)
        for y, x in np.argwhere(counts):
            part = rows[y, x]
            ink = "white" if part > 0.55 else INK
            axes.text(x, y - 0.12, f"{100 * part:.0f} %", ha="center", va="center", color=ink, fontsize=10)
            axes.text(x, y + 0.22, f"{counts[y, x]}", ha="center", va="center", color=ink, fontsize=7)
        axes.set_xticks(range(len(found.labels)), found.labels, rotation=30, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(found.labels)), found.labels)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.grid(visible=False)
        axes.set_xlabel("what the model says")
        axes.set_ylabel("FER2013's label" if labels == "fer2013" else "FER+ majority")
        axes.set_title(f"{title}: {share(figures.accuracy, 1)} of {figures.n}")
    return png


def _reliability(figures: HeadFigures, title: str, folder: Path) -> Path:
    png = folder / "reliability.png"
    with _figure(png, (8.6, 4.4), columns=2, share_y=True) as (left, right):
        _bins(left, figures.reliability_uncalibrated, f"at temperature 1: ECE {share(figures.ece_uncalibrated)}")
        _bins(right, figures.reliability, f"calibrated: ECE {share(figures.ece)}")
        left.set_ylabel("accuracy")
        left.figure.suptitle(f"{title}, FER2013's labels")
    return png


def _bins(axes: "Axes", bins: Sequence[ConfidenceBin], title: str) -> None:
    """Points as large as their share of the faces, over the diagonal that they should lie on."""
    total = sum(at.n for at in bins)
    confidence, right = [at.confidence for at in bins], [at.accuracy for at in bins]
    axes.plot((0, 1), (0, 1), color=GRAY, linewidth=1, linestyle="--")
    axes.vlines(confidence, confidence, right, color=ORANGE, linewidth=2)
    axes.plot(confidence, right, color=BLUE, linewidth=1)
    axes.scatter(confidence, right, s=[15 + 900 * at.n / total for at in bins], color=BLUE, alpha=0.85, zorder=3)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence (size: share of the faces)", aspect="equal")
    axes.set_title(title)


def _coverage(found: Report, title: str, folder: Path) -> Path:
    png = folder / "coverage.png"
    least = 1.0
    with _figure(png, (6.4, 4.2)) as (axes,):
        curves = [("fer2013", found.main, BLUE, "o")]
        if found.ferplus is not None:
            curves.append(("ferplus", found.ferplus, ORANGE, "s"))
        for labels, figures, color, marker in curves:
            told = figures.abstain
            what = "FER2013's labels" if labels == "fer2013" else "FER+ majorities"
            if told.threshold > 0:
                what += f": below {told.threshold:.2f} it abstains, tells {share(told.coverage, 0)}"
                what += "" if told.accuracy is None else f", {share(told.accuracy, 1)} right"
            coverage, right = zip(*figures.coverage_accuracy, strict=True)
            axes.plot(_per_cent(coverage), _per_cent(right), color=color, label=what)
            if told.threshold > 0 and told.accuracy is not None:
                axes.plot(100 * told.coverage, 100 * told.accuracy, marker, color=color, markersize=8)
            least = min(least, *right)
        axes.set(xlabel="faces told, the surest first, %", ylabel="accuracy on them, %")
        axes.set(xlim=(0, 101), ylim=(max(0, 100 * least - 12), 101))  # room for the legend below the curves
        axes.set_title(title)
        axes.legend(frameon=False, loc="lower left")
    return png


def _conditions(found: Report, title: str, folder: Path) -> Path:
    png = folder / "conditions.png"
    under = found.conditions or {}
    names = list(under)
    places = np.arange(len(names))
    right = [100 * under[name].accuracy for name in names]
    with _figure(png, (7.6, 0.34 * len(names) + 1.4)) as (axes,):
        axes.barh(places, right, height=0.62, color=LIGHT_BLUE, label="accuracy")
        axes.plot(
            [100 * under[name].confidence for name in names],
            places,
            "D",
            color=VERMILION,
            markersize=5,
            label="mean confidence",
        )
        axes.plot(
            [100 * under[name].abstained for name in names],
            places,
            "|",
            color=INK,
            markersize=13,
            markeredgewidth=2,
            label="not told",
        )
        axes.axvline(right[0], color=GRAY, linewidth=1, linestyle="--")
        axes.set_yticks(places, [f"{condition(name)}  {at:.0f} %" for name, at in zip(names, right, strict=True)])
        axes.set_ylim(len(names) - 0.4, -0.6)  # the first on top
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set(xlim=(0, 100), xlabel="% of the faces")
        axes.set_title(f"{title}, FER2013's labels")
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.45, -0.1), ncols=3)
    return png


@contextmanager
def _figure(
    png: Path, size: tuple[float, float], columns: int = 1, *, share_y: bool = False
) -> Iterator[tuple["Axes", ...]]:
    """Axes side by side in one look, written to `png` at the end."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    look: dict[Any, Any] = {
        "font.size": 9,
        "axes.titlesize": 10,
        "figure.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#999999",
        "axes.grid": True,
        "grid.color": "#E6E6E6",
        "axes.axisbelow": True,
        "lines.linewidth": 1.8,
    }
    with mpl.rc_context(look):
        figure = Figure(size, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.06))
        FigureCanvasAgg(figure)
        yield tuple(figure.subplots(1, columns, sharey=share_y, squeeze=False)[0])
        with writing(png):
            png.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(png, dpi=DPI, metadata={"Software": None})


def _log(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    wanted = ("epoch", "loss", "held_back_loss", "held_back_accuracy")
    if not rows or any(not row.get(name) for row in rows for name in wanted):
        raise DataError(f"{path} is no training log: it needs rows of {', '.join(wanted)}")
    return rows


def _per_cent(shares: Sequence[float]) -> list[float]:
    return [100 * part for part in shares]
