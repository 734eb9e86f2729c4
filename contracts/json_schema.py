"""JSON Schemas of messages, made of their Structs. No message is written down twice."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from contracts.message import Published


def schema_of(kind: type[Published]) -> dict[str, Any]:
    """The schema of a message or an envelope, with the parts that it refers to as its `$defs`."""
    made = components(kind, ref_template="#/$defs/{name}")
    own = made.pop(kind.__name__)
    return {"$defs": made, **own} if made else own


def components(*kinds: type[Published], ref_template: str) -> dict[str, dict[str, Any]]:
    """The schemas of these and of all their parts by the names of the classes."""
    _, made = msgspec.json.schema_components(kinds, ref_template=ref_template)
    for schema in made.values():
        schema["description"] = inspect.cleandoc(schema["description"])
        schema["properties"] = {name: _property(name, shape) for name, shape in schema["properties"].items()}
    return {name: _sorted(schema) for name, schema in sorted(made.items())}


def _property(name: str, shape: dict[str, Any]) -> dict[str, Any]:
    """A field as the schemas have always said it: with a title, unless it is a part with a name of its own."""
    refers = any("$ref" in choice for choice in shape.get("anyOf", [shape]))
    if shape == {"type": "object"}:
        shape = {**shape, "additionalProperties": True}
    return shape if refers else {**shape, "title": name.replace("_", " ").title()}


def _sorted(shape: Any, *, names: bool = False) -> Any:
    """Keywords in alphabetical order, properties in that of the fields: the same Struct writes the same text."""
    match shape:
        case dict():
            keys = shape if names else sorted(shape)
            return {key: _sorted(shape[key], names=not names and key == "properties") for key in keys}
        case list():
            return [_sorted(part) for part in shape]
        case _:
            return shape
