"""Runs a page of docs/tutorials as a reader would: its files are written, its commands run, in order, in one folder.

A block with `title="FILE"` is that file. A block of `sh` is run by bash and must end with 0. A comment on the line
before a block says more: `not run: WHY`; `keeps running until: TEXT` for a command that goes on, once its output says
so; `again until it says: TEXT` for one that is tried until what it waits for is there. Other blocks are only shown.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PAGES = Path(__file__).parents[1] / "docs" / "tutorials"
PATIENCE = 120.0
STOP_SECONDS = 60.0
_BLOCK = re.compile(
    r"^(?:<!-- (?P<say>[a-z ]+): (?P<text>[^\n]*) -->\n)?"
    r'```(?P<kind>\w+)(?: title="(?P<file>[^"]+)")?\n(?P<body>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
SAYS = ("not run", "keeps running until", "again until it says")


@dataclass(frozen=True)
class Block:
    kind: str
    body: str
    file: str | None
    say: str
    text: str


def blocks(page: str) -> list[Block]:
    markdown = (PAGES / page).read_text()
    found = [Block(m["kind"], m["body"], m["file"], m["say"] or "", m["text"] or "") for m in _BLOCK.finditer(markdown)]
    assert markdown.count("\n```") == 2 * len(found), f"{page}: a block that is not understood"
    assert all(block.say in ("", *SAYS) for block in found), page
    return found


@dataclass
class Reader:
    """Somebody with a folder and two terminals."""

    folder: Path
    environment: Mapping[str, str]
    said: list[str] = field(default_factory=list)
    _running: list[tuple[subprocess.Popen[bytes], Path]] = field(default_factory=list)

    def follow(self, page: str) -> None:
        """Raises AssertionError with what a command said that did not do as the page promises."""
        for block in blocks(page):
            if block.file is not None:
                self._stop_what_reads(block.file)
                (self.folder / block.file).write_text(block.body)
            elif block.kind == "sh" and block.say != "not run":
                self._run(page, block)

    def _stop_what_reads(self, file: str) -> None:
        """As the page says before it changes the settings of what is running."""
        if file == "emostream.yaml" and self._running:
            self.stop()

    def _run(self, page: str, block: Block) -> None:
        where = f"{page}: {block.body.strip()}"
        if block.say == "keeps running until":
            self._start(where, block)
            return
        give_up = time.monotonic() + PATIENCE
        while True:
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", block.body],
                cwd=self.folder,
                env=dict(self.environment),
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
            good = block.text in done.stdout and (done.returncode == 0 or block.say == "again until it says")
            if good:
                self.said.append(done.stdout)
                return
            again = block.say == "again until it says" and time.monotonic() < give_up
            assert again, f"{where}\nends with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    def _start(self, where: str, block: Block) -> None:
        log = self.folder / f"terminal-{len(self.said)}-{len(self._running)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {block.body.strip()}"],
                cwd=self.folder,
                env=dict(self.environment),
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._running.append((process, log))
        give_up = time.monotonic() + PATIENCE
        while block.text not in log.read_text():
            assert process.poll() is None, f"{where}\nended with {process.returncode}\n{log.read_text()[-2000:]}"
            assert time.monotonic() < give_up, f"{where}\ndoes not say {block.text!r}\n{log.read_text()[-2000:]}"
            time.sleep(0.1)

    def stop(self) -> None:
        """Ctrl-C. What was started has to end well."""
        while self._running:
            process, log = self._running.pop()
            process.send_signal(signal.SIGINT)
            try:
                code = process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            assert code == 0, log.read_text()[-2000:]


def environment(repository: Path) -> dict[str, str]:
    """Of a reader: no settings but those of the pages, and the repository's commands in the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMOSTREAM_")}
    kept |= {name: os.environ[name] for name in ("EMOSTREAM_MODEL_DIR", "EMOSTREAM_CACHE") if name in os.environ}
    return kept | {"EMOSTREAM": str(repository), "PATH": f"{repository}/.venv/bin:{os.environ['PATH']}"}
