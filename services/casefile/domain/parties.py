"""The parties of a case: persons who act in a role for an organisation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A named person in a role for an organisation; `sub` is the organisation's own staff identifier."""

    role: str
    org: str
    sub: str
