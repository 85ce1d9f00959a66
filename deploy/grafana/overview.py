"""Overview: whether all is well, in one look."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.grafana.panels import SITE, Column, Panel, Query, a_second, lines, number, rows, within

TITLE = "emostream: overview"
DESCRIPTION = "Is all well, and if not, where to look: cameras, frames, objectives, processes."
UP = f"max by (site, camera_id) (emostream_camera_up{{{SITE}}})"
BLIND = f"max by (site, camera_id) (emostream_camera_blind{{{SITE}}})"
EACH = f'up{{job=~"emostream.*", {SITE}}}'
OBJECTIVES = {  # the part that may be missed, and what asks for it
    "coverage": (0.02, "How much of what was promised is observed?", "Frames observed over frames promised by cameras"),
    "freshness": (
        0.01,
        "How much is observed within 2.5 s?",
        "Frames observed within 2.5 s of their capture over frames captured",
    ),
}


def panels() -> Iterator[Panel]:
    yield number(
        "How many alerts stand?",
        "Alerts of Prometheus that are firing, the dead man's switch aside. What each means is in its runbook.",
        "short",
        Query('count(ALERTS{alertstate="firing", severity!="none", site=~"$site|"}) or vector(0)', "alerts"),
        bad=1,
    )
    yield number(
        "How many cameras are up?",
        "Cameras that give pictures now, as capture sees it.",
        "short",
        Query(f"sum({UP})", "up"),
        good=1,
        runbooks=["CameraDown"],
    )
    yield number(
        "How many cameras are not?",
        "Cameras that are to give pictures and do not, or see nothing of use: dark, covered, moved, out of focus.",
        "short",
        Query(f"count({UP} == 0 or {BLIND} == 1 and {UP}) or 0 * count({UP})", "down or blind"),
        bad=1,
        runbooks=["CameraDown", "CameraBlind"],
    )
    for objective, (allowed, question, what) in OBJECTIVES.items():
        yield number(
            question,
            f"{what}, in five minutes, of the site that is worst. The objective is {1 - allowed:.0%}.",
            "percentunit",
            Query(f"1 - max(site:emostream_{objective}_missed:ratio_rate5m{{{SITE}}})", objective),
            good=1 - allowed,
            runbooks=[f"{objective.title()}BurnsFast"],
        )
    yield number(
        "How many frames can nobody explain?",
        "Frames that were captured and of which the log tells nothing else, now, or in the last hour to the last of "
        "their session. For a moment some may be; never for long.",
        "short",
        Query(
            f"sum(max by (site, camera_id) (emostream_log_open_frames{{{SITE}}}))"
            f" + sum(increase(emostream_log_unexplained_total{{{SITE}}}[1h]))",
            "frames",
        ),
        bad=1,
        runbooks=["EquationUnbalanced"],
    )
    yield lines(
        "How many frames go through?",
        "Frames a second over five minutes, each once, by what became of them.",
        "reqps",
        Query(f"site:emostream_frames:rate5m{{{SITE}}}", "{{site}} {{fate}}"),
    )
    yield lines(
        "How long from capture to observation?",
        "Seconds, over all analyzers. Every camera's frames count alike.",
        "s",
        *within("emostream_end_to_end_latency_seconds", 0.5, 0.95, 0.99),
        runbooks=["FreshnessBurnsFast"],
    )
    yield lines(
        "How far behind is what is known?",
        "From the last that the log has told of the camera that is furthest behind, until now.",
        "s",
        Query(f"site:emostream_delay_seconds:max{{{SITE}}}", "{{site}}"),
        runbooks=["LagGrowing", "AggregatorStuck"],
    )
    yield lines(
        "Which apparent expressions are told?",
        "Faces a second, over all cameras, by the apparent expression that was told of them. No feelings are measured.",
        "reqps",
        a_second("emostream_emotions_total", by="emotion"),
        stacked=True,
    )
    for objective, (allowed, _, _) in OBJECTIVES.items():
        yield lines(
            f"How much of what {objective} allows is left?",
            f"Of the {allowed:.0%} of frames that may be missed, over three days. Below zero the objective is broken.",
            "percentunit",
            Query(f"1 - site:emostream_{objective}_missed:ratio_rate3d{{{SITE}}} / {allowed}", "{{site}}"),
            most=1,
            runbooks=[f"{objective.title()}BurnsFast", f"{objective.title()}BurnsSlowly"],
        )
    yield rows(
        "Which processes answer?",
        "Processes that Prometheus knows, and of these the ones that answered its last question, by role.",
        {"site": "site", "role": "role"},
        Column("known", "short", f"count by (site, role) ({EACH})"),
        Column("answer", "short", f"sum by (site, role) ({EACH})"),
        span=12,
        runbooks=["RoleDown", "AnalyzerGone"],
    )
    yield rows(
        "Which versions run?",
        "Processes by role and version. Two versions of one role: an update is under way, or was left half done.",
        {"site": "site", "role": "role", "version": "version"},
        Column("processes", "short", f"count by (site, role, version) (emostream_build_info{{{SITE}}})"),
        span=12,
    )
