"""Hosts in this machine's kernel: a network namespace each, on one bridge, with a name and a /tmp/ray of its own.

Runs in network, mount and process namespaces of its own, so that all of it goes with the process that made it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from tests.compose.network import run

BRIDGE = "br0"
NETWORK = "10.78.0"  # .1 is this process' own namespace
RAY = Path("/tmp/ray")
ENTER = 'hostname "$1" && mount --bind "$2" /tmp/ray && shift 2 && exec "$@"'


def bridge() -> None:
    """What the hosts are plugged into; this process' own namespace is, too."""
    Path("/run/netns").mkdir(exist_ok=True)
    RAY.mkdir(exist_ok=True)
    run("mount -t tmpfs tmpfs /run/netns")
    run("ip link set lo up")
    run(f"ip link add {BRIDGE} type bridge")
    run(f"ip addr add {NETWORK}.1/24 dev {BRIDGE}")
    run(f"ip link set {BRIDGE} up")


class Host:
    """One machine. `folder`: for what its parts write. `lost`: nothing runs there, nothing reaches it."""

    def __init__(self, number: int, folder: Path) -> None:
        self.name = f"node-{number}"
        self.address = f"{NETWORK}.{10 + number}"
        self.folder = folder / self.name
        self.lost = False
        (self.folder / "ray").mkdir(parents=True)
        run(f"ip netns add {self.name}")
        run(f"ip -n {self.name} link set lo up")
        run(f"ip link add {self.name} type veth peer name eth0 netns {self.name}")
        run(f"ip link set {self.name} master {BRIDGE} up")
        run(f"ip -n {self.name} addr add {self.address}/24 dev eth0")
        run(f"ip -n {self.name} link set eth0 up")
        run(f"ip -n {self.name} route add default via {NETWORK}.1")  # by it Ray knows its address

    def command(self, *command: str | Path) -> list[str]:
        """To be run here; the process that does so becomes it."""
        enter = ["ip", "netns", "exec", self.name, "unshare", "--uts", "--mount", "sh", "-c", ENTER, "sh"]
        return [*enter, self.name, str(self.folder / "ray"), *map(str, command)]

    def processes(self) -> list[psutil.Process]:
        """Those that this process started here, and theirs."""
        own = Path(f"/run/netns/{self.name}").stat().st_ino
        found = []
        for process in psutil.Process().children(recursive=True):
            with suppress(OSError):  # it has ended meanwhile
                if Path(f"/proc/{process.pid}/ns/net").stat().st_ino == own:
                    found.append(process)
        return found

    def lose(self) -> None:
        """Its cable is pulled, then its power: nobody is told."""
        self.lost = True
        run(f"ip link set {self.name} down")
        while found := self.processes():
            for process in found:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(found, timeout=5)

    def bring_back(self) -> None:
        """Reached again; its parts are started by whoever keeps them."""
        run(f"ip link set {self.name} up")
        self.lost = False
