"""Protobuf messages described in code: no compiler at build time, no generated modules bound to one release of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

Type = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": Type.TYPE_STRING,
    "bytes": Type.TYPE_BYTES,
    "int64": Type.TYPE_INT64,
    "uint32": Type.TYPE_UINT32,
    "float": Type.TYPE_FLOAT,
}


@dataclass(frozen=True, slots=True)
class Field:
    """`kind`: one of SCALARS or the name of a message of the same package. `keyed`: a map from strings to it."""

    number: int
    kind: str
    repeated: bool = False
    keyed: bool = False


Messages = Mapping[str, Mapping[str, Field]]
"""Message -> field -> what it is."""


def build(package: str, messages: Messages) -> dict[str, type[Message]]:
    """The messages' classes, by name."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        _describe(file.message_type.add(name=name), f".{package}", fields)
    pool = descriptor_pool.DescriptorPool()  # of its own: others may describe the same package in full
    pool.Add(file)  # type: ignore[no-untyped-call]
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))  # type: ignore[no-untyped-call]
        for name in messages
    }


def _describe(message: Any, package: str, fields: Mapping[str, Field]) -> None:
    for name, field in fields.items():
        kind = field.kind
        if field.keyed:
            entry = message.nested_type.add(name=_entry(name))
            entry.options.map_entry = True
            _add(entry, package, "key", Field(1, "string"))
            _add(entry, package, "value", Field(2, kind))
            kind = f"{message.name}.{_entry(name)}"
        _add(message, package, name, Field(field.number, kind, field.repeated or field.keyed))


def _add(message: Any, package: str, name: str, field: Field) -> None:
    label = Type.LABEL_REPEATED if field.repeated else Type.LABEL_OPTIONAL
    if field.kind in SCALARS:
        message.field.add(name=name, number=field.number, label=label, type=SCALARS[field.kind])
    else:
        kind = f"{package}.{field.kind}"
        message.field.add(name=name, number=field.number, label=label, type=Type.TYPE_MESSAGE, type_name=kind)


def _entry(name: str) -> str:
    """What protobuf calls the entries of a map field."""
    return "".join(part.capitalize() for part in name.split("_")) + "Entry"
