"""`emostream init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import EmostreamError, UsageError
from pipeline.settings import KafkaSettings, PlaceKind, load

app = typer.Typer()
CARING = frozenset({"care", "health"})
KINDS: tuple[PlaceKind, ...] = PlaceKind.__args__  # type: ignore[attr-defined]


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("emostream.yaml"),
    site: Annotated[str | None, typer.Option(help="Name of the site.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What faces are read for, for those who are filmed.")] = None,
    setting: Annotated[PlaceKind | None, typer.Option(help="What kind of place it is.")] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Camera URI; may be given several times.")] = None,
    timezone: Annotated[str | None, typer.Option(help="The site's time zone, such as Europe/Berlin.")] = None,
    alerts: Annotated[bool | None, typer.Option("--alerts/--no-alerts", help="Rules for care, to begin with.")] = None,
    non_interactive: Annotated[bool, typer.Option("--non-interactive", help="Ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a settings file: five questions, or the options that answer them."""
    from pipeline.console.new_settings import Answers, cameras, text

    if file.exists() and not force:
        raise UsageError(f"{file} is there already", "--force overwrites it, another name keeps it")
    ask = _Ask(non_interactive)
    answers = Answers(
        site=ask.text("1. Name of the site", site, "site-1"),
        purpose=ask.text("2. What are faces read for? A sentence for those who are filmed", purpose, None, "--purpose"),
        setting=(place := ask.kind("   What kind of place is it?", setting)),
        cameras=ask.cameras("3. Addresses of the cameras, with spaces between; none: a drawn one, to try", camera),
        timezone=ask.text("4. The site's time zone", timezone, local_zone()),
        alerts=ask.yes("5. Rules for care, that call somebody to look in?", alerts, place in CARING),
    )
    _write(file, text(answers, str(file)))
    print(f"{file} is written. Next:")
    for line in cameras(answers.cameras):
        if line.variable:
            print(f"  export {line.variable}=USER:PASSWORD    # of camera {line.id}")
    print(f"  emostream doctor -c {file}\n  emostream up --local -c {file}")
    minutes = KafkaSettings().frames_retention_minutes
    print(f"Frames are kept for {minutes:g} minutes, and then deleted: kafka.frames_retention_minutes says how long.")
    print("The page and the API are for this machine alone until api.tokens lets others in.")


class _Ask:
    """Questions, or what the options and defaults say."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent

    def text(self, question: str, given: str | None, default: str | None, option: str = "") -> str:
        if given is not None:
            return given
        if self._silent:
            if default is None:
                raise UsageError(f"{option} is missing", "without questions it has to be given; docs/policy.md")
            return default
        return str(typer.prompt(question, default=default))

    def kind(self, question: str, given: PlaceKind | None) -> PlaceKind:
        if given is not None:
            return given
        if self._silent:
            raise UsageError("--setting is missing", f"one of {', '.join(KINDS)}")
        while True:
            said = str(typer.prompt(f"{question} ({', '.join(KINDS)})"))
            for kind in KINDS:
                if said.strip().lower() == kind:
                    return kind
            print("   one of these, please", file=sys.stderr)

    def cameras(self, question: str, given: list[str] | None) -> list[str]:
        from pipeline.console.new_settings import cameras

        if given is not None or self._silent:
            return given or []
        while True:
            said = str(typer.prompt(question, default="", show_default=False)).split()
            try:
                cameras(said)
            except UsageError as error:
                print(f"   {error}", file=sys.stderr)
            else:
                return said

    def yes(self, question: str, given: bool | None, default: bool) -> bool:
        if given is not None or self._silent:
            return default if given is None else given
        return typer.confirm(question, default=default)


def local_zone(localtime: Path = Path("/etc/localtime")) -> str:
    """This machine's, as far as it can be told."""
    _, found, name = str(localtime.resolve()).partition("/zoneinfo/")
    return name if found else "UTC"


def _write(file: Path, content: str) -> None:
    """Only what loads takes the file's place. Raises UsageError naming the field that is wrong."""
    new = file.with_name(f".{file.name}.new")
    try:
        new.write_text(content)
        load(new)
        new.replace(file)
    except OSError as error:
        raise EmostreamError(f"{file}: cannot be written: {error.strerror}", "name another file") from None
    except UsageError as error:
        raise UsageError(error.message.replace(str(new), str(file)), "nothing was written") from None
    finally:
        new.unlink(missing_ok=True)
