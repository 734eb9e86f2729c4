"""The parties of a case: persons who act in a role for an organisation."""

from __future__ import annotations

from msgspec import Struct


class Party(Struct, frozen=True, kw_only=True):
    """A named person in a role for an organisation; `sub` is the organisation's own staff identifier."""

    role: str
    org: str
    sub: str
