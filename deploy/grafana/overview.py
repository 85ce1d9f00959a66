"""Overview: whether all is well, in one look."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.grafana.panels import Column, Panel, Query, lines, number, rows

TITLE = "emostream: overview"
DESCRIPTION = "Is all well, and if not, where to look: cameras, frames, objectives, processes."
OBJECTIVES = {"freshness": 0.01, "coverage": 0.02}  # the part that may be missed


def panels() -> Iterator[Panel]:
    yield number(
        "How many alerts stand?",
        "Alerts of Prometheus that are firing, the dead man's switch aside. What each means is in its runbook.",
        "short",
        Query('sum(ALERTS{alertstate="firing", severity!="none", site=~"$site|"}) or vector(0)', "alerts"),
        bad=1,
    )
    yield number(
        "How many cameras are up?",
        "Cameras that give pictures now, as capture sees it.",
        "short",
        Query('sum(max by (site, camera_id) (emostream_camera_up{site=~"$site"}))', "up"),
        good=1,
        runbooks=["CameraDown"],
    )
    yield number(
        "How many cameras are not?",
        "Cameras that are to give pictures and do not, or see nothing of use: dark, covered, moved, out of focus.",
        "short",
        Query(
            'count(max by (site, camera_id) (emostream_camera_up{site=~"$site"}) == 0'
            ' or max by (site, camera_id) (emostream_camera_blind{site=~"$site"}) == 1) or vector(0)',
            "down or blind",
        ),
        bad=1,
        runbooks=["CameraDown", "CameraBlind"],
    )
    yield number(
        "How much of what was promised is observed?",
        "Frames observed over frames promised by the cameras, in the last five minutes. The objective is 98%.",
        "percentunit",
        Query('1 - max(site:emostream_coverage_missed:ratio_rate5m{site=~"$site"})', "coverage"),
        good=0.98,
        runbooks=["CoverageBurnsFast"],
    )
    yield number(
        "How much is observed within 2.5 s?",
        "Frames observed within 2.5 s of their capture over frames captured, in five minutes. The objective is 99%.",
        "percentunit",
        Query('1 - max(site:emostream_freshness_missed:ratio_rate5m{site=~"$site"})', "freshness"),
        good=0.99,
        runbooks=["FreshnessBurnsFast"],
    )
    yield number(
        "How many frames can nobody explain?",
        "Frames that were captured and of which the log tells nothing else. For a moment some may be; never for long.",
        "short",
        Query('sum(max by (site, camera_id) (emostream_log_open_frames{site=~"$site"}))', "frames"),
        bad=1,
        runbooks=["EquationUnbalanced"],
    )
    yield lines(
        "How many frames go through?",
        "Frames a second over five minutes, each once, by what became of them.",
        "reqps",
        Query('site:emostream_frames:rate5m{site=~"$site"}', "{{site}} {{fate}}"),
    )
    yield lines(
        "How long from capture to observation?",
        "Seconds, over all analyzers. Every camera's frames count alike.",
        "s",
        *(
            Query(
                f"histogram_quantile({part}, sum by (le)"
                ' (rate(emostream_end_to_end_latency_seconds_bucket{site=~"$site"}[$__rate_interval])))',
                f"{round(part * 100)} of 100 within",
            )
            for part in (0.5, 0.95, 0.99)
        ),
        runbooks=["FreshnessBurnsFast"],
    )
    yield lines(
        "How far behind is what is known?",
        "From the last that the log has told of the camera that is furthest behind, until now.",
        "s",
        Query('site:emostream_delay_seconds:max{site=~"$site"}', "{{site}}"),
        runbooks=["LagGrowing", "AggregatorStuck"],
    )
    yield lines(
        "Which apparent expressions are told?",
        "Faces a second, over all cameras, by the apparent expression that was told of them. No feelings are measured.",
        "reqps",
        Query('sum by (emotion) (rate(emostream_emotions_total{site=~"$site"}[$__rate_interval]))', "{{emotion}}"),
        stacked=True,
    )
    for objective, allowed in OBJECTIVES.items():
        yield lines(
            f"How much of what {objective} allows is left?",
            f"Of the {allowed:.0%} of frames that may be missed over three days. Below zero the objective is broken.",
            "percentunit",
            Query(f'1 - site:emostream_{objective}_missed:ratio_rate3d{{site=~"$site"}} / {allowed}', "{{site}}"),
            most=1,
            runbooks=[f"{objective.title()}BurnsFast", f"{objective.title()}BurnsSlowly"],
        )
    yield rows(
        "Which processes answer?",
        "Processes that Prometheus knows, and of these the ones that answered its last question, by role.",
        {"site": "site", "role": "role"},
        Column("known", "short", 'count by (site, role) (up{job=~"emostream.*", site=~"$site"})'),
        Column("answer", "short", 'sum by (site, role) (up{job=~"emostream.*", site=~"$site"})'),
        span=12,
        runbooks=["RoleDown", "AnalyzerGone"],
    )
    yield rows(
        "Which versions run?",
        "Processes by role and version. Two versions of one role: an update is under way, or was left half done.",
        {"site": "site", "role": "role", "version": "version"},
        Column("processes", "short", 'count by (site, role, version) (emostream_build_info{site=~"$site"})'),
        span=12,
    )
