"""One training run from files to a model folder."""

import dataclasses
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from serving.data.faces import FaceSet, described
from serving.data.load import load
from serving.data.pictures import Choice
from serving.errors import RecipeError
from serving.evaluation.plots import plot_training
from serving.model.jsonfile import read_json, save_json
from serving.outputs import check_folder
from serving.training.ablate import ablate, rows, table
from serving.training.export import export
from serving.training.progress import Progress
from serving.training.recipe import Recipe, load_recipe
from serving.training.trainer import CHECKPOINT, CURVES, LOG, Trainer

DATA = "data.json"  # of a run: what it learns from
CACHE = "faces"  # its folder for the pictures of large data sets


def train_model(
    config: Path,
    data: Path,
    out: Path,
    *,
    votes: Path | None = None,
    epochs: int | None = None,
    threads: int = 0,
    device: str | None = None,
    choice: Choice | None = None,
    cache: Path | None = None,
    skip_bad: bool = False,
) -> Path:
    """Train the recipe `config` on the training split of `data` in the folder `out`, or go on with what is there.

    Returns the model's folder, `out`/model: the averaged weights of the epoch that does best on the
    faces held back. RecipeError, DataError, CheckpointError: before any training.
    """
    progress = Progress()
    recipe = _recipe(config, epochs)
    with _alone_in(out):
        faces = _faces(recipe, data, None, votes, choice, cache or out / CACHE, skip_bad, progress)
        _same_data(out, faces)
        trainer = _trainer(recipe, faces, out, threads, device)
        progress.say(f"{recipe.name}: {trainer.faces} faces, {len(trainer.held)} held back, on {trainer.hardware}")
        if trainer.started is not None:
            progress.say(str(trainer.started))
        if trainer.resume():
            progress.say(f"going on after epoch {len(trainer.results)} of {out}")
        trainer.run(progress)
        plot_training(out / LOG, out / CURVES)
        return _export(trainer, out / "model", progress)


def export_run(
    config: Path,
    data: Path,
    out: Path,
    *,
    votes: Path | None = None,
    epochs: int | None = None,
    threads: int = 0,
    device: str | None = None,
    choice: Choice | None = None,
    cache: Path | None = None,
    skip_bad: bool = False,
) -> Path:
    """The model folder of a run's best epoch so far, without training on; the run may still go on elsewhere.

    RecipeError: no run there, or one of another recipe or other data.
    """
    progress = Progress()
    recipe = _recipe(config, epochs)
    if not (out / CHECKPOINT).exists():
        raise RecipeError(f"there is no run in {out}: no epoch has ended there yet")
    faces = _faces(recipe, data, None, votes, choice, cache or out / CACHE, skip_bad, progress)
    _same_data(out, faces)
    trainer = _trainer(recipe, faces, out, threads, device)
    trainer.resume()
    return _export(trainer, out / "model", progress)


def ablate_model(
    config: Path, data: Path, split: str, out: Path, seeds: int, *, epochs: int | None = None, device: str | None = None
) -> str:
    """Train every variant of the recipe with `seeds` seeds on `data`, measure each on `split`; the table, Markdown."""
    recipe = _recipe(config, epochs)
    progress = Progress()
    with _alone_in(out):
        training, test = (_faces(recipe, data, at, None, None, out / CACHE, False, progress) for at in (None, split))
        runs = ablate(recipe, training, test, out, range(seeds), progress, _device(device))
    return table(rows(runs))


def _recipe(config: Path, epochs: int | None) -> Recipe:
    recipe = load_recipe(config)
    return recipe if epochs is None else dataclasses.replace(recipe, epochs=epochs)


def _device(name: str | None) -> torch.device:
    """By name; without one the GPU where there is one. RecipeError: it is not there."""
    chosen = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise RecipeError(f"no device {chosen!r}: {str(error).splitlines()[0]}") from None
    return torch.device(chosen)


def _faces(
    recipe: Recipe,
    data: Path,
    split: str | None,
    votes: Path | None,
    choice: Choice | None,
    cache: Path,
    skip_bad: bool,
    progress: Progress,
) -> FaceSet:
    """A split of the data, by itself that for training. RecipeError: the recipe is for another number of classes."""
    faces = load(
        data,
        split,
        size=recipe.architecture.image_size,
        votes=votes,
        choice=choice,
        cache=cache,
        skip_bad=skip_bad,
        say=progress.say,
    )
    if len(faces.classes) != recipe.architecture.num_classes:
        raise RecipeError(
            f"{recipe.name}: architecture.num_classes is {recipe.architecture.num_classes}, but {data} is read with "
            f"{len(faces.classes)} classes ({', '.join(faces.classes)}); change the recipe or --classes"
        )
    return faces


def _same_data(out: Path, faces: FaceSet) -> None:
    """Note what a run learns from. RecipeError: it began on other data, such as another fold of CK+."""
    now, path = described(faces), out / DATA
    if not (out / CHECKPOINT).exists() or not path.exists():
        save_json(path, now)
    elif (before := read_json(path)) != now:
        raise RecipeError(
            f"{out} was trained on {before.get('n')} faces of {before.get('source')}, these are {len(faces)} of "
            f"{faces.source} with other pixels, labels or votes; choose another --out or the former data"
        )


def _trainer(recipe: Recipe, faces: FaceSet, out: Path, threads: int, device: str | None) -> Trainer:
    if threads > 0:
        torch.set_num_threads(threads)
    return Trainer(recipe, faces, out, _device(device))


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Hold the run's folder; the lock goes with the process, however it ends.

    RecipeError: it is held, or nothing can be written there.
    """
    check_folder(out)
    with (out / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RecipeError(f"another training is running in {out}; choose another --out") from None
        yield


def _export(trainer: Trainer, model_dir: Path, progress: Progress) -> Path:
    for note in export(trainer.recipe, trainer.best, trainer.held, model_dir):
        progress.say(note)
    progress.say(f"epoch {trainer.best_epoch} is in {model_dir}")
    return model_dir
