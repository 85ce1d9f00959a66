"""Writes the generated pages: `python -m pipeline.docs FOLDER`. A test holds the committed ones equal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline import __version__
from pipeline.messages import KINDS, PICTURES, Kind
from pipeline.metrics import Metrics
from pipeline.settings import (
    AlertSettings,
    CameraSettings,
    KafkaSettings,
    Section,
    Settings,
    WebhookSettings,
    ZoneSettings,
)
from pipeline.topics import (
    ALERTS,
    AUDIT,
    CAMERA_STATUS,
    CAMERAS,
    DEAD_LETTERS,
    EVENTS,
    FRAMES,
    PREVIEWS,
    ROLES,
    ROLLOUTS,
    STATE,
    WINDOWS,
    plan,
)
from serving.server.measures import MEANING

CARRIES = {
    FRAMES: (Kind.FRAME, Kind.LEDGER),
    EVENTS: (Kind.OBSERVATION, Kind.CROWD, Kind.STUB, Kind.LEDGER, Kind.IDLE),
    WINDOWS: (Kind.WINDOW,),
    ALERTS: (Kind.ALERT,),
    CAMERAS: (Kind.CAMERA,),
    CAMERA_STATUS: (Kind.CAMERA_STATUS, Kind.CAMERA_SIGHT),
    DEAD_LETTERS: (Kind.DEAD_LETTER,),
    PREVIEWS: (Kind.PREVIEW,),
    AUDIT: (Kind.AUDIT,),
    ROLES: (Kind.ROLE,),
    ROLLOUTS: (Kind.ROLLOUT, Kind.ROLLOUT_VERDICT),
}
LISTS: dict[str, type[BaseModel]] = {
    "cameras": CameraSettings,
    "zones": ZoneSettings,
    "alerts": AlertSettings,
    "webhooks": WebhookSettings,
}
FRAME_HEADERS = {
    "site": "name of the site",
    "camera": "name of the camera",
    "session": "number that grows with every connection of the camera",
    "seq": "number of the frame within its session, from 0",
    "captured_at": "ISO 8601, UTC",
    "size": "width x height in pixels, such as 640x480",
    "crc": "crc32 of the JPEG bytes, hexadecimal",
    "traceparent": "W3C trace context of the frame",
    "scripted": "what a synthetic camera drew: expressions, comma separated, from left to right",
    "masks": "JSON: polygons that are blacked out, corners as fractions of the picture's width and height",
}


TRACED = {
    Kind.OBSERVATION: "W3C trace context of the frame",
    Kind.STUB: "W3C trace context of the frame",
    Kind.WINDOW: "W3C trace context of one frame that it holds, where the trace of one is kept",
}


def pages() -> dict[str, str]:
    """Every generated page by its path below docs/."""
    result = {"settings.md": settings_page(), "metrics.md": metrics_page(), "schemas/asyncapi.yaml": asyncapi()}
    for kind, model in KINDS.items():
        result[f"schemas/{kind}.json"] = json.dumps(model.model_json_schema(mode="serialization"), indent=2) + "\n"
    return result


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "One YAML file, given with `-c`. Every field can be overridden from the environment: `kafka.bootstrap` is",
        "`EMOSTREAM_KAFKA__BOOTSTRAP`, and the environment wins. Unknown keys are errors.",
        "",
        "Generated from `pipeline/settings` by `make docs`.",
        "",
    ]
    plain = [(n, f) for n, f in Settings.model_fields.items() if _section(f) is None and n not in LISTS]
    lines += _table(plain, "")
    for list_name, model in LISTS.items():
        lines += [f"## {list_name}", "", "A list; each entry:", "", *_table(model.model_fields.items(), "")]
    for section_name, field in Settings.model_fields.items():
        section = _section(field)
        if section is not None:
            lines += [f"## {section_name}", "", *_table(section.model_fields.items(), f"{section_name}.")]
            for name, part in _parts(section):
                whole = f"{section_name}.{name}"
                lines += [f"### {whole}", "", *_table(part.model_fields.items(), f"{whole}.")]
    return "\n".join(lines).rstrip() + "\n"


def metrics_page() -> str:
    lines = [
        "# Metrics",
        "",
        "Every process has its own `/metrics`. Histograms have `_bucket`, `_sum` and `_count`. Labels are few and",
        "bounded: never a track id, a process id or a host name. Generated from `pipeline/metrics.py` by `make docs`.",
        "",
        "| metric | kind | labels | meaning |",
        "|---|---|---|---|",
    ]
    for metric_name, kind, labels, text in metric_rows():
        lines.append(f"| `{metric_name}` | {kind} | {', '.join(labels)} | {text} |")
    lines += [
        "",
        "## The model server",
        "",
        "Histograms of the handler, on TorchServe's own page beside its counters (`emostream up --local` lists it in",
        "the run's folder, `metrics/torchserve.json`). Triton has metrics of its own. Generated from",
        "`serving/server/measures.py`.",
        "",
        "| metric | kind | meaning |",
        "|---|---|---|",
        *(f"| `{name}` | histogram | {text} |" for name, text in MEANING.items()),
    ]
    return "\n".join(lines) + "\n"


def metric_rows() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """(name, kind, labels, meaning) of every metric."""
    metrics = Metrics("docs", CollectorRegistry())
    for value in vars(metrics).values():
        if hasattr(value, "_labelnames"):
            suffix = "_total" if value._type == "counter" else ""
            yield value._name + suffix, value._type, value._labelnames, value._documentation


def asyncapi() -> str:
    """AsyncAPI 3.0 of the topics."""
    kafka = KafkaSettings()  # type: ignore[call-arg]
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for topic, planned in plan(kafka).items():
        if topic == STATE:  # nobody else's
            continue
        refs = {str(kind): {"$ref": f"#/components/messages/{kind}"} for kind in CARRIES[topic]}
        channels[topic] = {
            "address": topic,
            "messages": refs,
            "bindings": {"kafka": {"partitions": planned.partitions, "topicConfiguration": _retention(planned.config)}},
        }
    for kind in Kind:
        if kind in PICTURES:
            payload: dict[str, Any] = {"type": "string", "format": "binary", "description": "JPEG"}
            headers = {key: {"type": "string", "description": text} for key, text in FRAME_HEADERS.items()}
            content = "image/jpeg"
        else:
            payload, content = {"$ref": f"./{kind}.json"}, "application/json"
            headers = {"traceparent": {"type": "string", "description": TRACED[kind]}} if kind in TRACED else {}
        messages[str(kind)] = {
            "name": str(kind),
            "contentType": content,
            "headers": {"type": "object", "properties": {"ce_type": {"const": str(kind)}, **headers}},
            "payload": payload,
        }
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "emostream topics", "version": __version__},
        "channels": channels,
        "components": {"messages": messages},
    }
    return yaml.safe_dump(document, sort_keys=False, width=110)


def _retention(config: dict[str, str]) -> dict[str, int]:
    return {key: int(value) for key, value in config.items() if key in ("retention.ms", "retention.bytes")}


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _parts(section: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The sections that a field of this section may hold, by the field's name."""
    for name, field in section.model_fields.items():
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, Section):
                yield name, kind


def _table(fields: Any, prefix: str) -> list[str]:
    lines = ["| field | default | meaning |", "|---|---|---|"]
    for field_name, field in fields:
        given = None if field.is_required() else field.get_default(call_default_factory=True)
        default = "(required)" if field.is_required() else "see below" if isinstance(given, Section) else f"`{given}`"
        choices = getattr(field.annotation, "__args__", ())
        text = field.description or ", ".join(f"`{choice}`" for choice in choices if isinstance(choice, str))
        lines.append(f"| `{prefix}{field_name}` | {default} | {text} |")
    return [*lines, ""]


def main(folder: Path) -> None:
    for path, text in pages().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
