"""Model serving: how faces get to the model, how long it takes, what it refuses."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.grafana.panels import SITE, Column, Panel, Query, a_second, lines, mean, number, rows, within

TITLE = "emostream: model serving"
DESCRIPTION = "How faces get to the model, how long it takes, what it refuses."
PARTS = (0.5, 0.95)


def panels() -> Iterator[Panel]:
    yield number(
        "How many faces are read?",
        "Faces a second that the model scores.",
        "reqps",
        a_second("emostream_inferences_total", "faces"),
        span=6,
        runbooks=["ModelSilent"],
    )
    yield number(
        "How busy is the model?",
        "Seconds in the model in a second, all workers together. Near their number nothing more goes through.",
        "short",
        a_second("emostream_model_inference_seconds_sum", "busy"),
        span=6,
        runbooks=["ModelSlow"],
    )
    yield number(
        "How many faces go through it together?",
        "Crops of one batch, on average. One at a time is a quarter of what the model can do.",
        "short",
        mean("emostream_model_batch_crops", "crops"),
        span=6,
    )
    yield number(
        "How many requests are not answered?",
        "Of a hundred that analyzers send. They are sent again.",
        "percentunit",
        Query(
            f"sum(rate(emostream_model_failures_total{{{SITE}}}[5m]))"
            f" / (sum(rate(emostream_batch_size_count{{{SITE}}}[5m]))"
            f" + sum(rate(emostream_model_failures_total{{{SITE}}}[5m])) > 0)",
            "failures",
        ),
        span=6,
        bad=0.05,
        runbooks=["ModelErring", "ModelSilent"],
    )
    yield lines(
        "How long does an analyzer wait for an answer?",
        "From sending a request to its scores, as the analyzer sees it.",
        "s",
        *within("emostream_stage_duration_seconds", *PARTS, 0.99, of=f'{SITE}, stage="classify"'),
        runbooks=["ModelSlow"],
    )
    yield lines(
        "How long does a request wait for the model?",
        "From the client's sending to the handler's taking it up: the way there, TorchServe's queue, and by how much "
        "the clocks differ.",
        "s",
        *within("emostream_model_queue_seconds", *PARTS),
        runbooks=["ModelSlow"],
    )
    yield lines(
        "How long does the model take for a batch?",
        "From crops to probabilities.",
        "s",
        *within("emostream_model_inference_seconds", *PARTS),
        runbooks=["ModelSlow"],
    )
    yield lines(
        "How large are batches?",
        "On average: crops that an analyzer sends in a request, requests that TorchServe puts together, crops that go "
        "through the model.",
        "short",
        mean("emostream_batch_size", "crops in a request"),
        mean("emostream_model_batch_requests", "requests in a batch"),
        mean("emostream_model_batch_crops", "crops in a batch"),
    )
    yield lines(
        "How many requests does TorchServe take, and how many go wrong?",
        "A second, by its own counters and by the analyzers'.",
        "reqps",
        a_second("ts_inference_requests_total", "requests, says TorchServe"),
        a_second("emostream_batch_size_count", "answered, say analyzers"),
        a_second("emostream_model_failures_total", "not answered, say analyzers"),
        runbooks=["ModelErring"],
    )
    yield lines(
        "Why are faces told without an expression?",
        "Faces a second, by the reason: too small, turned away, dark, uncertain. `model_error`: the model refused it.",
        "reqps",
        a_second("emostream_faces_rejected_total", by="reason"),
        stacked=True,
    )
    yield rows(
        "Which model answers?",
        "Faces scored in the last hour, by model and version. Two versions: an update is under way.",
        {"site": "site", "model": "model", "version": "version"},
        Column("faces", "short", f"sum by (site, model, version) (increase(emostream_inferences_total{{{SITE}}}[1h]))"),
        span=12,
    )
    yield lines(
        "How many of the faces are read afresh?",
        "Faces that are found, and faces that are sent to the model: the others are told by what was read before.",
        "reqps",
        a_second("emostream_faces_detected_total", "found"),
        a_second("emostream_inferences_total", "read"),
    )
