"""Capacity: what it takes, what is left, when more is needed."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.grafana.panels import SITE, Panel, Query, a_second, lines, number

TITLE = "emostream: capacity"
DESCRIPTION = "What the load is, what it takes of processors, memory and disks, and when more of them is needed."
EACH = f'job=~"emostream.*", {SITE}'


def panels() -> Iterator[Panel]:
    yield number(
        "How many frames a second are read?",
        "By all analyzers, in five minutes.",
        "reqps",
        Query(f"sum(rate(emostream_frames_observed_total{{{SITE}}}[5m]))", "frames"),
        span=6,
    )
    yield number(
        "How much of the way to deletion do frames wait?",
        "The wait of what was captured first and is not known yet, over the time that frames are kept. At 100% they "
        "are lost.",
        "percentunit",
        Query(
            f"max(site:emostream_delay_seconds:max{{{SITE}}}"
            f" / on (site) max by (site) (emostream_frames_retention_seconds{{{SITE}}}))",
            "waited",
        ),
        span=6,
        bad=0.5,
        runbooks=["FramesNearExpiry"],
    )
    yield number(
        "How much of Kafka's disk is free?",
        "On the broker that has least.",
        "percentunit",
        Query(f"min(emostream_kafka_disk_free_bytes{{{SITE}}} / emostream_kafka_disk_size_bytes{{{SITE}}})", "free"),
        span=6,
        good=0.1,
        runbooks=["KafkaDiskFull"],
    )
    yield number(
        "How much will be free in a day?",
        "If it goes on as in the last hour. Below zero: the disk will be full.",
        "bytes",
        Query(f"min(predict_linear(emostream_kafka_disk_free_bytes{{{SITE}}}[1h], 86400))", "free"),
        span=6,
        good=0,
        runbooks=["KafkaDiskFull"],
    )
    yield lines(
        "How many frames does each analyzer read?",
        "A second. One that reads much more than the others has the busy partitions.",
        "reqps",
        a_second("emostream_frames_observed_total", by="instance"),
        runbooks=["LagGrowing"],
    )
    yield lines(
        "How much of each second is an analyzer at work?",
        "Decoding, detecting, cutting out: seconds in a second, all threads of an analyzer together "
        "(`analyze.threads`). Near their number it reads no faster.",
        "short",
        a_second("emostream_stage_duration_seconds_sum", of=f'{SITE}, stage=~"decode|detect|crop"', by="instance"),
        runbooks=["LagGrowing"],
    )
    yield lines(
        "How much processor does each role take?",
        "Cores. What the cameras' own processes take to decode their streams is not in it, nor the model server.",
        "short",
        a_second("process_cpu_seconds_total", of=EACH, by="role"),
        stacked=True,
    )
    yield lines(
        "How much memory does each process take?",
        "Resident. One that only ever grows leaks.",
        "bytes",
        Query(f"max by (role, instance) (process_resident_memory_bytes{{{EACH}}})", "{{role}} {{instance}}"),
    )
    yield lines(
        "How much is held in memory of frames?",
        "Bytes in flight, by role. Bounded by `capture.buffer_mebibytes` and, for each analyzer, "
        "`analyze.inflight_mebibytes`.",
        "bytes",
        Query(f"sum by (role) (emostream_inflight_bytes{{{SITE}}})", "{{role}}"),
        runbooks=["FramesDropped"],
    )
    yield lines(
        "How much disk does each topic take?",
        "Bytes on all brokers.",
        "bytes",
        Query(f"max by (site, topic) (emostream_topic_bytes{{{SITE}}})", "{{site}} {{topic}}"),
        stacked=True,
        runbooks=["KafkaDiskFull"],
    )
    yield lines(
        "How many records does each topic keep?",
        "Written, and not deleted yet.",
        "short",
        Query(
            f"max by (site, topic) (emostream_topic_end_offset{{{SITE}}} - emostream_topic_start_offset{{{SITE}}})",
            "{{site}} {{topic}}",
        ),
    )
    yield lines(
        "How large is a frame?",
        "Bytes on disk over records, of what `frames` keeps, ledger records included.",
        "bytes",
        Query(
            f'max by (site) (emostream_topic_bytes{{{SITE}, topic="frames"}})'
            f' / (max by (site) (emostream_topic_end_offset{{{SITE}, topic="frames"}}'
            f' - emostream_topic_start_offset{{{SITE}, topic="frames"}}) > 0)',
            "{{site}}",
        ),
    )
