"""Roles that are refused everywhere: no service gives them anything, and no rule of access may permit them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from contracts.codes import Role


class Bar(NamedTuple):
    """The refusal that callers of a barred role get (403)."""

    code: str
    detail: str


BARRED: Final[Mapping[Role, Bar]] = MappingProxyType(
    {
        Role.AGENCY_CONTROL: Bar(
            "NO_ACCESS_FOR_CONTROL",
            "AGENCY_CONTROL has no access: nothing recorded here serves control or sanctions (GDPR Art. 5(1)(b))",
        )
    }
)
