"""How long a request says that its body is."""

from __future__ import annotations

from starlette.types import Scope

_LONGEST_LENGTH = 18
"""Digits of a Content-Length that is looked at."""


def declared_length(scope: Scope) -> int | None:
    """What Content-Length says; 0 where there is none, None where it cannot be believed."""
    length: bytes = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if len(length) <= _LONGEST_LENGTH and length.isdigit() else None
