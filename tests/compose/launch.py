"""Becomes a container's command: its own root, its mounts, its user. Runs in a mount namespace of its own.

    unshare --mount --uts --propagation private python launch.py spec.json

The root is this machine's, with what the image adds laid over it, so that Python, Java and their libraries are there.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ENGINE = "noexec,nosuid,nodev"
"""What Docker makes of each tmpfs, unless its own options say `exec`: of two the last one counts."""


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def make(point: Path, is_file: bool) -> None:
    """A place to mount on."""
    if is_file:
        point.parent.mkdir(parents=True, exist_ok=True)
        point.touch()
    else:
        point.mkdir(parents=True, exist_ok=True)


def root_of(spec: dict[str, Any]) -> Path:
    work = Path(tempfile.mkdtemp(prefix="emostream-root-"))
    mount("-t", "tmpfs", "tmpfs", str(work))
    for name in ("upper", "work", "root"):
        (work / name).mkdir()
    layers = f"lowerdir=/,upperdir={work / 'upper'},workdir={work / 'work'}"
    mount("-t", "overlay", "overlay", "-o", layers, str(work / "root"))
    return work / "root"


def fill(root: Path, spec: dict[str, Any]) -> None:
    """What the image brings, and places for what is mounted."""
    at = lambda path: root / str(path).lstrip("/")  # noqa: E731
    for path in spec["open"]:  # folders on the way to Python, which may be root's own
        at(path).chmod(0o755)
    for path, text in spec["files"].items():
        make(at(path), True)
        at(path).unlink()
        at(path).write_text(text)
        at(path).chmod(0o755 if text.startswith("#!") else 0o644)
    for path, target in spec["links"].items():
        at(path).parent.mkdir(parents=True, exist_ok=True)
        at(path).symlink_to(target)
    for path in spec["folders"]:
        at(path).mkdir(parents=True, exist_ok=True)
        os.chown(at(path), spec["uid"], spec["gid"])
    for kind in ("proc", "dev"):
        mount("--rbind", f"/{kind}", str(root / kind))
    if spec["read_only"]:
        for point in [*spec["tmpfs"], *(bind[1] for bind in spec["binds"])]:
            if not any(point.startswith(f"{above}/") for above in spec["tmpfs"]):
                source = next((bind[0] for bind in spec["binds"] if bind[1] == point), "/")
                make(at(point), Path(source).is_file())
        mount("-o", "remount,ro", str(root))
    for point, options in spec["tmpfs"].items():
        make(at(point), False)
        mount("-t", "tmpfs", "tmpfs", "-o", f"{ENGINE},{options or 'mode=1777'}", str(at(point)))
    for source, point, read_only in spec["binds"]:
        if not at(point).exists():
            make(at(point), Path(source).is_file())
        mount("--rbind", source, str(at(point)))
        if read_only:
            mount("-o", "remount,bind,ro", str(at(point)))


def main(spec: dict[str, Any]) -> None:
    socket.sethostname(spec["hostname"])
    root = root_of(spec)
    fill(root, spec)
    os.chroot(root)
    os.chdir(spec["folder"])
    command = [*spec["as_user"], *spec["command"]]
    os.execve("/usr/bin/setpriv", command, spec["environment"])


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
