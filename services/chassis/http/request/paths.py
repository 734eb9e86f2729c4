"""Identifiers in paths: read from a segment, and written into one."""

from __future__ import annotations

from urllib.parse import quote

from contracts.fields import identifier
from services.chassis.vault import national_number


def identifier_in(segment: str) -> str:
    """The identifier that a segment of a path is. Raises ValueError."""
    value = identifier(segment.replace("%2F", "/").replace("%25", "%"))
    if national_number.find(value):
        msg = "a national number is not allowed here"
        raise ValueError(msg)
    return value


def path_of(*segments: str) -> str:
    """The path of these segments behind `/v1`, each encoded where it has to be."""
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)
