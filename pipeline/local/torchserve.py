"""TorchServe on the loopback, serving one model archive."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import httpx

from pipeline.errors import DependencyError
from pipeline.local.folders import RunFolder, disk_errors
from pipeline.local.java import Java
from pipeline.local.ports import LOOPBACK, free_ports
from pipeline.local.process import Process
from pipeline.settings import ClassifySettings

KEYS = "key_file.json"
KINDS = ("torchserve", "torchserve-grpc")  # of classify.kind, that ask TorchServe
READY_SECONDS = 120.0
STARTUP_SECONDS = 100
QUEUE = 256
MAX_REQUEST_BYTES = 6_553_500  # TorchServe's default; what is sent here stays below it, see serving.server.wire
TOKEN_MINUTES = 10 * 365 * 24 * 60  # tokens die with the run, not before
VM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

WORKER_ENDED = "Worker disconnected"
WORKER_ATTEMPTS = 2
_MODEL_ERROR = re.compile(r"MODEL_LOG (\w+(?:Error|Exception)\b.*)")

_PER_REQUEST = (
    r"(?s).*(Backend received inference|Backend response time|Looping backend|Sending response|\[METRICS\]).*"
)
_LOGGING = """\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration>
  <Appenders>
    <Console name="console" target="SYSTEM_OUT">
      <RegexFilter regex="{per_request}" useRawMsg="false" onMatch="DENY" onMismatch="NEUTRAL"/>
      <PatternLayout pattern="%d{{ISO8601}} %p %t %c{{1}} %m%n"/>
    </Console>
  </Appenders>
  <Loggers>
    <Logger name="io.netty" level="error"/>
    <Logger name="ACCESS_LOG" level="off"/>
    <Logger name="MODEL_METRICS" level="off"/>
    <Logger name="TS_METRICS" level="off"/>
    <Root level="info"><AppenderRef ref="console"/></Root>
  </Loggers>
</Configuration>
"""

Golden = Callable[[str, str], bool]
"""Makes one prediction that is known beforehand, given the address that settings.kind asks at, and the token. While the
worker is not up it returns False or raises httpx.HTTPError or ClassifierUnavailable; TorchServe answers pings long
before."""


class TorchServe:
    """A server on LOOPBACK. `url`: of HTTP, `grpc`: host:port; `metrics_port`: of /metrics, for Prometheus; `token`:
    what the inference API asks for, another one after each start."""

    def __init__(
        self, launch: Callable[[], Process], home: Path, url: str, grpc: str, metrics_port: int, stop: threading.Event
    ) -> None:
        self._launch = launch
        self._home = home
        self.url = url
        self.grpc = grpc
        self.metrics_port = metrics_port
        self._cancelled = stop
        self.token = ""
        self.process = launch()

    def address(self, settings: ClassifySettings) -> str:
        """Where the settings' kind asks."""
        return self.grpc if settings.kind == "torchserve-grpc" else self.url

    def wait(self) -> None:
        """Until it answers and its token is known; its workers come later. Raises DependencyError."""
        self.process.wait_ready(lambda: _answers(self.url, _token(self._home)), READY_SECONDS, self._cancelled)
        self.token = _token(self._home)

    def restart(self) -> None:
        """At its address."""
        self.process.stop()
        (self._home / KEYS).unlink(missing_ok=True)
        self.process = self._launch()
        try:
            self.wait()
        except DependencyError:
            self.process.stop()
            raise

    def stop(self) -> None:
        self.process.stop()


def start(
    java: Java,
    archive: Path,
    settings: ClassifySettings,
    *,
    run: RunFolder,
    golden: Golden,
    cancelled: threading.Event,
) -> TorchServe:
    """Serves `archive` under settings.model_name; returns after the golden prediction. Raises DependencyError.

    What the archive says of workers and timeouts holds. A worker that dies is started again by TorchServe itself.
    Whoever may write to its folder may register further versions beside it, see serving.server.management.
    """
    inference, management, metrics, grpc_inference, grpc_management = free_ports(5)
    url, grpc = f"http://{LOOPBACK}:{inference}", f"{LOOPBACK}:{grpc_inference}"
    home, log = run.torchserve, run.logs / "torchserve.log"
    store = home / "models"
    config, logging = home / "config.properties", home / "log4j2.xml"
    with disk_errors(run.path):
        store.mkdir(exist_ok=True)
        shutil.copy(archive, store)
        logging.write_text(_LOGGING.format(per_request=_PER_REQUEST))
        config.write_text(
            f"""\
inference_address={url}
management_address=http://{LOOPBACK}:{management}
metrics_address=http://{LOOPBACK}:{metrics}
grpc_inference_address={LOOPBACK}
grpc_management_address={LOOPBACK}
grpc_inference_port={grpc_inference}
grpc_management_port={grpc_management}
model_store={store}
allowed_urls=file://{store}/.*
disable_token_authorization=false
token_expiration_min={TOKEN_MINUTES}
enable_model_api=true
install_py_dep_per_model=false
disable_system_metrics=true
metrics_mode=prometheus
model_metrics_auto_detect=true
default_workers_per_model={settings.workers}
default_startup_timeout={STARTUP_SECONDS}
job_queue_size={QUEUE}
max_request_size={MAX_REQUEST_BYTES}
number_of_netty_threads=2
netty_client_threads=2
"""
        )
    command: list[str | Path] = [
        *(java.path, *VM),
        f"-Dmodel_server_home={_home()}",
        f"-Djava.io.tmpdir={run.short}",
        f"-Dlog4j.configurationFile=file://{logging}",
        *("-cp", f"{_home()}/ts/frontend/*", "org.pytorch.serve.ModelServer"),
        *(
            "--python",
            sys.executable,
            "-f",
            config,
            "-s",
            store,
            "-ncs",
            "-m",
            f"{settings.model_name}={archive.name}",
        ),
    ]
    launch = partial(Process, "TorchServe", command, log, env=_environment(settings, run, os.environ), cwd=home)
    server = TorchServe(launch, home, url, grpc, metrics, cancelled)
    try:
        server.wait()
        address = server.address(settings)
        server.process.wait_ready(lambda: _predicts(golden, address, server.token, log), READY_SECONDS, cancelled)
    except BaseException:
        server.stop()
        raise
    return server


def _environment(settings: ClassifySettings, run: RunFolder, environ: Mapping[str, str]) -> dict[str, str]:
    """`settings.threads` threads a worker, the python of this process first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    own = {name: value for name, value in environ.items() if not name.startswith("TS_")}
    threads = str(settings.threads)
    return {
        **own,
        "PATH": path,
        "TMPDIR": str(run.short),
        "LOG_LOCATION": str(run.logs),
        "METRICS_LOCATION": str(run.logs),
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }


def _home() -> Path:
    spec = importlib.util.find_spec("ts")
    if spec is None or spec.origin is None:
        raise DependencyError("TorchServe is not installed", "pip install torchserve==0.12.0")
    return Path(spec.origin).parent.parent


def _answers(url: str, token: str) -> bool:
    return bool(token) and httpx.get(f"{url}/ping", headers={"Authorization": f"Bearer {token}"}, timeout=5).is_success


def _predicts(golden: Golden, address: str, token: str, log: Path) -> bool:
    """Raises DependencyError when workers only die: TorchServe would start them for minutes."""
    text = log.read_text(errors="replace")
    if text.count(WORKER_ENDED) >= WORKER_ATTEMPTS:
        error = _MODEL_ERROR.search(text)
        reason = error[1] if error else "its worker ends at once"
        raise DependencyError(f"TorchServe cannot load the model: {reason}", f"its log is {log}")
    return golden(address, token)


def _token(home: Path) -> str:
    """The inference key of the file that TorchServe writes where it is started; empty before it has."""
    try:
        keys = json.loads((home / KEYS).read_text())
    except (OSError, ValueError):
        return ""
    return str(keys["inference"]["key"])
