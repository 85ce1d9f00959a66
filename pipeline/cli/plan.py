"""`emostream plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from pipeline.capacity.costs import Costs
from pipeline.capacity.needs import Machine, needs
from pipeline.capacity.told import table
from pipeline.capacity.workload import Workload
from pipeline.capture.spec import Size
from pipeline.cli.options import ReportFile, SettingsFile, check_writable, write_report
from pipeline.errors import EmostreamError, UsageError
from pipeline.logs import set_up
from pipeline.policy.check import as_shown
from pipeline.settings import load

app = typer.Typer()
PURPOSE = "to measure emostream"


@app.command()
def plan(
    cameras: Annotated[int, typer.Option(min=1, max=10_000_000, help="Of the site.")],
    fps: Annotated[float, typer.Option(min=0.1, max=240, help="Frames/s that each gives.")] = 10.0,
    faces: Annotated[int, typer.Option(min=0, max=64, help="In view of one camera, on average.")] = 3,
    size: Annotated[str, typer.Option(help="Of the pictures, WIDTHxHEIGHT.")] = "1280x720",
    margin: Annotated[float, typer.Option(min=0, max=0.9, help="Part of everything that is to stay free.")] = 0.3,
    cores: Annotated[int, typer.Option(min=1, help="Of one server.")] = 16,
    network: Annotated[float, typer.Option(min=1, help="Megabits/s of one server.")] = 1000.0,
    disk: Annotated[float, typer.Option(min=1, help="Megabytes/s that one broker may write.")] = 100.0,
    gpu_faces: Annotated[
        float | None, typer.Option(min=1, help="Faces/s of one GPU, as `bench serving` says there; none: CPUs read.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=2, help="Of each of six measurements.")] = 10.0,
    costs: Annotated[Path | None, typer.Option(help="Measured before, by --save-costs: nothing is run.")] = None,
    save_costs: Annotated[Path | None, typer.Option(help="Write what was measured to this file.")] = None,
    report: ReportFile = None,
    config: SettingsFile = None,
) -> None:
    """What a site needs: cores, GPUs, memory, brokers, partitions, disk, network.

    Runs the whole system on this machine with some small cameras, so many that they take about half of it, for two to
    three minutes, and reckons from what they cost. Leave the machine alone meanwhile.
    """
    from pipeline.capacity.measure import measure

    set_up("CRITICAL")
    for file in (report, save_costs):
        if file is not None:
            check_writable(file)
    console = Console()
    settings = as_shown(load(config), PURPOSE)
    asked = Workload(cameras, fps, faces)
    pictures = _size(size)
    if costs is None:
        found = measure(settings, asked, pictures, seconds, console)
    else:
        found = _read(costs)
        if (found.width, found.height) != (pictures.width, pictures.height):
            said = f"{costs} was measured with pictures of {found.width}x{found.height}, not {size}"
            raise UsageError(f"--costs: {said}", f"--size {found.width}x{found.height}, or measure anew")
    if save_costs is not None:
        save_costs.write_text(found.model_dump_json(indent=2) + "\n")
    machine = Machine(cores, network, disk)
    outcome = needs(asked, found, settings.kafka, margin=margin, machine=machine, faces_a_gpu=gpu_faces)
    console.print(table(outcome, found))
    write_report(report, {**outcome.row(), "costs": found.model_dump()})


def _size(text: str) -> Size:
    try:
        return Size.parse(text)
    except ValueError:
        raise UsageError(f"--size: {text} is not a size", "WIDTHxHEIGHT, as 1280x720") from None


def _read(file: Path) -> Costs:
    try:
        return Costs.model_validate_json(file.read_bytes())
    except OSError as error:
        raise EmostreamError(f"--costs: {file}: {error.strerror}", "name a file that --save-costs wrote") from None
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"])) or "it"
        raise UsageError(f"--costs: {file}: {where}: {wrong['msg']}", "a file that --save-costs wrote") from None
