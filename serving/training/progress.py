"""How a long training shows itself: a Rich bar on a terminal, plain lines anywhere else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

LINE_EVERY = 60.0  # seconds between plain lines


class EpochBar:
    """One epoch's steps: counts them and shows the mean loss so far and the time left."""

    def __init__(self, console: Console, title: str, steps: int, epochs_left: int, shown: RichProgress | None) -> None:
        self.done = 0
        self._console, self._title, self._steps = console, title, steps
        self._epochs_left = epochs_left
        self._started = self._said = time.monotonic()
        self._shown = shown
        self._task = None if shown is None else shown.add_task(title, total=steps, loss="")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def advance(self, loss: float) -> None:
        self.done += 1
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, advance=1, loss=f"loss {loss:.3f}")
        elif time.monotonic() - self._said >= LINE_EVERY:
            self._said = time.monotonic()
            a_step = self.seconds / self.done
            left = a_step * (self._steps - self.done + self._epochs_left * self._steps)
            self._console.print(
                f"{self._title}: step {self.done}/{self._steps}, loss {loss:.3f}, about {left / 60:.0f} min left in all"
            )


class Progress:
    """Where training reports to: `console` decides between bar and lines."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(soft_wrap=True)

    def say(self, line: str) -> None:
        self.console.print(line, highlight=False)

    @contextmanager
    def epoch(self, epoch: int, epochs: int, steps: int) -> Iterator[EpochBar]:
        title = f"epoch {epoch}/{epochs}"
        if not self.console.is_terminal:
            yield EpochBar(self.console, title, steps, epochs - epoch, None)
            return
        columns = ("{task.description}", BarColumn(), TextColumn("{task.fields[loss]}"))
        with RichProgress(*columns, TimeRemainingColumn(), console=self.console) as shown:
            yield EpochBar(self.console, title, steps, epochs - epoch, shown)


@contextmanager
def shown_batches(title: str) -> Iterator[Callable[[int, int], None]]:
    """A function of (done, total) that draws a bar on a terminal and says nothing elsewhere."""
    console = Console(stderr=True)
    with RichProgress(console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(title, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
