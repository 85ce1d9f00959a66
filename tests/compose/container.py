"""A service's own command, in what the compose file and its image give it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.compose import image
from tests.compose.file import ROOT, Mount, Service
from tests.compose.network import RESOLVER, Networks

LAUNCH = Path(__file__).with_name("launch.py")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
VENV = "/opt/venv"
NAMES = {
    "/etc/resolv.conf": f"nameserver {RESOLVER}\noptions timeout:1\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/nsswitch.conf": "hosts: files dns\npasswd: files\ngroup: files\n",
}


class Container:
    """One service. `stand_in`: of an image that is somebody else's, files and links by their path there.

    `staged`: what other stages of our images bring, by where it goes.
    """

    def __init__(
        self,
        service: Service,
        networks: Networks,
        folder: Path,
        stand_in: Mapping[str, Any],
        staged: Mapping[str, Path],
    ) -> None:
        self.service = service
        self.name = service.name
        self.log = folder / "logs" / f"{service.name}.log"
        self.starts = 0
        self._networks = networks
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._image = image.read(ROOT / service.dockerfile[0], service.dockerfile[1]) if service.dockerfile else None
        self._spec = self._written(stand_in, staged)

    def start(self) -> None:
        spec = self._folder / f"{self.name}.json"
        spec.write_text(json.dumps(self._spec))
        namespaces = ["nsenter", f"--net={self._networks.namespace(self.name)}"]
        own = ["unshare", "--mount", "--uts", "--propagation", "private", sys.executable, str(LAUNCH), str(spec)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([*namespaces, *own], stdout=log, stderr=log, start_new_session=True)
        self.starts += 1

    @property
    def code(self) -> int | None:
        """Exit code, None while it runs."""
        return self._process.poll() if self._process else None

    def execute(self, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """In the running container, as `docker compose exec` would."""
        assert self._process is not None
        inside = ["nsenter", "-t", str(self._process.pid), "-m", "-n", "-u", "-r", "-w", "--", "/usr/bin/env", "-i"]
        environment = [f"{name}={value}" for name, value in self._spec["environment"].items()]
        full = [*inside, *environment, "/usr/bin/setpriv", *self._spec["as_user"][1:], *command]
        return subprocess.run(full, capture_output=True, text=True, check=False, timeout=timeout)

    def healthy(self) -> str:
        """ "" when its own health check says so, else what that said."""
        kind, *test = self.service.raw["healthcheck"]["test"]
        assert kind == "CMD"
        try:
            done = self.execute(*test, timeout=60)
        except subprocess.TimeoutExpired:
            return "no answer within a minute"
        return "" if done.returncode == 0 else (done.stderr or done.stdout).strip()[-300:] or f"exit {done.returncode}"

    def stop(self, seconds: float = 20) -> None:
        """TERM to it, then KILL to all that is left of it."""
        process = self._process  # another may be started meanwhile
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def told(self, lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def _written(self, stand_in: Mapping[str, Any], staged: Mapping[str, Path]) -> dict[str, Any]:
        service, built = self.service, self._image
        user, _, group = (service.user or (built.user if built else "0:0")).partition(":")
        uid, gid = int(user), int(group or user)
        entrypoint = service.entrypoint if service.entrypoint is not None else (built.entrypoint if built else ())
        command = service.command if service.command is not None else (built.command if built else ())
        environment = {"PATH": PATH, "HOME": "/tmp", **(built.environment if built else {}), **service.environment}
        binds = [self._bound(mount, uid, gid) for mount in service.mounts]
        links, files = dict(stand_in.get("links", {})), {**NAMES, **stand_in.get("files", {})}
        if built:
            for to in built.copied:
                source = ROOT / built.copied[to].rstrip("/")
                binds.append((str(source), to, True))
            for to in built.staged:
                if to in staged:
                    binds.append((str(staged[to]), to, True))
            links[VENV] = sys.prefix
            # In the image the packages are installed; here they are those of this checkout.
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, [environment.get("PYTHONPATH"), str(ROOT)]))
        here = {ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), *stand_in.get("here", ())}
        binds = [*((str(place), str(place), True) for place in sorted(here)), *binds]
        return {
            "hostname": service.name,
            "uid": uid,
            "gid": gid,
            "read_only": bool(service.raw.get("read_only")),
            "environment": environment,
            "folder": (built.folder if built else "/"),
            "command": [*entrypoint, *command],
            "as_user": _as_user(uid, gid),
            "tmpfs": service.tmpfs,
            "binds": binds,
            "links": links,
            "files": files,
            "folders": built.folders if built else [],
            "open": sorted({str(above) for place in here for above in place.parents if str(above) != "/"}),
        }

    def _bound(self, mount: Mount, uid: int, gid: int) -> tuple[str, str, bool]:
        if mount.source.startswith((".", "/")):
            return str((ROOT / mount.source).resolve()), mount.target, mount.read_only
        volume = self._folder / "volumes" / mount.source
        if not volume.exists():
            volume.mkdir(parents=True)
            volume.chmod(0o750)
            os.chown(volume, uid, gid)
        return str(volume), mount.target, mount.read_only


def _as_user(uid: int, gid: int) -> list[str]:
    return [
        "setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups",
        "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--",
    ]  # fmt: skip
