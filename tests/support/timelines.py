"""Timelines that are read at two moments and compared."""

from __future__ import annotations

from typing import Any


def without_tellings(page: dict[str, Any]) -> dict[str, Any]:
    """A page without who was told: reading a feed is noted some seconds later, so that it may come in between."""
    if "items" not in page:
        return page
    return {**page, "items": [{name: item[name] for name in item if name != "told"} for item in page["items"]]}
