"""JSON merge patches (RFC 7396)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(target: Any, patch: Any) -> Any:
    """What the patch makes of the target; neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    merged_object = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged_object.pop(name, None)
        else:
            merged_object[name] = merged(merged_object.get(name), value)
    return merged_object
