"""Structs in which every field has a value that no other has, so that a field that is left out or mixed up shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from msgspec import UNSET

_DAY = datetime(2026, 1, 1, 12, tzinfo=UTC)


def filled(kind: type, more: Iterator[int] | None = None) -> Any:
    """A Struct of a class; what may be None or left out is there too."""
    more = more or itertools.count(1)
    return kind(**{name: _value(hint, name, more) for name, hint in fields_of(kind).items()})


def fields_of(kind: type) -> dict[str, Any]:
    """The fields of a class and its bases, with their types."""
    return {name: hint for name, hint in get_type_hints(kind).items() if get_origin(hint) is not ClassVar}


def _value(hint: Any, name: str, more: Iterator[int]) -> Any:
    number, args = next(more), get_args(hint)
    if get_origin(hint) is UnionType:
        return _value(next(arg for arg in args if arg is not NoneType), name, more)
    if get_origin(hint) is Literal:
        return args[0]
    if get_origin(hint) is tuple:
        return (_value(args[0], f"{name}-a", more), _value(args[0], f"{name}-b", more))
    if get_origin(hint) is dict:
        return {_value(args[0], f"{name}-key", more): _value(args[1], name, more)}
    simple = {
        "str": f"{name}-{number}",
        "Any": f"{name}-{number}",
        "int": number,
        "bool": True,
        "date": _DAY.date() + timedelta(days=number),
        "datetime": _DAY + timedelta(minutes=number),
    }
    found = simple.get(getattr(hint, "__name__", str(hint)))
    return filled(hint, more) if found is None else found


def plain(value: Any) -> Any:
    """A value as what it holds, whichever class it is written in: private or public."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if type(value).__module__.startswith(("contracts.", "services.")) and not isinstance(value, str):
        held = {name: plain(getattr(value, name)) for name in fields_of(type(value))}
        return {name: item for name, item in held.items() if item is not None and item is not UNSET}
    return value
