"""Somebody sees to a term that was missed, or to a pair in distress."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import EscalationCode, LadderLevelCode, NotToldCode, ResolutionCode
from contracts.message import ActorRef, CaseMessage, Deadline, Instant

_T = "org.caserelay.case."


class EscalationRaised(CaseMessage, frozen=True, kw_only=True):
    """Somebody is asked to see to what `awaited` missed, or to what weighs on a pair, by the days in `deadlines`."""

    TYPE: ClassVar[str] = _T + "escalation_raised.v1"
    NAME: ClassVar[str] = "EscalationRaised"
    reason: EscalationCode
    awaited: str
    deadlines: list[Deadline]
    escalation: str | None = None
    """Its id in the case; None in what was told before escalations had ids."""
    level: LadderLevelCode | None = None
    match: str | None = None
    talk_due_at: Instant | None = None
    resolution_due_at: Instant | None = None
    substitutes: list[ActorRef] = []
    """Who stands in for those it goes to and who are away: it goes to both."""
    unreached: str | None = None
    """Of NOT_TOLD: the organisation that could not be told, and since when and why."""
    unreached_since: Instant | None = None
    why_unreached: NotToldCode | None = None


class EscalationJoined(CaseMessage, frozen=True, kw_only=True):
    """A further sign for an open escalation: of distress about its match, or somebody asks again for the same reason.

    `deadlines` are those of the escalation where they are sooner now.
    """

    TYPE: ClassVar[str] = _T + "escalation_joined.v1"
    NAME: ClassVar[str] = "EscalationJoined"
    escalation: str
    reason: EscalationCode
    deadlines: list[Deadline]


class SilenceNoticed(CaseMessage, frozen=True, kw_only=True):
    """Mentor and mentee have not met since then, or at all; the coordinator asks both by the day in `deadlines`."""

    TYPE: ClassVar[str] = _T + "silence_noticed.v1"
    NAME: ClassVar[str] = "SilenceNoticed"
    silent_since: Instant | None
    deadlines: list[Deadline]


class EscalationResolved(CaseMessage, frozen=True, kw_only=True):
    """What was done about it; as long as the term stays missed `deadlines` has the day of the next look."""

    TYPE: ClassVar[str] = _T + "escalation_resolved.v1"
    NAME: ClassVar[str] = "EscalationResolved"
    resolution: ResolutionCode
    deadlines: list[Deadline]
    escalation: str | None = None
