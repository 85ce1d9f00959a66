"""The compose file's networks in this machine's kernel: a namespace for each container, a bridge for each network, and
names that each container can look up of those it shares a network with.

Runs in a network and a process namespace of its own, so that all of it goes with the process that made it.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.compose.file import Service

RESOLVER = "127.0.0.11"  # where Docker's own listens
ANSWERED_SECONDS = 5
CLONE_NEWNET = 0x40000000


class Networks:
    """`addresses`: of each service, by network. Those that share another's network have none of their own."""

    def __init__(self, services: Mapping[str, Service], networks: Mapping[str, Any]) -> None:
        self.addresses: dict[str, dict[str, str]] = {}
        self._services = services
        Path("/run/netns").mkdir(exist_ok=True)
        run("mount -t tmpfs tmpfs /run/netns")
        run("ip link set lo up")
        for number, options in enumerate(networks.values()):
            run(f"ip link add br{number} type bridge")
            run(f"ip link set br{number} up")
            if not (options or {}).get("internal"):
                run(f"ip addr add 10.77.{number}.1/24 dev br{number}")  # the machine itself, as Docker's gateway is
        numbers = {name: number for number, name in enumerate(networks)}
        for place, service in enumerate(services.values()):
            if service.network_of:
                continue
            run(f"ip netns add {service.name}")
            run(f"ip -n {service.name} link set lo up")
            self.addresses[service.name] = {
                network: self._plug(service.name, numbers[network], place + 10) for network in service.networks
            }
        for name in self.addresses:
            self._answer_names(name)

    def namespace(self, service: str) -> str:
        """Path of the network namespace that the service is in."""
        return f"/run/netns/{self._services[service].network_of or service}"

    def seen_from(self, service: str) -> dict[str, str]:
        """Addresses by name, as the service's container looks them up."""
        own = self._services[service].network_of or service
        found = {}
        for other, addresses in self.addresses.items():
            shared = [network for network in self.addresses[own] if network in addresses]
            if shared:
                found[other] = addresses[shared[0]]
        return found

    def reached_from_here(self, service: str) -> str:
        """An address of it that this machine reaches, "" where all of its networks are internal."""
        gateways = run("ip -4 -o addr show").stdout
        own = self.addresses[self._services[service].network_of or service]
        return next((address for address in own.values() if address.rpartition(".")[0] + ".1/" in gateways), "")

    def _plug(self, name: str, number: int, place: int) -> str:
        outer, inner, address = f"v{number}-{place}", f"eth{number}", f"10.77.{number}.{place}"
        run(f"ip link add {outer} type veth peer name {inner} netns {name}")
        run(f"ip link set {outer} master br{number} up")
        run(f"ip -n {name} addr add {address}/24 dev {inner}")
        run(f"ip -n {name} link set {inner} up")
        return address

    def _answer_names(self, name: str) -> None:
        listening = threading.Event()
        serve = threading.Thread(target=_resolver, args=(name, self.seen_from(name), listening), daemon=True)
        serve.start()
        if not listening.wait(ANSWERED_SECONDS):
            raise RuntimeError(f"no resolver in {name}")


def _resolver(namespace: str, names: dict[str, str], listening: threading.Event) -> None:
    """Answers what is asked for A records, in a thread that lives in the service's namespace."""
    with Path(f"/run/netns/{namespace}").open("rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((RESOLVER, 53))
        listening.set()
        while True:
            asked, sender = server.recvfrom(4096)
            server.sendto(answer(asked, names), sender)


def answer(asked: bytes, names: Mapping[str, str]) -> bytes:
    """A DNS answer: the address of a name that is known, nothing for its other records, NXDOMAIN for the others."""
    end = asked.index(b"\0", 12) + 5
    labels, at = [], 12
    while asked[at]:
        labels.append(asked[at + 1 : at + 1 + asked[at]].decode("ascii", "replace").lower())
        at += asked[at] + 1
    (kind,) = struct.unpack_from(">H", asked, end - 4)
    address = names.get(".".join(labels))
    found = socket.inet_aton(address) if address and kind == 1 else b""
    flags = 0x8580 if address else 0x8583
    head = asked[:2] + struct.pack(">HHHHH", flags, 1, 1 if found else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + found if found else b""
    return head + asked[12:end] + record


def run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command.split(), check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )
