"""Stages: where frames are, what became of them, and whether the sum is right."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.grafana.panels import CAMERA, FATES, SITE, Panel, Query, a_second, lines, number

TITLE = "emostream: stages"
DESCRIPTION = (
    "captured = observed + dead-lettered + dropped + in flight: whether it holds, and where each term comes from."
)
TERMS = {
    "captured": "log_captured_total",
    "observed": "log_observed_total",
    "dead-lettered": "log_dead_lettered_total",
    "dropped": "log_dropped_total",
}
MEANS = {
    "captured": "Frames that were taken from cameras.",
    "observed": "Of these, frames that became an observation.",
    "dead-lettered": "Of these, frames that could not be used; each has a dead letter that says why.",
    "dropped": "Of these, frames that were dropped at a named place, each for a reason.",
}


def _more(metric: str, span: str, legend: str) -> Query:
    return Query(f"sum(increase(emostream_{metric}{{{CAMERA}}}[{span}]))", legend)


def panels() -> Iterator[Panel]:
    for term, metric in TERMS.items():
        yield number(
            f"How many were {term}?",
            f"{MEANS[term]} In the time shown, each once, by what the log tells.",
            "short",
            _more(metric, "$__range", term),
            runbooks={"dead-lettered": ["DeadLetters"], "dropped": ["FramesDropped"]}.get(term, ()),
        )
    yield number(
        "How many are open?",
        "Of these, frames of which the log tells so far only that they were captured. What is on its way to it is "
        "shown below.",
        "short",
        Query(f"sum(max by (site, camera_id) (emostream_log_open_frames{{{CAMERA}}}))", "open"),
        bad=1,
        runbooks=["EquationUnbalanced"],
    )
    yield number(
        "How many can nobody explain?",
        "Frames of sessions that are over, of which nothing came to the last, in the time shown. It should be none.",
        "short",
        _more("log_unexplained_total", "$__range", "unexplained"),
        bad=0.5,
        runbooks=["EquationUnbalanced"],
    )
    yield lines(
        "Does the equation hold?",
        "Frames in the time that a point stands for: the stack of what became of them reaches the line of those "
        "captured. In flight: how many more are than before; below zero, what was is settled. A gap is an alert.",
        "short",
        *(_more(metric, "$__rate_interval", term) for term, metric in TERMS.items()),
        Query(f"sum(delta(emostream_log_open_frames{{{CAMERA}}}[$__rate_interval]))", "in flight"),
        span=24,
        stacked=True,
        colours=FATES,
        runbooks=["EquationUnbalanced"],
    )
    yield lines(
        "Where are the frames that are in flight?",
        "Each place measured by itself. On topics ledger records are counted, too: one a second and camera.",
        "short",
        Query(f'sum(emostream_inflight_frames{{{SITE}, role="capture"}})', "in capture, not acknowledged"),
        Query(f'sum(emostream_consumer_lag_frames{{{SITE}, role="analyze"}})', "on frames, not read"),
        Query(f'sum(emostream_inflight_frames{{{SITE}, role="analyze"}})', "in analyzers, not written"),
        Query(
            f'sum(max by (site) (emostream_backlog_records{{{SITE}, stage="aggregate"}}))',
            "on emotion-events, not settled",
        ),
        stacked=True,
        runbooks=["LagGrowing"],
    )
    yield lines(
        "Do capture and the log agree?",
        "Frames a second, as capture counts what it takes, and as the log tells of it. Apart for longer: frames wait.",
        "reqps",
        a_second("emostream_frames_captured_total", "captured, says capture", of=CAMERA),
        a_second("emostream_log_captured_total", "captured, says the log", of=CAMERA),
        a_second("emostream_frames_published_total", "taken by Kafka", of=CAMERA),
        a_second("emostream_frames_observed_total", "observed, say analyzers", of=CAMERA),
    )
    yield lines(
        "How long does a stage take?",
        "19 of 20 frames within; in stage classify, requests to the model.",
        "s",
        Query(
            "histogram_quantile(0.95, sum by (stage, le)"
            f" (rate(emostream_stage_duration_seconds_bucket{{{SITE}}}[$__rate_interval])))",
            "{{stage}}",
        ),
        runbooks=["ModelSlow"],
    )
    yield lines(
        "How much work is each stage?",
        "Seconds of work in a second, all analyzers and threads together. What is most is what to make faster.",
        "short",
        a_second("emostream_stage_duration_seconds_sum", by="stage"),
        stacked=True,
    )
    yield lines(
        "What waits for whom?",
        "Records that stand on a topic and that its readers have not committed. The aggregator commits what is "
        "settled: it is always up to ten seconds behind.",
        "short",
        Query(f"max by (site, stage) (emostream_backlog_records{{{SITE}}})", "{{site}} {{stage}}"),
        runbooks=["LagGrowing", "AggregatorStuck"],
    )
    yield lines(
        "What is written to each topic?",
        "Records a second.",
        "wps",
        Query(
            f"max by (site, topic) (rate(emostream_topic_end_offset{{{SITE}}}[$__rate_interval]))", "{{site}} {{topic}}"
        ),
    )
    yield lines(
        "What cannot be used, and why?",
        "Dead letters a second. Each stands on the topic dead-letters.",
        "reqps",
        a_second("emostream_dead_letters_total", by="reason"),
        runbooks=["DeadLetters"],
    )
    yield lines(
        "What is dropped, and why?",
        "Frames a second, by the log.",
        "reqps",
        a_second("emostream_log_dropped_total", of=CAMERA, by="reason"),
        runbooks=["FramesDropped", "FramesExpired"],
    )
    yield lines(
        "How many windows are told?",
        "A second. `final`: whether for the last time; the others are first tellings and revisions.",
        "reqps",
        a_second("emostream_windows_emitted_total", "final: {{final}}", by="final"),
        runbooks=["AggregatorStuck"],
    )
    yield lines(
        "What came too late, and which alerts were raised?",
        "In an hour. Frames that no window counts any more; alerts about rooms, of all rules, as consumers get them.",
        "short",
        Query(f"sum(increase(emostream_late_events_total{{{SITE}}}[1h]))", "frames too late"),
        Query(
            f"sum(increase(emostream_alerts_total{{{SITE}}}[1h])) or 0 * sum(emostream_late_events_total{{{SITE}}})",
            "alerts raised",
        ),
        runbooks=["LateEvents"],
    )
    yield lines(
        "Do webhooks get through?",
        "Attempts in ten minutes, by what came of them. Nothing: no webhook is in the settings.",
        "short",
        Query(f"sum by (reason) (increase(emostream_webhook_posts_total{{{SITE}}}[10m]))", "{{reason}}"),
        runbooks=["WebhooksFailing"],
    )
    yield lines(
        "Do the clocks agree?",
        "Each process's clock less Kafka's, as signs of life tell: what differs is the machine that it runs on. ±: by "
        "how much the true one may differ.",
        "s",
        Query(f"max by (role, instance) (emostream_clock_offset_seconds{{{SITE}}})", "{{role}} {{instance}}"),
        Query(
            f"max by (role, instance) (emostream_clock_offset_uncertainty_seconds{{{SITE}}})",
            "{{role}} {{instance}} ±",
        ),
        runbooks=["ClockOffset", "ClocksBeyondGrace"],
    )
    yield lines(
        "Does Kafka answer everybody?",
        "Signs of life that Kafka took, in a minute, by process: twelve.",
        "short",
        Query(f"60 * rate(emostream_kafka_answers_total{{{SITE}}}[2m])", "{{role}} {{instance}}"),
        span=24,
        runbooks=["KafkaUnreachable"],
    )
