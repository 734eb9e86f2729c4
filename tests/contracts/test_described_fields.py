"""What the description of a message, an answer or a body says of its fields is said of fields that it has."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Final, get_args, get_type_hints

import msgspec
import pytest
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

import contracts
import services

_NAMED: Final = re.compile(r"`([a-z][A-Za-z0-9_]*)`")
"""A field as descriptions name it. What has a dot or a capital in front is a module, a class or a code."""
_ELSEWHERE: Final = {"CorrectBody": {"waitlist"}, "WorklistItem": {"withdraw"}, "ProgrammeVersionBody": {"versions"}}
"""Two commands that are called so, and the field of the programme that has the versions."""


def modules() -> Iterator[ModuleType]:
    """All of contracts, and what the services answer and are sent."""
    for package in (contracts, services):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if package is contracts or ".routes." in found.name:
                yield importlib.import_module(found.name)


def described() -> list[type]:
    """Every class of them that is a message, an answer or a body, or a part of one."""
    found = {
        kind
        for module in modules()
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, BaseModel | msgspec.Struct)
        and kind.__module__ == module.__name__
    }
    return sorted(found, key=lambda kind: f"{kind.__module__}.{kind.__name__}")


def fields_of(kind: type, seen: set[type] | None = None) -> set[str]:
    """The fields of a class and of its parts, as Python and as JSON have them."""
    seen = {kind} if seen is None else seen | {kind}
    names = set()
    for name, annotation in get_type_hints(kind).items():
        field = kind.model_fields.get(name) if issubclass(kind, BaseModel) else None
        names |= {name, to_camel(name), field.alias or name if field is not None else name}
        for part in parts(annotation):
            if part not in seen:
                names |= fields_of(part, seen)
    return names


def parts(annotation: object) -> Iterator[type]:
    """The classes with fields that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel | msgspec.Struct):
        yield annotation
    for argument in get_args(annotation):
        yield from parts(argument)


def unknown(kind: type) -> set[str]:
    """What the description names as a field, and the class has not."""
    return (
        set(_NAMED.findall(inspect.cleandoc(vars(kind).get("__doc__") or "")))
        - fields_of(kind)
        - _ELSEWHERE.get(kind.__name__, set())
    )


@pytest.mark.parametrize("kind", described(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_description_names_no_field_that_is_not_there(kind: type) -> None:
    """Descriptions become those of schemas: a reader who looks for the field must find it."""
    assert unknown(kind) == set()


def test_a_field_that_is_gone_would_be_found() -> None:
    """The rule sees what a description says, and the fields of parts count as the class's own."""

    class Part(msgspec.Struct):
        due_at: str

    class Answer(BaseModel):
        """`lacks` is gone; `places`, `dueAt` and `due_at` are there, and `contracts.codes.Role` is no field."""

        places: list[int]
        part: Part | None = None

        model_config = {"arbitrary_types_allowed": True}

    Answer.__annotations__ = {"places": list[int], "part": Part | None}
    assert unknown(Answer) == {"lacks"}
