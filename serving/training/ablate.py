"""The ablation study: what each part of EmoNeXt adds, at equal budget and over paired seeds."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from serving.data.faces import FaceSet, described
from serving.errors import CheckpointError, RecipeError
from serving.evaluation.metrics import accuracy
from serving.model.emonext import EmoNeXt
from serving.model.jsonfile import read_json, save_json
from serving.strict import plain
from serving.training.progress import Progress
from serving.training.recipe import Recipe
from serving.training.trainer import CPU, Trainer

RESULTS = "results.json"
PARTS = ("stn", "se", "attention")
VARIANTS: dict[str, tuple[str, ...]] = {
    "none": (),
    "STN": ("stn",),
    "SE": ("se",),
    "regularisation": ("attention",),
    "all": PARTS,
}


@dataclass(frozen=True)
class Run:
    """One training: what it had, and its accuracy on the test faces after the last epoch."""

    variant: str
    seed: int
    accuracy: float
    parameters: int  # at inference
    seconds: float  # of training


@dataclass(frozen=True)
class Row:
    """A variant over its seeds: accuracies' mean and standard deviation, and the paired difference to "none".

    `deviation`: None where there is one seed only. `difference`: mean and standard error; None for "none" itself
    and where there is one seed only.
    """

    variant: str
    runs: int
    mean: float
    deviation: float | None
    difference: tuple[float, float] | None
    parameters: int
    seconds: float


def ablate(
    recipe: Recipe,
    training: FaceSet,
    test: FaceSet,
    out: Path,
    seeds: Sequence[int],
    progress: Progress,
    device: torch.device = CPU,
) -> list[Run]:
    """Train every variant with every seed in `out`; runs that are finished there are not trained again.

    Each run trains for all its epochs, and the averaged weights of the last one are measured: nothing is chosen.
    CheckpointError: `out` holds results that cannot be read. RecipeError: they are of another recipe or other faces.
    """
    about = settings(recipe, training, test)
    runs = _read(out / RESULTS, about)
    save_json(out / RESULTS, {**about, "runs": [dataclasses.asdict(run) for run in runs]})
    for seed in seeds:
        for variant, parts in VARIANTS.items():
            if any((run.variant, run.seed) == (variant, seed) for run in runs):
                continue
            progress.say(f"{variant}, seed {seed}:")
            run = _run(_without(recipe, parts, seed), training, test, out / f"{variant}-{seed}", progress, device)
            runs.append(dataclasses.replace(run, variant=variant))
            save_json(out / RESULTS, {**about, "runs": [dataclasses.asdict(run) for run in runs]})
            progress.say(f"{variant}, seed {seed}: {100 * run.accuracy:.2f} % of {len(test)} faces")
    return runs


def settings(recipe: Recipe, training: FaceSet, test: FaceSet) -> dict[str, Any]:
    """What all runs of a study share, as JSON values."""
    return {"recipe": plain(recipe), "training": described(training), "test": described(test)}


def rows(runs: Sequence[Run]) -> list[Row]:
    """One row a variant; differences are over the seeds that both it and "none" have."""
    base = {run.seed: run.accuracy for run in runs if run.variant == "none"}
    found = []
    for variant in VARIANTS:
        mine = [run for run in runs if run.variant == variant]
        if not mine:
            continue
        accuracies = [run.accuracy for run in mine]
        gains = [run.accuracy - base[run.seed] for run in mine if run.seed in base]
        known = variant != "none" and len(gains) > 1
        found.append(
            Row(
                variant,
                len(mine),
                statistics.mean(accuracies),
                statistics.stdev(accuracies) if len(mine) > 1 else None,
                (statistics.mean(gains), statistics.stdev(gains) / math.sqrt(len(gains))) if known else None,
                mine[0].parameters,
                statistics.mean(run.seconds for run in mine),
            )
        )
    return found


def table(found: Sequence[Row]) -> str:
    """The rows as Markdown; accuracies in percent, differences in points."""
    lines = [
        "| parts | runs | accuracy, mean ± sd | difference to none, mean ± standard error | parameters | training, s |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        gain = "" if row.difference is None else "{:+.2f} ± {:.2f}".format(*(100 * part for part in row.difference))
        spread = "" if row.deviation is None else f" ± {100 * row.deviation:.2f}"
        lines.append(
            f"| {row.variant} | {row.runs} | {100 * row.mean:.2f}{spread} % | {gain} | "
            f"{row.parameters / 1e6:.2f} M | {row.seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _without(recipe: Recipe, parts: Sequence[str], seed: int) -> Recipe:
    switches = {part: part in parts for part in PARTS}
    architecture = dataclasses.replace(recipe.architecture, **switches)  # type: ignore[arg-type]
    return dataclasses.replace(recipe, architecture=architecture, seed=seed)


def _run(recipe: Recipe, training: FaceSet, test: FaceSet, out: Path, progress: Progress, device: torch.device) -> Run:
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(recipe, training, out, device)
    trainer.resume()
    trainer.run(progress)
    trainer.close()
    logits = trainer.logits(trainer.average, test)["fer2013"].numpy()
    seconds = sum(result.seconds for result in trainer.results)
    return Run("", recipe.seed, accuracy(logits, test.labels), _size(trainer.average), seconds)


def _size(model: EmoNeXt) -> int:
    dead = 0 if model.attention is None else sum(p.numel() for p in model.attention.parameters())
    return sum(p.numel() for p in model.parameters()) - dead


def _read(path: Path, about: dict[str, Any]) -> list[Run]:
    if not path.exists():
        return []
    content = read_json(path)
    if changed := [name for name in about if content.get(name) != about[name]]:
        raise RecipeError(f"{path} is of other settings ({', '.join(changed)}); choose another --out or restore them")
    try:
        return [Run(**run) for run in content["runs"]]
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} holds no results of an ablation: {error}") from error
