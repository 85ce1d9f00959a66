"""`emostream model ...`: data, train, evaluate, calibrate, import, package, info."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from serving.errors import CheckpointError, DataError, RecipeError, ServingError

model_app = typer.Typer(help="EmoNeXt: train, evaluate, package and inspect models.", no_args_is_help=True)
ModelOption = Annotated[Path | None, typer.Option("--model", help="A model folder; without it the store's default.")]
VotesOption = Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv, where --data has no votes.")]
DataOption = Annotated[
    Path, typer.Option(help="fer2013.csv, or a folder: AffectNet, CK+, pictures in folders named after their classes.")
]
ClassesOption = Annotated[
    str | None,
    typer.Option(help="7 (with neutral), 8 (with contempt too), or 7-contempt (CK+'s owners': no neutral)."),
]
FoldOption = Annotated[int, typer.Option(min=1, max=10, help="Of CK+'s ten by subject: the one to test on.")]
PeakFramesOption = Annotated[int, typer.Option(min=1, max=3, help="Last frames of a CK+ sequence to take.")]
CacheOption = Annotated[Path | None, typer.Option(help="Folder that keeps the pixels of a large data set.")]
SkipBadOption = Annotated[bool, typer.Option("--skip-bad", help="Leave out what cannot be used, and say how much.")]
DeviceOption = Annotated[str | None, typer.Option(help="cpu or cuda; without it the GPU where there is one.")]

ServerOption = Annotated[Path, typer.Option(help="The folder that TorchServe was started in.")]
ServedName = Annotated[str, typer.Option(help="What clients ask for: their classify.model_name.")]

RUNNING = Path("runs/latest/torchserve")  # of `emostream up --local`
ABLATION = Path(__file__).with_name("configs") / "ablation.yaml"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Our errors and the system's as one line on stderr: exit code 2 for what was given, 1 for the rest."""
    try:
        yield
    except ServingError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2 if isinstance(error, DataError | RecipeError | CheckpointError) else 1) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"error: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(1) from error


@model_app.command()
def data(
    *,
    path: Annotated[Path, typer.Option("--data", help="fer2013.csv, or the folder of a data set.")],
    check: Annotated[bool, typer.Option("--check", help="Look at every picture.")] = False,
    votes: VotesOption = None,
    classes: ClassesOption = None,
    report: Annotated[Path | None, typer.Option(help="Write all findings as JSON.")] = None,
) -> None:
    """Say which data set lies there and its splits; with --check, what is wrong with it."""
    from serving.data.check import check as checked
    from serving.data.load import recognised, splits_there
    from serving.data.pictures import Choice
    from serving.data.tables import tables
    from serving.model.jsonfile import save_json
    from serving.outputs import check_file

    with one_line_errors():
        check_file(report)
        if not check:
            there = ", ".join(splits_there(path)) or "none"
            print(f"{path}: {recognised(path)}, splits {there}; --check looks at the pictures")
            return
        with Console(stderr=True).status("looking at the pictures") as status:
            found = checked(
                path,
                votes=votes,
                choice=Choice(classes or "8"),
                advance=lambda done: status.update(f"{done} pictures looked at"),
            )
        console = Console(soft_wrap=True)
        for part in tables(found):
            console.print(part, highlight=False)
        if report is not None:
            save_json(report, found.plain())
        if not found.usable:
            raise DataError(f"{path}: no picture in it can be used")


@model_app.command()
def train(
    *,
    config: Annotated[Path, typer.Option(help="A recipe: a YAML file like serving/configs/*.yaml.")],
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoint, log, model.")],
    votes: VotesOption = None,
    classes: ClassesOption = None,
    fold: FoldOption = 1,
    peak_frames: PeakFramesOption = 1,
    cache: CacheOption = None,
    skip_bad: SkipBadOption = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: torch's choice.")] = 0,
    device: DeviceOption = None,
    export_only: Annotated[bool, typer.Option("--export-only", help="Only write the best epoch so far.")] = False,
) -> None:
    """Train a model on a data set's training split; a run that was interrupted goes on where it was."""
    from serving.data.pictures import Choice
    from serving.training.run import export_run, train_model

    with one_line_errors():
        choice = Choice(classes or "7", fold, peak_frames)
        (export_run if export_only else train_model)(
            config,
            data,
            out,
            votes=votes,
            epochs=epochs,
            threads=threads,
            device=device,
            choice=choice,
            cache=cache,
            skip_bad=skip_bad,
        )


@model_app.command()
def ablate(
    *,
    data: Annotated[Path, typer.Option(help="fer2013.csv.")],
    out: Annotated[Path, typer.Option(help="Folder of the runs; finished ones are not trained again.")],
    config: Annotated[Path | None, typer.Option(help="Another recipe than configs/ablation.yaml.")] = None,
    split: Annotated[str, typer.Option(help="What the runs are measured on.")] = "PublicTest",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each variant.")] = 5,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each run, instead of the recipe's.")] = None,
    device: DeviceOption = None,
) -> None:
    """Train with each part of EmoNeXt switched off and on, and print the table in Markdown."""
    from serving.training.run import ablate_model

    with one_line_errors():
        print(ablate_model(config or ABLATION, data, split, out, seeds, epochs=epochs, device=device))


@model_app.command()
def evaluate(
    *,
    data: DataOption,
    split: Annotated[
        str | None,
        typer.Option(help="As the data has it: PublicTest, validation, test, ...; without it the first of these."),
    ] = None,
    model: ModelOption = None,
    classes: ClassesOption = None,
    fold: FoldOption = 1,
    peak_frames: PeakFramesOption = 1,
    cache: CacheOption = None,
    skip_bad: SkipBadOption = False,
    votes: VotesOption = None,
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables as a page of Markdown.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for the plots.")] = None,
    store: Annotated[bool, typer.Option("--store", help="Keep the main figures in the model folder.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N faces.")] = None,
    ten_crop: Annotated[bool, typer.Option(help="The paper's test too.")] = True,
    conditions: Annotated[bool, typer.Option(help="Poorer pictures of the faces too.")] = True,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
) -> None:
    """Measure a model on a split of a data set."""
    from serving.evaluation.evaluate import evaluate as measure
    from serving.evaluation.evaluate import write
    from serving.evaluation.loading import Source
    from serving.evaluation.show import show_report
    from serving.inference.predictor import Predictor
    from serving.model.folder import default_model_dir
    from serving.outputs import check_file, check_folder
    from serving.training.progress import shown_batches

    with one_line_errors():
        if not data.exists():
            raise DataError(f"there is no {data}; FER2013's csv or the folder of a data set is expected")
        if store and (limit is not None or not ten_crop or not conditions):
            raise DataError(
                "--store keeps all figures of a whole split: leave out --limit, --no-ten-crop and --no-conditions"
            )
        check_file(report)
        check_file(markdown)
        check_folder(plots)
        folder = model or default_model_dir()
        predictor = Predictor(folder, threads=threads, batch=256)
        source = Source(data, votes, classes, fold, peak_frames, cache, skip_bad, say=_warn)
        with shown_batches("evaluating") as advance:
            found = measure(
                predictor, source, split, limit=limit, crops=ten_crop, conditions=conditions, advance=advance
            )
        show_report(found)
        write(found, report=report, markdown=markdown, plots=plots, store=folder if store else None)


@model_app.command()
def calibrate(
    *,
    data: DataOption,
    model: ModelOption = None,
    votes: VotesOption = None,
    classes: ClassesOption = None,
    fold: FoldOption = 1,
    peak_frames: PeakFramesOption = 1,
    coverage: Annotated[float, typer.Option(min=0.05, max=1, help="Share of the faces to tell.")] = 0.8,
    serve: Annotated[Literal["fer2013", "ferplus"] | None, typer.Option(help="The head to serve from now on.")] = None,
) -> None:
    """Fit a model's confidence, and the one below which it abstains, on faces held back from training."""
    from serving.evaluation.calibrate import calibrate as fit
    from serving.evaluation.loading import Source
    from serving.evaluation.show import show_calibration
    from serving.model.folder import default_model_dir

    with one_line_errors():
        folder = model or default_model_dir()
        show_calibration(fit(folder, Source(data, votes, classes, fold, peak_frames, say=_warn), coverage, serve))


@model_app.command()
def package(
    model: ModelOption = None,
    out: Annotated[Path, typer.Option(help="Folder of the archive, or Triton's repository.")] = Path("build"),
    server: Annotated[Literal["torchserve", "triton"], typer.Option(help="Which server it is for.")] = "torchserve",
    name: Annotated[
        str | None,
        typer.Option(
            help="What clients are to ask for: their classify.model_name. Without it emonext for Triton, and for "
            "TorchServe the model's own: then start it with --models emonext=ARCHIVE."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that run the model.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each.")] = 1,
    timeout: Annotated[
        int, typer.Option(min=1, help="TorchServe's for one request, in s: more than classify.timeout_seconds.")
    ] = 30,
) -> None:
    """Build the TorchServe archive (.mar) of a model, or its folder in a repository of Triton's."""
    from serving.model.folder import default_model_dir
    from serving.server.package import ServerSettings
    from serving.server.package import package as archive
    from serving.server.triton import repository

    with one_line_errors():
        folder = model or default_model_dir()
        settings = ServerSettings(workers=workers, threads=threads, response_timeout=timeout)
        if server == "triton":
            print(repository(folder, out, "emonext" if name is None else name, settings))
        else:
            print(archive(folder, out, settings, name))


@model_app.command(name="import")
def import_(
    *,
    weights: Annotated[Path, typer.Option(help="An EmoNeXt checkpoint: .pt, .pth or .safetensors.")],
    out: Annotated[Path, typer.Option(help="The new model folder.")],
    name: Annotated[str | None, typer.Option(help="Of the model; without it the folder's.")] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Order of the head's classes: alphabetical (as without it, for seven), fer2013, affectnet, ferplus, "
            "or the classes between commas."
        ),
    ] = None,
    entry: Annotated[str | None, typer.Option(help="Which weights of the file; without it the average.")] = None,
    image_size: Annotated[int | None, typer.Option(min=1, help="In px, where the weights leave it open.")] = None,
) -> None:
    """Make a model folder of an EmoNeXt checkpoint, such as the authors'; no code in it is run."""
    from serving.model.authors import import_weights

    with one_line_errors():
        print(import_weights(weights, out, name=name, labels=labels, entry=entry, image_size=image_size))


@model_app.command()
def register(
    model: Annotated[Path, typer.Argument(help="The folder of the model.")],
    server: ServerOption = RUNNING,
    name: ServedName = "emonext",
    workers: Annotated[int, typer.Option(min=1, help="Processes that run it.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each.")] = 1,
) -> None:
    """Have the TorchServe of this machine serve a further version, beside those that it has."""
    from serving.server.management import Management
    from serving.server.package import ServerSettings

    with one_line_errors():
        settings = ServerSettings(workers=workers, threads=threads)
        print(f"version {Management(server).register(model, name, settings)} is served; nobody asks it yet")


@model_app.command()
def unregister(
    version: Annotated[str, typer.Argument(help="As `emostream model list` names it.")],
    server: ServerOption = RUNNING,
    name: ServedName = "emonext",
) -> None:
    """Have the TorchServe of this machine serve a version no more."""
    from serving.server.management import Management

    with one_line_errors():
        Management(server).unregister(name, version)


@model_app.command(name="list")
def list_versions(server: ServerOption = RUNNING, name: ServedName = "emonext") -> None:
    """Print the versions that the TorchServe of this machine has."""
    from serving.server.management import Management, table

    with one_line_errors():
        print(table(Management(server).versions(name)))


@model_app.command()
def info(model: ModelOption = None) -> None:
    """Say which model a folder holds, as JSON."""
    from serving.model.folder import default_model_dir, describe

    with one_line_errors():
        print(json.dumps(describe(model or default_model_dir()), indent=2))


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    model_app()
