"""Another version of the charter of roles comes to govern a running match."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import AcknowledgingSideCode
from contracts.message import CaseMessage, Deadline

_T = "org.caserelay.case."


class CharterChanged(CaseMessage, frozen=True, kw_only=True):
    """Another version governs the tasks of the match; who has not acknowledged it yet is asked to, by the deadlines."""

    TYPE: ClassVar[str] = _T + "charter_changed.v1"
    NAME: ClassVar[str] = "CharterChanged"
    match: str
    charter_version: str
    previous: str
    deadlines: list[Deadline]


class CharterAcknowledged(CaseMessage, frozen=True, kw_only=True):
    """Mentor or coordinator acknowledged the version."""

    TYPE: ClassVar[str] = _T + "charter_acknowledged.v1"
    NAME: ClassVar[str] = "CharterAcknowledged"
    match: str | None = None
    side: AcknowledgingSideCode
    charter_version: str
