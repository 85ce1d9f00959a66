"""The API against its own description: made-up requests, right and wrong ones, on a real Kafka.

`EMOSTREAM_API_CASES=10000` (`make fuzz`) makes more of them, `EMOSTREAM_API_SEED` others.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from starlette.types import ASGIApp

from pipeline.api.app import create
from pipeline.api.assemble import assembled
from pipeline.kafka.clients import producer
from pipeline.messages import CameraState, CameraStatus, FrameCounts, Scope, Window, headers_of
from pipeline.metrics import Metrics
from pipeline.settings import KafkaSettings, load
from pipeline.topics import ALERTS, CAMERA_STATUS, WINDOWS, name
from tests.records import alert

CASES = int(os.environ.get("EMOSTREAM_API_CASES", "300"))
SEED = int(os.environ.get("EMOSTREAM_API_SEED", "1"))
TOKEN = {"Authorization": "Bearer operator-token-0123456789"}
PATIENCE = 120.0
A_ROUND = 60  # cases of one operation
KNOWN = "hall"
URIS = st.one_of(
    st.integers(0, 64).map(lambda people: f"synthetic:?people={people}"),
    st.from_regex(r"(rtsp|https?)://[a-z]{1,9}\.example(:[1-9][0-9]{1,3})?(/[a-z0-9._-]{1,9}){0,3}", fullmatch=True),
)
CONFIG = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})  # the token is ours
PROBE, PROBES = "/v1/probe", 4  # a round: each that is right starts a process
UNSAID = ("positive_data_acceptance",)  # what a camera's URI may be, no schema says


@pytest.fixture
def application(kafka_settings: KafkaSettings) -> Iterator[ASGIApp]:
    """The whole of it but for Ray Serve; the model is in this process, so that it is ready."""
    settings = load(
        site="here",
        kafka=kafka_settings.model_dump(),
        classify={"kind": "in-process"},
        api={
            "tokens": [{"name": "ada", "role": "operator", "token": TOKEN["Authorization"].split()[1]}],
            "camera_kinds": ["synthetic", "network"],
            "requests_per_second": 1e6,
            "burst": 1_000_000,
        },
    )
    something_to_tell(settings.kafka)
    with assembled(settings, Metrics("api")) as parts:
        yield create(parts)[1]


def something_to_tell(kafka: KafkaSettings) -> None:
    now = datetime.now(UTC)
    told = now - timedelta(minutes=5)
    values = {"scope": Scope.CAMERA, "site": "here", "id": KNOWN, "cameras": {KNOWN: ""}}
    alert_of_it = alert(**values, alert_id=KNOWN, since=told, at=told)
    window = Window(
        **{**values, "cameras": {KNOWN: 1.0}}, spec="60s", start=told, end=now, revision=0, final=True, as_of=now,
        frames=FrameCounts(), coverage=1.0, n_face_frames=0, n_tracks=0, n_told=0, n_abstained=0,
    )  # fmt: skip
    status = CameraStatus(site="here", camera="own", session=1, at=told, state=CameraState.DOWN, reason="no route")
    writer = producer(kafka)
    for topic, record in ((ALERTS, alert_of_it), (WINDOWS, window), (CAMERA_STATUS, status)):
        writer.send(name(kafka, topic), record.encode(), record.key.encode(), headers_of(record)).get(PATIENCE)
    writer.close()


class Trial:
    """Calls the application and counts what it answers."""

    def __init__(self, application: ASGIApp) -> None:
        self.schema = schemathesis.openapi.from_asgi("/v1/openapi.json", application, config=CONFIG)
        self.operations = [each.ok() for each in self.schema.get_all_operations()]
        self.answers: Counter[tuple[str, int]] = Counter()
        self._excluded = [check for check in CHECKS.get_all() if check.__name__ in UNSAID]

    @property
    def count(self) -> int:
        return self.answers.total()

    def round(self, number: int, most: int) -> None:
        """At most so many cases of each operation."""
        for operation in self.operations:
            self._try(operation, GenerationMode.NEGATIVE, number, most)
            self._try(operation, GenerationMode.POSITIVE, number, PROBES if operation.path == PROBE else most)

    def _try(self, operation: APIOperation, mode: GenerationMode, number: int, most: int) -> None:
        @seed(SEED * 1000 + number)
        @hypothesis_settings(
            max_examples=most,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode), st.booleans(), URIS)
        def check(case: Case, meant: bool, uri: str) -> None:
            if meant and mode is GenerationMode.POSITIVE:
                self._mean(case, uri)
            self._call(case)

        with suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
            check()

    def _mean(self, case: Case, uri: str) -> None:
        """Something that there is, in the place of a name or a URI that only looks like one."""
        if "camera_id" in case.path_parameters:
            self.schema["/v1/cameras"]["POST"].Case(body={"uri": "synthetic:", "id": KNOWN}).call(headers=TOKEN)
        case.path_parameters |= dict.fromkeys(case.path_parameters, KNOWN)
        if isinstance(case.body, dict) and "uri" in case.body:
            uri = "synthetic:" if case.path == PROBE else uri  # no host of the world is asked
            case.body = {key: value for key, value in case.body.items() if key != "credentials"} | {"uri": uri}

    def _call(self, case: Case) -> None:
        response = case.call_and_validate(headers=TOKEN, excluded_checks=self._excluded)
        self.answers[f"{case.method} {case.path}", int(response.status_code)] += 1
        if response.status_code == HTTPStatus.CREATED:  # so that there are never many
            [place] = response.headers["location"]
            removal = self.schema["/v1/cameras/{camera_id}"]["DELETE"]
            removal.Case(path_parameters={"camera_id": place.rpartition("/")[2]}).call(headers=TOKEN)


def test_no_request_breaks_it(application: ASGIApp) -> None:
    trial = Trial(application)
    give_up = time.monotonic() + PATIENCE
    while trial.schema["/readyz"]["GET"].Case().call().status_code != HTTPStatus.OK:
        assert time.monotonic() < give_up, "it is not ready"
    number = 0
    while trial.count < CASES:
        trial.round(number, min(A_ROUND, 1 + CASES // (2 * len(trial.operations))))
        number += 1
    broken = {asked: count for asked, count in trial.answers.items() if asked[1] >= HTTPStatus.INTERNAL_SERVER_ERROR}
    print(f"{trial.count} cases:", dict(sorted(trial.answers.items())))
    assert not broken
    assert {status for _, status in trial.answers} >= {200, 201, 202, 204, 404, 422}
