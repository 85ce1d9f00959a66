"""What a process is, is told by its command line: for what a run costs, and for what leaks."""

from __future__ import annotations

import pytest

from pipeline.local.processes import RAY, kind_of


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("python -P guardian.py 12 8.0 java -cp x kafka.Kafka server.properties", "guardian"),
        ("java -Xmx512m -cp x kafka.Kafka server.properties", "kafka"),
        ("java -cp ts/frontend/* org.pytorch.serve.ModelServer", "model server"),
        ("ray::Analyzer.run", "analyzer"),
        ("ray::IDLE", "ray idle worker"),
        ("ray::ServeReplica:emostream-api:ControlApi", "api"),
        ("ray::ServeController.listen_for_change", "ray serve"),
        ("python -m pipeline.cli api -c settings.yaml", "api"),
        ("python -m pipeline.cli dashboard -c settings.yaml", "dashboard"),
        ("python -m pipeline.cli aggregate -c settings.yaml", "aggregate"),
        ("python -m pipeline.cli analyze -c settings.yaml", "supervisor"),
        ("python -m pipeline.cli up --local", "up"),
        ("python -P -m pipeline.capture.child 9 12", "camera"),
        ("sh", "other"),
    ],
)
def test_kinds(command: str, kind: str) -> None:
    assert kind_of(command) == kind


def test_all_that_is_rays_own_is_one_part_of_the_costs() -> None:
    commands = ("ray::IDLE", "site/ray/core/src/ray/gcs/gcs_server", "ray/dashboard/agent.py", "ray::ProxyActor")
    assert {kind_of(command) in RAY for command in commands} == {True}
    assert not RAY & {"analyzer", "api"}
