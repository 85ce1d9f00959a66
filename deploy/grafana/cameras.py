"""Cameras: which gives what, and since when not."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.grafana.panels import BAD, CAMERA, GOOD, Column, Panel, Query, a_second, lines, rows, states

TITLE = "emostream: cameras"
DESCRIPTION = "Which camera gives what, since when one does not, and why."
BY = "by (site, camera_id)"
UP = f"max {BY} (emostream_camera_up{{{CAMERA}}})"
AGE = f"clamp_min(time() - max {BY} (emostream_camera_last_frame_timestamp_seconds{{{CAMERA}}}), 0)"
COVERAGE = f"max {BY} (camera:emostream_coverage:ratio_rate5m{{{CAMERA}}})"
AGAIN = f"sum {BY} (increase(emostream_camera_reconnects_total{{{CAMERA}}}[1h]))"
NAMED = "{{site}} {{camera_id}}"


def panels() -> Iterator[Panel]:
    yield rows(
        "What is each camera doing?",
        "Now: up (1) or not (0), frames a second, seconds since its last frame, the part of the promised frames that "
        "was observed in five minutes, connections after the first in an hour.",
        {"site": "site", "camera_id": "camera"},
        Column("up", "short", UP),
        Column("frames/s", "short", f"sum {BY} (rate(emostream_frames_captured_total{{{CAMERA}}}[1m]))"),
        Column("since last frame", "s", AGE),
        Column("coverage", "percentunit", COVERAGE),
        Column("connected again", "short", AGAIN),
        runbooks=["CameraDown", "CameraSilent", "CoverageLow"],
    )
    yield states(
        "When was which camera up?",
        "As capture sees it. A camera that was removed, paused, or came to its end has no state.",
        Query(UP, NAMED),
        {"1": ("up", GOOD), "0": ("down", BAD)},
        span=12,
        runbooks=["CameraDown", "CameraFlapping"],
    )
    yield states(
        "When did which camera see nothing, and why?",
        "Frames arrive and can be read, but are dark, over-exposed, covered, frozen, moved or out of focus. Empty: "
        "none did.",
        Query(
            f"max by (site, camera_id, reason) (emostream_camera_blind{{{CAMERA}}}) and on (site, camera_id) {UP} == 1",
            "{{site}} {{camera_id}} {{reason}}",
        ),
        {"1": ("sees nothing", BAD), "0": ("sees", GOOD)},
        span=12,
        runbooks=["CameraBlind"],
    )
    yield lines(
        "How many frames a second does each give?",
        "As captured, before anything is dropped.",
        "reqps",
        a_second("emostream_frames_captured_total", of=CAMERA, by="site, camera_id"),
        runbooks=["CameraSilent"],
    )
    yield lines(
        "How much of what each promised is observed?",
        "Frames observed over those that the camera's rate promised, in five minutes, by the log. A camera that is "
        "down promises on.",
        "percentunit",
        Query(COVERAGE, NAMED),
        most=1,
        runbooks=["CoverageLow"],
    )
    yield lines(
        "How much did the last window of each see?",
        "Coverage as it is told to consumers, in the camera's last window of the first kind in the settings.",
        "percentunit",
        Query(f"min {BY} (emostream_window_coverage_ratio{{{CAMERA}}})", NAMED),
        most=1,
        runbooks=["CoverageLow"],
    )
    yield lines(
        "How old is the last frame of each?",
        "Since the last frame that was captured.",
        "s",
        Query(AGE, NAMED),
        runbooks=["CameraSilent", "CameraDown"],
    )
    yield lines(
        "How far behind is what is known of each?",
        "Since the last that the log has told of the camera: how far analysis and aggregation are behind it.",
        "s",
        Query(f"time() - max {BY} (emostream_watermark_timestamp_seconds{{{CAMERA}}})", NAMED),
        runbooks=["LagGrowing", "AggregatorStuck"],
    )
    yield lines(
        "What is dropped, and why?",
        "Frames a second that were captured and are lost, by the log: each once.",
        "reqps",
        a_second("emostream_log_dropped_total", of=CAMERA, by="site, camera_id, reason"),
        runbooks=["FramesDropped", "FramesExpired"],
    )
    yield lines(
        "How many faces are in a picture?",
        "Faces found in a frame, on average. None for long in a room that is in use: see whether the camera still "
        "looks where it should.",
        "short",
        Query(
            f"sum {BY} (rate(emostream_faces_detected_total{{{CAMERA}}}[$__rate_interval]))"
            f" / (sum {BY} (rate(emostream_frames_observed_total{{{CAMERA}}}[$__rate_interval])) > 0)",
            NAMED,
        ),
    )
    yield lines(
        "How often did each connect again?",
        "Connections after the first, in an hour. Each costs some seconds of what happened.",
        "short",
        Query(AGAIN, NAMED),
        runbooks=["CameraFlapping"],
    )
