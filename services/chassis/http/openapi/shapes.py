"""Schemas as generated clients read them best: what may be left out is not required, and nothing is said twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def tidy(document: dict[str, Any]) -> None:
    """Moves every default of a body into words.

    A generator takes a field that has a default for one that is always there: in a request it would have to be sent.
    """
    for schema in document["components"]["schemas"].values():
        _without_defaults(schema)


def _without_defaults(schema: dict[str, Any]) -> None:
    for part in _parts(schema):
        for member in part.get("properties", {}).values():
            if "default" not in member:
                continue
            default = member.pop("default")
            if default not in (None, [], {}):
                sentence = f"Left out: `{json.dumps(default)}`."
                member["description"] = f"{member['description']} {sentence}" if "description" in member else sentence


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    match schema:
        case dict():
            yield schema
            for part in schema.values():
                yield from _parts(part)
        case list():
            for part in schema:
                yield from _parts(part)
        case _:
            pass
