"""Model serving: how faces get to the model, how long it takes, what it refuses."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.grafana.panels import Column, Panel, Query, lines, number, rows

TITLE = "emostream: model serving"
DESCRIPTION = "How faces get to the model, how long it takes, what it refuses."
SITE = 'site=~"$site"'
PARTS = (0.5, 0.95)


def _within(histogram: str) -> list[Query]:
    rate = f"sum by (le) (rate({histogram}_bucket{{{SITE}}}[$__rate_interval]))"
    return [Query(f"histogram_quantile({part}, {rate})", f"{round(part * 100)} of 100 within") for part in PARTS]


def _mean(histogram: str, legend: str) -> Query:
    parts = (f"sum(rate({histogram}_{each}{{{SITE}}}[$__rate_interval]))" for each in ("sum", "count"))
    over, under = parts
    return Query(f"{over} / ({under} > 0)", legend)


def panels() -> Iterator[Panel]:
    yield number(
        "How many faces are read?",
        "Faces a second that the model scores.",
        "reqps",
        Query(f"sum(rate(emostream_inferences_total{{{SITE}}}[$__rate_interval]))", "faces"),
        span=6,
        runbooks=["ModelSilent"],
    )
    yield number(
        "How busy is the model?",
        "Seconds in the model in a second, all workers together. Near their number nothing more goes through.",
        "short",
        Query(f"sum(rate(emostream_model_inference_seconds_sum{{{SITE}}}[$__rate_interval]))", "busy"),
        span=6,
        runbooks=["ModelSlow"],
    )
    yield number(
        "How many faces go through it together?",
        "Crops of one batch, on average. One at a time is a quarter of what the model can do.",
        "short",
        _mean("emostream_model_batch_crops", "crops"),
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
        *(
            Query(
                f"histogram_quantile({part}, sum by (le) (rate("
                f'emostream_stage_duration_seconds_bucket{{{SITE}, stage="classify"}}[$__rate_interval])))',
                f"{round(part * 100)} of 100 within",
            )
            for part in (*PARTS, 0.99)
        ),
        runbooks=["ModelSlow"],
    )
    yield lines(
        "How long does a request wait for the model?",
        "From the client's sending to the handler's taking it up: the way there, TorchServe's queue, and by how much "
        "the clocks differ.",
        "s",
        *_within("emostream_model_queue_seconds"),
        runbooks=["ModelSlow"],
    )
    yield lines(
        "How long does the model take for a batch?",
        "From crops to probabilities.",
        "s",
        *_within("emostream_model_inference_seconds"),
        runbooks=["ModelSlow"],
    )
    yield lines(
        "How large are batches?",
        "On average: crops that an analyzer sends in a request, requests that TorchServe puts together, crops that go "
        "through the model.",
        "short",
        _mean("emostream_batch_size", "crops in a request"),
        _mean("emostream_model_batch_requests", "requests in a batch"),
        _mean("emostream_model_batch_crops", "crops in a batch"),
    )
    yield lines(
        "How many requests does TorchServe take, and how many go wrong?",
        "A second, by its own counters and by the analyzers'.",
        "reqps",
        Query(f"sum(rate(ts_inference_requests_total{{{SITE}}}[$__rate_interval]))", "requests, says TorchServe"),
        Query(f"sum(rate(emostream_batch_size_count{{{SITE}}}[$__rate_interval]))", "answered, say analyzers"),
        Query(f"sum(rate(emostream_model_failures_total{{{SITE}}}[$__rate_interval]))", "not answered, say analyzers"),
        runbooks=["ModelErring"],
    )
    yield lines(
        "Why are faces told without an expression?",
        "Faces a second, by the reason: too small, turned away, dark, uncertain. `model_error`: the model refused it.",
        "reqps",
        Query(
            f"sum by (reason) (rate(emostream_faces_rejected_total{{{SITE}}}[$__rate_interval])) or vector(0)",
            "{{reason}}",
        ),
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
        Query(f"sum(rate(emostream_faces_detected_total{{{SITE}}}[$__rate_interval]))", "found"),
        Query(f"sum(rate(emostream_inferences_total{{{SITE}}}[$__rate_interval]))", "read"),
    )
