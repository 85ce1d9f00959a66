"""Versions of a model side by side in a TorchServe of this machine, while it runs: registered, listed, taken away.

TorchServe's management API listens on the loopback, wants a key of its own and takes archives from its model store
alone; all three are told by the folder that it was started in. So whoever may write there, and nobody else, may do so:
`emostream model register` where the command line is, `python -m serving.server.management` where only the server is.
"""

import argparse
import http.client
import json
import sys
import tempfile
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from serving.errors import ServingError
from serving.model.folder import read_info
from serving.server.package import ServerSettings, checked_name, package

KEYS, CONFIG = "key_file.json", "config.properties"
LOAD_SECONDS = 300.0  # until the workers of a version have loaded it
ERROR_CHARS = 300


@dataclass(frozen=True)
class Registered:
    """A version that a server has. `ready`: workers that have loaded it, of `workers`."""

    version: str
    default: bool
    ready: int
    workers: int


class Management:
    """Of the TorchServe that was started in `folder`. ServingError: it is not there, or refuses; its own words."""

    def __init__(self, folder: Path) -> None:
        try:
            lines = (folder / CONFIG).read_text().splitlines()
            told = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
            self._address, self._store = told["management_address"], Path(told["model_store"])
            keys = folder / KEYS
            self._key = str(json.loads(keys.read_text())["management"]["key"]) if keys.exists() else ""
        except (OSError, ValueError, KeyError) as error:
            raise ServingError(
                f"{folder} is no folder of a TorchServe that runs ({error!r}): name it with --server"
            ) from None

    def versions(self, name: str) -> list[Registered]:
        found = self._ask("GET", f"{name}/all")
        return [
            Registered(
                version=str(each["modelVersion"]),
                default=each["modelVersion"] == self._default(name),
                ready=sum(worker.get("status") == "READY" for worker in each.get("workers", ())),
                workers=int(each.get("minWorkers", 0)),
            )
            for each in found
        ]

    def register(self, model_dir: Path, name: str, settings: ServerSettings) -> str:
        """Packages a model folder and has it served as `name`, under its own version, which is returned.

        Returns when its workers have loaded it. CheckpointError: the folder holds no usable model.
        """
        version = checked_name(read_info(model_dir).version)
        archive = self._store / f"{checked_name(name)}-{version}.mar"
        with tempfile.TemporaryDirectory(dir=self._store, prefix=".new-") as folder:
            package(model_dir, Path(folder), settings, name).replace(archive)
        asked = {
            "url": archive.name,
            "model_name": name,
            "initial_workers": str(settings.workers),
            "synchronous": "true",
        }
        self._ask("POST", f"?{urllib.parse.urlencode(asked)}")
        return version

    def unregister(self, name: str, version: str) -> None:
        self._ask("DELETE", f"{name}/{urllib.parse.quote(version, safe='')}")

    def _default(self, name: str) -> str:
        (first, *_) = self._ask("GET", name)
        return str(first["modelVersion"])

    def _ask(self, method: str, path: str) -> Any:
        target = f"/models{path if path.startswith('?') else f'/{path}'}"
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        place = urllib.parse.urlsplit(self._address)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=LOAD_SECONDS)
        try:
            connection.request(method, target, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            content = None if answer.status >= HTTPStatus.BAD_REQUEST else json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ServingError(f"TorchServe at {self._address} does not answer: {error}") from None
        finally:
            connection.close()
        if content is None:
            raise ServingError(f"TorchServe refuses: {_said(body)}")
        return content


def _said(body: bytes) -> str:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    said = content.get("message") if isinstance(content, Mapping) else body.decode(errors="replace")
    return " ".join(str(said).split())[:ERROR_CHARS]


def table(versions: list[Registered]) -> str:
    """One line a version."""
    return "\n".join(
        f"{each.version}\t{each.ready} of {each.workers} workers ready{', default' if each.default else ''}"
        for each in versions
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        "serving.server.management", description="Versions of the model in this TorchServe."
    )
    parser.add_argument("--server", type=Path, default=Path(), help="the folder that it was started in")
    parser.add_argument("--name", default="emonext", help="what clients ask for")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("action", choices=("list", "register", "unregister"))
    parser.add_argument("what", nargs="?", help="register: a model folder; unregister: a version")
    asked = parser.parse_args(arguments)
    if (asked.what is None) != (asked.action == "list"):
        parser.error("register takes a model folder, unregister a version, list neither")
    try:
        server = Management(asked.server)
        match asked.action:
            case "register":
                settings = ServerSettings(workers=asked.workers, threads=asked.threads)
                print(server.register(Path(asked.what), asked.name, settings))
            case "unregister":
                server.unregister(asked.name, asked.what)
            case _:
                print(table(server.versions(asked.name)))
    except ServingError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
