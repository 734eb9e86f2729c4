"""A body whose faulty members are left out, or filled with something of the right shape: the rest can then be judged.

What stands in says nothing: anyone who looks at the rest leaves out what was `touched`, and all that rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from fastapi import Request

from services.chassis.modelling.decider import Fault

Place = tuple[str | int, ...]
"""The way to a member: names of members and places in lists."""
Json = dict[str, Any]

_TEXTS: Final = (
    "en", "A", "AA", "a", "1", "11", "MON_AM", "00000000-0000-0000-0000-000000000000", "https://example.org/a",
    "a@example.org", "Europe/Brussels", "BE-A",
)  # fmt: skip
_FORMATS: Final = {"date": "2000-01-01", "date-time": "2000-01-01T00:00:00Z"}

LOOKS_ONLY: Final = "caserelay.looks_only"
"""In the scope of a request that is looked at once more: nothing is written for it, whatever it asks."""


def looks_only(request: Request) -> bool:
    """Whether a request is looked at once more, for its other faults."""
    return LOOKS_ONLY in request.scope


class Mended:
    """A body while it is mended; `touched` are the pointers of what does not say any more what its sender wrote."""

    def __init__(self, body: Json, schema: Mapping[str, Any]) -> None:
        """`body` is changed in place; `schema` is the JSON Schema of a sound one."""
        self.body = body
        self.touched: set[str] = set()
        self._schema = schema
        self._left: dict[Place, list[Callable[[], bool]]] = {}

    def mend(self, places: Iterable[Place]) -> bool:
        """Changes the members at some places, or the lack of them, in ways not tried before; False where none is left.

        A place may say more than there is: it counts as far as the body goes.
        """
        found = [self._found(self._without_key(place)) for place in places]
        return all(self._mend(place) for place in dict.fromkeys(found))

    def _without_key(self, place: Place) -> Place:
        # So pydantic names the name of a member: under another one it would say something else.
        if place[-1:] != ("[key]",):
            return place
        self._left.setdefault(place[:-1], [lambda: self._leave_out(place[:-1])])
        return place[:-1]

    def _mend(self, place: Place) -> bool:
        if not place:
            return False
        # What it stands in may have been changed with another place.
        return self._found(place) != place or any(way() for way in iter(lambda: self._next(place), None))

    def knows(self, fault: Fault) -> bool:
        """Whether a fault is one of the body that was sent, and not of what stands in for a part of it."""
        return not any(_meet(place, other) for place in (fault.pointer, *fault.rests_on) for other in self.touched)

    def _next(self, place: Place) -> Callable[[], bool] | None:
        if place not in self._left:
            inside = self._value(place[:-1])
            leave_out, fill = (lambda: self._leave_out(place)), (lambda: self._fill(place))
            if isinstance(inside, list):
                # Left out, all behind it would stand at other places.
                self._left[place] = [fill, lambda: self._leave_out(place[:-1])]
            else:
                self._left[place] = [leave_out, fill] if place[-1] in inside else [fill]
        left = self._left[place]
        return left.pop(0) if left else None

    def _found(self, place: Place) -> Place:
        """The place, as far as the body goes: up to the first member that is not there."""
        value: Any = self.body
        for depth, name in enumerate(place):
            if isinstance(value, list):
                if not isinstance(name, int) or name >= len(value):
                    return place[:depth]
                value = value[name]
            elif isinstance(value, dict):
                if name not in value:
                    return place[: depth + 1]
                value = value[str(name)]
            else:
                return place[:depth]
        return place

    def _value(self, place: Place) -> Any:
        value: Any = self.body
        for name in place:
            value = value[name]
        return value

    def _leave_out(self, place: Place) -> bool:
        if not place or not isinstance(inside := self._value(place[:-1]), dict):
            return False
        inside.pop(str(place[-1]), None)
        self.touched.add(pointer_of(place))
        return True

    def _fill(self, place: Place) -> bool:
        schema = _at(self._schema, self._schema, place)
        filling = _stand_in(schema, self._schema) if schema is not None else None
        if filling is None:
            return False
        self._value(place[:-1])[place[-1]] = filling
        self.touched.add(pointer_of(place))
        return True


def pointer_of(place: Iterable[str | int]) -> str:
    """A place as a JSON Pointer (RFC 6901)."""
    return "".join(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in place)


def place_of(pointer: str, body: Any) -> Place:
    """The way that a JSON Pointer goes in a body, as far as the body has it; one behind it may be missing."""
    place: Place = ()
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        inside = isinstance(body, list) and name.isdigit() and int(name) < len(body)
        place += (int(name),) if inside else (name,)
        body = body[int(name)] if inside else body.get(name) if isinstance(body, dict) else None
    return place


def _meet(place: str, other: str) -> bool:
    return place == other or place.startswith(f"{other}/") or other.startswith(f"{place}/")


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    while True:
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            schema = next(variant for variant in schema["anyOf"] if variant.get("type") != "null")
        else:
            return schema


def _at(schema: Mapping[str, Any], root: Mapping[str, Any], place: Place) -> Mapping[str, Any] | None:
    for name in place:
        schema = _resolved(schema, root)
        if isinstance(name, int):
            inside = schema.get("items")
        else:
            others = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
            inside = schema.get("properties", {}).get(name) or next((other for other in others if other), None)
        if not isinstance(inside, Mapping):
            return None
        schema = inside
    return _resolved(schema, root)


def _stand_in(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """A value that a schema allows; None where none is known."""
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "boolean":
            return True
        case "integer":
            return schema.get("minimum", 0)
        case "array":
            return [_stand_in(schema["items"], root)] * schema.get("minItems", 0)
        case "object":
            return {name: _stand_in(schema["properties"][name], root) for name in schema.get("required", ())}
        case "string":
            return _FORMATS.get(schema.get("format", "")) or next(
                (text for text in _TEXTS if _fits(text, schema)), None
            )
        case _:
            return None


def _fits(text: str, schema: Mapping[str, Any]) -> bool:
    long_enough = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
    return long_enough and re.search(schema.get("pattern", ""), text) is not None
