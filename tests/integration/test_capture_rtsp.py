"""A real RTSP server (GStreamer) that dies, falls silent and comes back."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.capture.memory import MemoryPublisher
from pipeline.capture.service import CaptureService
from pipeline.messages import CameraState
from pipeline.metrics import Metrics
from pipeline.settings import CameraSettings, CaptureSettings, Settings

FPS = 15
SERVER = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
for element in ("videotestsrc", "x264enc", "rtph264pay"):
    if Gst.ElementFactory.find(element) is None:
        sys.exit(f"GStreamer lacks {element}")
if len(sys.argv) > 1:
    server = GstRtspServer.RTSPServer(service=sys.argv[1])
    factory = GstRtspServer.RTSPMediaFactory(shared=True)
    factory.set_launch("( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1"
                       " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15"
                       " ! rtph264pay name=pay0 config-interval=1 )")
    if len(sys.argv) > 2:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        auth = GstRtspServer.RTSPAuth()
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic("user", sys.argv[2]), token)
        server.set_auth(auth)
        role = Gst.Structure.new_empty("user")
        for name in ("media.factory.access", "media.factory.construct"):
            role.set_value(name, True)
        factory.add_role_from_structure(role)
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()
"""


@pytest.fixture(scope="module")
def system_python() -> str:
    """A Python that has GStreamer's RTSP server; it comes with the system, not from a package registry."""
    for name in filter(Path.is_file, map(Path, ("/usr/bin/python3", shutil.which("python3") or ""))):
        if subprocess.run([name, "-c", SERVER], capture_output=True, check=False).returncode == 0:
            return str(name)
    pytest.skip("no GStreamer RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{good,ugly}")


@pytest.fixture
def start_server(system_python: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a server on a port, with a password if wanted; all are ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(port: int, *password: str) -> subprocess.Popen[str]:
        command = [system_python, "-c", SERVER, str(port), *password]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        started.append(server)
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        return server

    yield start
    for server in started:
        server.kill()
        server.wait()
        server.stdout.close() if server.stdout else None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def settings(*uris: str) -> Settings:
    capture = CaptureSettings(stall_timeout_seconds=2, backoff_max_seconds=2)
    return Settings(cameras=[CameraSettings(uri=uri) for uri in uris], capture=capture)


class Watch:
    """Waits for states and counts what the process holds."""

    def __init__(self, service: CaptureService, log: MemoryPublisher) -> None:
        self.service, self.log = service, log

    def until(self, camera: str, state: CameraState, timeout: float) -> float:
        """-> the seconds it took."""
        began = time.monotonic()
        assert self.log.wait_for(lambda: self.service.states()[camera].state is state, timeout), f"not {state} in time"
        return time.monotonic() - began

    def holds(self) -> tuple[int, int, int, float]:
        """Descriptors, threads, children, resident MiB."""
        me = psutil.Process()
        return me.num_fds(), me.num_threads(), len(me.children()), me.memory_info().rss / 2**20


def test_a_camera_that_dies_and_one_that_falls_silent_come_back(
    start_server: Callable[..., subprocess.Popen[str]],
) -> None:
    port, other_port = free_port(), free_port()
    server, _other = start_server(port), start_server(other_port)
    uris = (f"rtsp://127.0.0.1:{port}/cam?id=hurt", f"rtsp://127.0.0.1:{other_port}/cam?id=well")
    log = MemoryPublisher()
    service = CaptureService(settings(*uris), log, Metrics("capture"))
    watch = Watch(service, log)
    service.start()
    try:
        for camera in ("hurt", "well"):
            watch.until(camera, CameraState.UP, 15)
        before = watch.holds()
        for how in (signal.SIGKILL, signal.SIGSTOP):
            server.send_signal(how)
            assert watch.until("hurt", CameraState.DOWN, 10) < 10
            server.kill()
            server.wait()
            server = start_server(port)
            assert watch.until("hurt", CameraState.UP, 15) < 15
        after = watch.holds()
    finally:
        service.stop(timeout=5)

    assert all(late <= early + 2 for early, late in zip(before[:3], after[:3], strict=True))
    assert after[3] < before[3] + 20
    assert log.states("well") == [CameraState.CONNECTING, CameraState.UP, CameraState.STOPPED]
    times = [frame.captured_at.timestamp() for frame in log.frames("well")][2 * FPS :]  # after the burst of the connect
    assert (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(FPS, rel=0.1)
    assert len({frame.frame_id.session for frame in log.frames("hurt")}) == 3
    ledgers = [ledger for ledger in log.ledgers("well") if ledger.state is CameraState.UP][2:]
    assert sum(ledger.expected for ledger in ledgers) == pytest.approx(
        sum(ledger.next_seq - ledger.first_seq for ledger in ledgers), rel=0.15
    )
    down = [ledger for ledger in log.ledgers("hurt") if ledger.state is CameraState.DOWN]
    assert sum(ledger.expected for ledger in down) > FPS  # what was not seen is missed, not forgotten


def test_passwords(start_server: Callable[..., subprocess.Popen[str]]) -> None:
    port = free_port()
    start_server(port, "s3cret")
    uris = (f"rtsp://user:s3cret@127.0.0.1:{port}/cam?id=right", f"rtsp://user:wr0ng@127.0.0.1:{port}/cam?id=wrong")
    log = MemoryPublisher()
    service = CaptureService(settings(*uris), log, Metrics("capture"))
    watch = Watch(service, log)
    service.start()
    try:
        watch.until("right", CameraState.UP, 15)
        watch.until("wrong", CameraState.DOWN, 15)
    finally:
        service.stop(timeout=5)
    reason = next(each.reason for each in log.statuses if each.state is CameraState.DOWN)
    assert "401" in reason
    told = "".join(each.model_dump_json() for each in [*log.statuses, *log.ledgers()])
    assert "s3cret" not in told
    assert "wr0ng" not in told
