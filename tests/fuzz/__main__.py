"""`python -m tests.fuzz`: bytes that nobody foresaw, to everything that parses what comes from outside.

With atheris (libFuzzer for Python, `pip install atheris`) the fuzzer sees which lines an input reaches, and goes on
from there. Without it inputs are made from the good ones at random. What was found stays in build/fuzz: the corpus to
go on from, and in `crashes` each input that a target fell over.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

FOLDER = Path("build/fuzz")
LARGEST = 16_384  # bytes of an input
SECONDS_OF_ONE = 10  # an input that takes longer is a find, too
MEBIBYTES = 3072


def main() -> int:
    given = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    given.add_argument("targets", nargs="*", help="none: all")
    given.add_argument("--seconds", type=int, default=60, help="of each target")
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--input", type=Path, help="this input alone, as crashes/ has them")
    given.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in this process
    chosen = given.parse_args()
    if chosen.here or chosen.input:
        return _one(chosen.targets[0], chosen.seconds, chosen.seed, chosen.input)
    failed = [name for name in chosen.targets or _names() if not _run(name, chosen.seconds, chosen.seed)]
    print("fuzz: " + (f"crashes in {', '.join(failed)}, see {FOLDER}/*/crashes" if failed else "no crash"))
    return 1 if failed else 0


def _names() -> list[str]:
    from tests.fuzz.targets import TARGETS

    return list(TARGETS)


def _run(name: str, seconds: int, seed: int) -> bool:
    """A process of its own: libFuzzer ends the one that it runs in."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = FOLDER / f"{name}.log"
    command = [sys.executable, "-m", "tests.fuzz", name, "--here", "--seconds", str(seconds), "--seed", str(seed)]
    with log.open("w") as output:
        code = subprocess.run(command, stdout=output, stderr=output, check=False).returncode
    told = [line for line in log.read_text(errors="replace").splitlines() if line.startswith(("Done", "fuzz:"))]
    print(f"{name}: {'ok' if code == 0 else f'CRASH, see {log}'}; {told[-1] if told else ''}", flush=True)
    return code == 0


def _one(name: str, seconds: int, seed: int, only: Path | None) -> int:
    if importlib.util.find_spec("atheris") is None or only is not None:
        return _at_random(name, seconds, seed, only)
    import atheris

    with atheris.instrument_imports(include=["pipeline", "serving"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    corpus = FOLDER / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LARGEST}", f"-timeout={SECONDS_OF_ONE}"]
    options += [f"-rss_limit_mb={MEBIBYTES}", f"-artifact_prefix={_crashes(name)}/", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: _kept(name, target, data))
    atheris.Fuzz()
    return 0


def _kept(name: str, target: Callable[[bytes], None], data: bytes) -> None:
    """What it falls over is kept. libFuzzer itself keeps what ends the process, takes too long or too much memory."""
    try:
        target(data)
    except Exception:
        (_crashes(name) / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        raise


def _crashes(name: str) -> Path:
    folder = FOLDER / name / "crashes"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _at_random(name: str, seconds: int, seed: int, only: Path | None) -> int:
    from tests.fuzz.mutate import changed
    from tests.fuzz.targets import TARGETS

    target, rng = TARGETS[name], random.Random(seed)
    if only is not None:
        target(only.read_bytes())
        return 0
    good, until, count = target.seeds(), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        data = changed(rng.choice(good), good, rng)[:LARGEST]
        count += 1
        try:
            _kept(name, target, data)
        except Exception:
            traceback.print_exc()
            return 1
    print(f"fuzz: {count} inputs in {seconds} s, without coverage (no atheris)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
