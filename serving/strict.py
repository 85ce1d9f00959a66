"""Settings read strictly into frozen dataclasses, and written back as plain values."""

import dataclasses
import math
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from serving.errors import RecipeError

T = TypeVar("T")


def typed(base: T, content: Any, where: str) -> T:
    """`base` with the entries of `content`, each checked against the type of the field it replaces."""
    if not isinstance(content, Mapping):
        raise RecipeError(f"{where}: a mapping is expected")
    hints = get_type_hints(type(base))
    if unknown := sorted(map(str, set(content) - set(hints))):
        raise RecipeError(f"{where}: unknown entry {', '.join(unknown)}")
    values = {key: _fitted(value, hints[key], f"{where}: {key}") for key, value in content.items()}
    return dataclasses.replace(base, **values)  # type: ignore[type-var]


def _fitted(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type `hint` has it: lists become tuples, whole numbers may stand for fractions."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value in arguments:
            return value
        raise RecipeError(f"{where}: {value!r} is none of {', '.join(map(str, arguments))}")
    if origin is UnionType:  # X | None
        return None if value is None else _fitted(value, arguments[0], where)
    if origin is tuple:
        if isinstance(value, list):
            return tuple(_fitted(item, arguments[0], where) for item in value)
    elif hint is float and type(value) is int:
        return float(value)
    elif type(value) is hint:
        return value
    raise RecipeError(f"{where}: {value!r} is not {getattr(origin or hint, '__name__', hint)}")


def plain(value: Any) -> Any:
    """Dataclasses and tuples as dicts and lists: what a checkpoint can hold without code."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{value} is no setting")
    return value
