"""Settings read strictly into frozen dataclasses, and written back as plain values."""

import dataclasses
import math
import re
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from serving.errors import RecipeError

T = TypeVar("T")
Bounds = Mapping[str, tuple[float, float]]  # by field: the least and the most


def typed(base: T, content: Any, where: str) -> T:
    """`base` with the entries of `content`, each checked against the type of the field it replaces."""
    if not isinstance(content, Mapping):
        raise RecipeError(f"{where}: a mapping is expected")
    hints = get_type_hints(type(base))
    if unknown := sorted(map(str, set(content) - set(hints))):
        raise RecipeError(f"{where}: unknown entry {', '.join(unknown)}")
    values = {key: _fitted(value, hints[key], f"{where}: {key}") for key, value in content.items()}
    return dataclasses.replace(base, **values)  # type: ignore[type-var]


def check_bounds(value: Any, bounds: Bounds, where: str) -> None:
    """RecipeError: a field of the dataclass `value`, or one of several numbers in it, is out of its bounds."""
    for name, (least, most) in bounds.items():
        found = getattr(value, name)
        for number in found if isinstance(found, tuple) else (found,):
            if number is not None and not least <= number <= most:
                wanted = f"at least {least:g}" if most == math.inf else f"in {least:g}..{most:g}"
                raise RecipeError(f"{where}: {name}: {number} is not {wanted}")


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
            if arguments[-1] is not Ellipsis and len(value) != len(arguments):
                raise RecipeError(f"{where}: {value!r} are not {len(arguments)} values")
            return tuple(_fitted(item, arguments[0], where) for item in value)
    elif hint is float and type(value) in (int, float, str):
        # To YAML 1.1 numbers such as 1e-3 are texts.
        if (type(value) is not str or re.fullmatch(r"[-+]?[0-9]+e[-+]?[0-9]+", value)) and math.isfinite(float(value)):
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
