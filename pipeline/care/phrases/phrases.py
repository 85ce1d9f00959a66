"""What a language has words for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.care.day import Part
from pipeline.care.timeline import Shows, Why
from pipeline.care.usual import Measure
from pipeline.messages import ClearedBy


@dataclass(frozen=True)
class Phrases:
    """Templates name in {braces} what is put into them; a pair is for one and for more than one.

    `adjectives`: apparent expressions inside a sentence; `rows`: the same as names of rows. `finding`: by measure, and
    whether it is more than usual.
    """

    # head
    report: str  # {place}
    head: str  # {site}, {zone}
    so_far: str  # {time}
    # the paragraph
    read: str  # {time}
    expression: str  # {list}
    mostly: str  # {label}, {share}
    most_often: str
    also: str  # {label}, {share}
    then: str  # {first}, {others}
    nothing_read: str
    nobody: str  # {time}
    withheld: str  # {time}
    finding: Mapping[tuple[Measure, bool], str]  # {part}, {label}, {value}, {usual}
    parts: Mapping[Part | None, str]
    nothing_stands_out: str  # {days}
    usual_unknown: str
    too_little: str
    no_alert: str
    one_alert: str  # {alert}, {handled}
    handled: str  # {who}, {time}
    not_handled: str
    no_data: str  # title of the rule that is built in
    alert_at: str  # {title}, {time}
    alerts: str  # {count}, {list}, {handled}
    all_handled: str
    none_handled: str
    some_not_handled: tuple[str, str]  # {count}
    still_stand: tuple[str, str]  # {count}
    all_seen: str
    seen: str  # {seen}, {total}, {share}
    not_seen: str  # {time}, {reasons}
    unknown_then: str
    # the chart
    adjectives: Mapping[str, str]
    rows: Mapping[str, str]
    chart: str
    alerts_row: str
    expressions_heading: str
    day_column: str
    usual_column: str
    coverage_heading: str
    shows_heading: str
    shows: Mapping[Shows, str]
    why: Mapping[Why, str]
    details: Mapping[str, str]  # reasons as records name them
    paused_by: str  # {who}
    clock_change: str  # {hours}
    # the lists
    alerts_heading: str
    more_alerts: tuple[str, str]  # {count}
    severities: Mapping[str, str]
    of: str  # {where}
    known_then: str  # {reason}
    seen_then: str  # {share}
    revised: tuple[str, str]  # {count}
    acknowledged: str  # {who}, {time}
    not_acknowledged: str
    silenced: str  # {who}
    cleared: Mapping[ClearedBy | None, str]  # {time}
    stands: str
    quiet_heading: str
    quiet: Mapping[Shows, str]
    no_quiet: str
    missing_heading: str
    no_missing: str
    shorter: str  # {time}
    deeds_heading: str
    actions: Mapping[str, str]
    # the foot
    notes: tuple[str, ...]
    usual_note: str  # {days}
    provisional: str  # {time}
    made: str  # {time}, {version}
