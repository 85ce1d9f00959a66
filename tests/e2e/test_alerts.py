"""From a camera to a webhook: the whole system tells of what its rules say."""

from __future__ import annotations

from pipeline.local.stack import LocalStack
from pipeline.messages import LABELS, AlertState
from tests.e2e.test_system import Run
from tests.integration.test_webhooks import SECRET, receiver


def test_an_alert_is_raised_reported_and_posted(stack: LocalStack) -> None:
    with receiver() as server:
        run = Run(
            stack,
            ["synthetic:?people=1&seed=1&id=room"],
            seconds=25,
            aggregate={"windows": [{"seconds": 10}]},
            alerts=[{"id": "somebody", "window": "10s", "expressions": LABELS, "above": 0.9, "min_told": 1}],
            webhooks=[{"id": "pager", "url": f"http://127.0.0.1:{server.server_port}/", "secret": SECRET}],
        )
        report = run.report()
    [(_, posted), *_] = server.got
    assert (posted.rule, posted.state, posted.id) == ("somebody", AlertState.RAISED, "room")
    assert report["alerts"] == 1
    assert "alert raised: camera/site-1/room: somebody: apparent angry" in run.output.getvalue()
