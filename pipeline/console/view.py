"""The live view of `demo` and `up`: a table that redraws on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.console.board import Board, Row
from pipeline.messages import LABELS, CameraState, Face

COLOURS = dict(zip(LABELS, ("red", "green", "magenta", "yellow", "blue", "cyan", "white"), strict=True))
STATES = {
    CameraState.UP: ("●", "green"),
    CameraState.CONNECTING: ("◌", "yellow"),
    CameraState.DOWN: ("▼", "red"),
    CameraState.FAILED: ("✖", "red"),
    CameraState.ENDED: ("■", "cyan"),
    CameraState.STOPPED: ("■", "cyan"),
}
BAR = 10  # characters of a full bar
FACES_SHOWN = 3
LINE_SECONDS = 2.0


class View(Protocol):
    """A context manager; `show` as often as you like, `note` for what happens once."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def show(self, board: Board, now: float) -> None: ...

    def note(self, text: str) -> None: ...


class LiveView:
    """Redraws the board on a terminal. A context manager; `title` stays on top."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        self._live = Live(console=console, auto_refresh=False, transient=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(None, None, None)

    def show(self, board: Board, now: float) -> None:
        self._live.update(Panel(render(board, now), title=self._title, title_align="left"), refresh=True)

    def note(self, text: str) -> None:
        self._live.console.print(Text(text, style="dim"))


class PlainView:
    """One line a camera every two seconds: for log files and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def show(self, board: Board, now: float) -> None:
        if now < self._next:
            return
        self._next = now + LINE_SECONDS
        for row in _sorted(board):
            faces = "; ".join(_plain_face(face) for face in row.latest[:FACES_SHOWN]) or _nobody(row)
            scripted = f" (scripted: {', '.join(row.scripted)})" if row.scripted else ""
            self._console.print(
                f"{row.camera}: {row.state} {row.rate(now):.1f} frames/s, {row.frames} frames, {row.faces} faces, "
                f"{row.dropped} dropped, {row.dead} dead letters | {faces}{scripted}",
                markup=False, highlight=False, soft_wrap=True,
            )  # fmt: skip

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def make(console: Console, title: str) -> View:
    """The view that fits the console."""
    return LiveView(console, title) if console.is_terminal else PlainView(console)


def render(board: Board, now: float) -> RenderableType:
    """The board as a Rich table."""
    table = Table(expand=True, box=None, pad_edge=False, header_style="bold")
    table.add_column("camera", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for heading in ("fps", "frames", "faces", "drop", "dead"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("apparent expression now", ratio=1)
    rows = _sorted(board)
    for row in rows:
        mark, colour = STATES[row.state]
        table.add_row(
            row.camera,
            Text(f"{mark} {row.state}", style=colour),
            f"{row.rate(now):.1f}",
            str(row.frames),
            str(row.faces),
            str(row.dropped),
            str(row.dead),
            _faces(row),
        )
    total = sum(row.rate(now) for row in rows)
    frames = sum(row.frames for row in rows)
    faces = sum(row.faces for row in rows)
    summary = f"\n{total:.1f} frames/s   {frames} frames   {faces} faces   {board.lag} waiting in Kafka"
    return Group(table, Text(summary, style="bold"))


def _sorted(board: Board) -> list[Row]:
    return [board.rows[camera] for camera in sorted(board.rows)]


def _faces(row: Row) -> Text:
    if row.state in (CameraState.DOWN, CameraState.FAILED):
        return Text(row.reason, style="red")
    if not row.latest:
        return Text(_nobody(row), style="dim")
    text = Text()
    for i, face in enumerate(row.latest[:FACES_SHOWN]):
        if i:
            text.append("\n")
        text.append_text(_bar(face))
        if row.scripted and i < len(row.scripted) and len(row.scripted) == len(row.latest):
            text.append(f"  scripted {row.scripted[i]}", style="dim")
    if len(row.latest) > FACES_SHOWN:
        text.append(f"  +{len(row.latest) - FACES_SHOWN} more", style="dim")
    return text


def _nobody(row: Row) -> str:
    return "no face" if row.frames else "no frame yet"


def _bar(face: Face) -> Text:
    if face.label is None or face.confidence is None:
        return Text(f"not read: {face.reason}", style="dim")
    filled = round(face.confidence * BAR)
    text = Text()
    text.append("█" * filled, style=COLOURS[face.label])
    text.append("░" * (BAR - filled), style="dim")
    text.append(f" {face.label:<8} {face.confidence:4.0%}", style="dim" if face.abstained else COLOURS[face.label])
    return text + Text(" not sure", style="dim") if face.abstained else text


def _plain_face(face: Face) -> str:
    if face.label is None or face.confidence is None:
        return f"not read ({face.reason})"
    return f"{face.label} {face.confidence:.0%}" + (" (not sure)" if face.abstained else "")
