"""Kafka, TorchServe and Ray on this machine, started together and ended together."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pydantic import SecretStr

from pipeline.classify.choose import answers
from pipeline.cluster.environment import set_environment
from pipeline.errors import DependencyError, EmostreamError
from pipeline.local import archive, jars, java, kafka, ray_cluster, torchserve
from pipeline.local.folders import RunFolder, new_run
from pipeline.local.ports import LOOPBACK
from pipeline.local.process import Cancelled, Process, Restarts
from pipeline.metrics import list_targets
from pipeline.settings import Settings

Progress = Callable[[str, str], None]
"""Told (part, text), from several threads: ("Kafka", "fetching jars 12/46"); text "ready" is the last of a part."""

POLL_SECONDS = 0.2
BIND_ATTEMPTS = 3
END_SECONDS = 20.0  # Ray has 4 to end in good order, TorchServe and Kafka 8 each


class Part(Protocol):
    """What was started: it has a process, and can be stopped."""

    @property
    def process(self) -> Process: ...

    def restart(self) -> None:
        """Where it was. Raises DependencyError."""

    def stop(self) -> None: ...


class LocalStack:
    """`with LocalStack(settings, run_dir) as stack:` gives `stack.settings`, filled in with where the parts are.

    run_dir: the folder of all runs; this one's is `stack.run.path`.
    archive_path: the model archive to serve; None: the model of the settings, packaged once and kept in the cache.
    golden: see torchserve.Golden; None: a made-up face through the classifier of the settings.
    stop: ends a start that is under way, with Cancelled.

    Ray is left out where the settings name a cluster, TorchServe where the classifier asks none. The driver's
    environment for Ray is set in os.environ; child processes inherit it.
    """

    def __init__(
        self,
        settings: Settings,
        run_dir: Path | None = None,
        progress: Progress = lambda part, text: None,
        *,
        archive_path: Path | None = None,
        golden: torchserve.Golden | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.settings = settings
        self.run: RunFolder
        self._root = run_dir or settings.run_dir
        self._progress = progress
        self._archive = archive_path
        self._golden = golden
        self._stop = stop or threading.Event()
        self._cancelled = threading.Event()
        self._parts: dict[str, Part] = {}
        self._restarts: dict[str, Restarts] = defaultdict(Restarts)
        self._environment: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        """Returns when all parts answer. Raises DependencyError, or Cancelled, with everything ended again."""
        self.run = new_run(self._root)
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._end()

    def check(self) -> None:
        """Raises DependencyError, with the telling line of its log, when a part has ended."""
        for part in list(self._parts.values()):
            part.process.check()

    def tend(self, now: float) -> dict[str, str]:
        """Starts again what has ended; tells of each part why. Raises DependencyError when one ends again and again.

        `settings` may be others afterwards, and whoever worked on a Ray or a TorchServe that was started again has to
        be started again with them. `now`: seconds of any clock.
        """
        ended = {}
        for name, part in self._parts.items():
            try:
                part.process.check()
            except DependencyError as error:
                self._restarts[name].ended(error, now)
                with suppress(DependencyError):  # it did not come up: tried again the next time
                    part.restart()
                    ended[name] = error.message
                if isinstance(part, torchserve.TorchServe):
                    self._fill("classify", token=SecretStr(part.token))
        return ended

    def _start(self) -> None:
        self._java = java.find()
        starts: dict[str, Callable[[], Part]] = {"Kafka": self._start_kafka}
        if self.settings.classify.kind in torchserve.KINDS:
            starts["TorchServe"] = self._start_torchserve
        if self.settings.ray.address is None:
            starts["Ray"] = self._start_ray
        with ThreadPoolExecutor(len(starts), "local-stack") as pool:
            futures = {pool.submit(self._start_part, name, start): name for name, start in starts.items()}
            try:
                self._await(futures)
            except BaseException:
                self._cancelled.set()
                raise

    def _await(self, futures: dict[Future[None], str]) -> None:
        waiting = set(futures)
        while waiting:
            done, waiting = wait(waiting, POLL_SECONDS, FIRST_COMPLETED)
            for future in done:
                future.result()
            self.check()
            if self._stop.is_set():
                raise Cancelled

    def _start_part(self, name: str, start: Callable[[], Part]) -> None:
        for left in reversed(range(BIND_ATTEMPTS)):
            try:
                self._parts[name] = start()
                break
            except DependencyError as error:  # ports were free a moment before: others take some, too
                if not left or "in use" not in error.message:
                    raise
        self._progress(name, "ready")

    def _start_kafka(self) -> Part:
        def fetched(done: int, total: int) -> None:
            self._progress("Kafka", f"fetching jars {done}/{total}")

        classpath = jars.fetch(jars.folder(), jars.read_lock(), fetched, self._cancelled)
        self._progress("Kafka", "starting the broker")
        broker = kafka.start(self._java, classpath, self.run, self._cancelled)
        self._fill("kafka", bootstrap=broker.bootstrap, replication=1)
        return broker

    def _start_torchserve(self) -> Part:
        path = self._archive
        if path is None:
            self._progress("TorchServe", "packaging the model")
            path = archive.of_model(self.settings.classify)
        self._progress("TorchServe", "loading the model")
        golden = self._golden or partial(answers, self.settings.classify)
        server = torchserve.start(
            self._java, path.absolute(), self.settings.classify, run=self.run, golden=golden, cancelled=self._cancelled
        )
        self._fill("classify", url=server.address(self.settings.classify), token=SecretStr(server.token))
        list_targets(self.run.path / "metrics", "torchserve", LOOPBACK, [server.metrics_port])
        return server

    def _start_ray(self) -> Part:
        self._progress("Ray", "starting the cluster")
        cluster = ray_cluster.start(self.settings.ray, self.run, self._cancelled)
        self._environment = set_environment(cluster.environment)
        self._fill("ray", address=cluster.address)
        return cluster

    def _fill(self, section: str, **values: object) -> None:
        with _FILLING:
            filled = getattr(self.settings, section).model_copy(update=values)
            self.settings = self.settings.model_copy(update={section: filled})

    def _end(self) -> None:
        """Stops the parts, users first; each is given its time and then killed."""
        for name in ("Ray", "TorchServe", "Kafka"):
            part = self._parts.pop(name, None)
            if part is not None:
                with suppress(EmostreamError, OSError):
                    part.stop()
        set_environment(self._environment)
        self.run.close()


_FILLING = threading.Lock()
