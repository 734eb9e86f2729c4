"""The members of plain data, whichever of its two forms a class has: Struct or dataclass."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache

from msgspec import Struct


def members(kind: type) -> tuple[str, ...] | None:
    """The names of its members as they are stored and can be read from it; None for anything that is no plain data."""
    return _members(kind)


@cache
def _members(kind: type) -> tuple[str, ...] | None:
    if issubclass(kind, Struct):
        return kind.__struct_encode_fields__
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None
