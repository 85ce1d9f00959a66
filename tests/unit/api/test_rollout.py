"""A rollout over the API: started, told of, widened, finished, taken back, refused."""

from __future__ import annotations

from typing import Any

from pipeline.messages import RolloutVerdict, Stage
from tests.unit.api.conftest import NOW, WITH_TOKENS, Serve, Served, bearer
from tests.unit.rollout.rollouts import sign

PATH = "/v1/rollout"
ASKED = {"version": "2", "share": 0.25, "reason": "it is newer"}


def started(site: Served, **changes: Any) -> str:
    answer = site("POST", PATH, {**ASKED, **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["rollout_id"])


def goes_on(site: Served, rollout_id: str, stage: Stage = Stage.CANARY) -> None:
    """As the controller decides."""
    told = {"site": "site", "rollout_id": rollout_id, "stage": stage, "at": NOW, "reason": "within bounds"}
    site.room.view.apply(RolloutVerdict.model_validate(told), NOW)


def test_it_is_started_and_told_of(site: Served) -> None:
    assert site("GET", PATH).json() == {"rollout": None}
    rollout_id = started(site)
    figures = {"asked": 40, "live_asked": 40, "compared": 500, "label_changes": 10}
    status = sign(0, **figures)
    assert status.figures is not None
    figured = status.figures.model_copy(update={"rollout_id": rollout_id})
    site.room.view.apply(status.model_copy(update={"figures": figured, "at": NOW}), NOW)
    told = site("GET", PATH).json()["rollout"]
    assert (told["stage"], told["compared"], told["rollout"]["share"]) == ("shadow", 500, 0.25)
    assert told["waits"] == "for 600 s more as a shadow"
    assert {each["metric"]: each["share"] for each in told["measures"]}["label_changes"] == 0.02
    record = site.room.audit[-1]
    assert (record.action, record.target, record.outcome, record.reason) == (
        "rollout.start", "model/2", "done", "it is newer",
    )  # fmt: skip


def test_people_widen_finish_and_take_it_back(site: Served) -> None:
    goes_on(site, started(site))
    assert site("POST", f"{PATH}/share", {"share": 0.5}).json()["share"] == 0.5
    assert site("POST", f"{PATH}/finish", {"reason": "it does well"}).status_code == 200
    assert site("GET", PATH).json()["rollout"]["stage"] == "finished"
    assert site("POST", f"{PATH}/back", {}).status_code == 200
    assert site("GET", PATH).json()["rollout"]["stage"] == "backed_out"
    assert [record.action for record in site.room.audit] == [
        "rollout.start", "rollout.share", "rollout.finish", "rollout.back",
    ]  # fmt: skip
    started(site)


def test_what_cannot_be_is_refused_and_written_down(site: Served) -> None:
    def refused(path: str, body: dict[str, Any], status: int, said: str) -> None:
        answer = site("POST", path, body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert said in answer.text

    refused(f"{PATH}/back", {}, 409, "there is no rollout")
    refused(PATH, {**ASKED, "version": "7"}, 503, "version 7 at")
    refused(PATH, {**ASKED, "version": "../2"}, 422, "/body/version")
    refused(PATH, {**ASKED, "share": 0}, 422, "/body/share")
    refused(PATH, {**ASKED, "bounds": {"distance": 2}}, 422, "/body/bounds/distance")
    started(site)
    refused(PATH, ASKED, 409, "under way")
    refused(f"{PATH}/finish", {}, 409, "no camera's faces yet")
    outcomes = [(record.action, record.outcome.value) for record in site.room.audit]
    assert ("rollout.finish", "refused") in outcomes
    assert ("rollout.start", "done") in outcomes


def test_viewers_may_look_and_no_more(serve: Serve) -> None:
    site = serve(**WITH_TOKENS)
    assert site("GET", PATH, headers=bearer("vera")).status_code == 200
    for path in (PATH, f"{PATH}/share", f"{PATH}/back", f"{PATH}/finish"):
        assert site("POST", path, ASKED, headers=bearer("vera")).status_code == 403
