"""JSON Schemas of messages, made of their Structs. No message is written down twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import msgspec

from contracts.message import Published

_ORDER: Final = (
    *("properties", "additionalProperties", "items", "anyOf", "type", "format", "enum"),
    *("required", "default", "title", "description"),
)
"""Of keywords, as FastAPI writes them: the documents that have both are of one style."""


def schema_of(kind: type[Published]) -> dict[str, Any]:
    """The schema of a message or an envelope, with the parts that it refers to as its `$defs`."""
    made = components(kind, ref_template="#/$defs/{name}")
    own = made.pop(kind.__name__)
    schema: dict[str, Any] = _arranged({"$defs": made, **own} if made else own, str)
    return schema


def components(*kinds: type[Published], ref_template: str) -> dict[str, dict[str, Any]]:
    """The schemas of these and of all their parts by the names of the classes."""
    _, made = msgspec.json.schema_components(kinds, ref_template=ref_template)
    for schema in made.values():
        schema["description"] = inspect.cleandoc(schema["description"])
        schema["properties"] = {name: _property(name, shape) for name, shape in schema["properties"].items()}
    return {name: _arranged(schema, _rank) for name, schema in sorted(made.items())}


def _property(name: str, shape: dict[str, Any]) -> dict[str, Any]:
    """A field as the schemas have always said it: with a title, unless it is a part with a name of its own."""
    refers = any("$ref" in choice for choice in shape.get("anyOf", [shape]))
    if shape == {"type": "object"}:
        shape = {**shape, "additionalProperties": True}
    return shape if refers else {**shape, "title": name.replace("_", " ").title()}


def _rank(keyword: str) -> int:
    return _ORDER.index(keyword) if keyword in _ORDER else len(_ORDER)


def _arranged(shape: Any, rank: Callable[[str], Any]) -> Any:
    """The same schema with its keywords in order, and properties in that of the fields."""
    match shape:
        case dict():
            return {
                keyword: {name: _arranged(part, rank) for name, part in shape[keyword].items()}
                if keyword == "properties"
                else _arranged(shape[keyword], rank)
                for keyword in sorted(shape, key=rank)
            }
        case list():
            return [_arranged(part, rank) for part in shape]
        case _:
            return shape
