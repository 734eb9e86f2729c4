"""The other side sees to a term that was missed."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import EscalationCode, ResolutionCode
from contracts.message import CaseMessage, Deadline

_T = "org.caserelay.case."


class EscalationRaised(CaseMessage, frozen=True, kw_only=True):
    """The side that was not awaited is asked to see to what `awaited` missed, by the day in `deadlines`."""

    TYPE: ClassVar[str] = _T + "escalation_raised.v1"
    NAME: ClassVar[str] = "EscalationRaised"
    reason: EscalationCode
    awaited: str
    deadlines: list[Deadline]


class EscalationResolved(CaseMessage, frozen=True, kw_only=True):
    """What was done about it; as long as the term stays missed `deadlines` has the day of the next look."""

    TYPE: ClassVar[str] = _T + "escalation_resolved.v1"
    NAME: ClassVar[str] = "EscalationResolved"
    resolution: ResolutionCode
    deadlines: list[Deadline]
