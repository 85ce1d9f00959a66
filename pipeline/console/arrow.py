"""Records as rows of a table: the columns are those of the message, nested as it is. Needs pyarrow."""

from __future__ import annotations

import json
import types
import typing
from datetime import datetime
from enum import Enum
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from pipeline.messages import Record

SIMPLE = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
PLACE = (pa.field("kafka_partition", pa.int32()), pa.field("kafka_offset", pa.int64()))
"""Where the record stood: of two with one `event_id`, the one with the lower offset counts."""

FREE = frozenset({"before", "after"})
"""Fields of any form, of audit records: they are written as JSON."""


def schema_of(kind: type[Record]) -> pa.Schema:
    return pa.schema([*PLACE, *_fields(kind)])


def row_of(record: Record, partition: int, offset: int) -> dict[str, Any]:
    row = {"kafka_partition": partition, "kafka_offset": offset, **record.model_dump()}
    return {name: _as_text(value) if name in FREE else value for name, value in row.items()}


def _as_text(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _fields(model: type[BaseModel]) -> list[pa.Field]:
    return [pa.field(name, _type(field.annotation)) for name, field in model.model_fields.items()]


def _type(annotation: Any) -> pa.DataType:
    """Every column may be null: what a later release adds is null in older records."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(inner[0])
    if origin in (typing.Union, types.UnionType):
        return _type(next(each for each in inner if each is not types.NoneType))
    if origin is typing.Literal:
        return SIMPLE[type(inner[0])]
    if origin in (list, tuple):
        return pa.list_(_type(inner[0]))
    if origin is dict:
        return pa.string() if inner[1] is Any else pa.map_(pa.string(), _type(inner[1]))
    if issubclass(annotation, BaseModel):
        return pa.struct(_fields(annotation))
    if issubclass(annotation, datetime):
        return pa.timestamp("us", "UTC")
    return pa.string() if issubclass(annotation, Enum) else SIMPLE[annotation]
