"""What falls due: reminders, missed terms, and what ends with its term."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import LadderLevelCode, StepCode
from contracts.message import ActorRef, CaseMessage, Deadline, Instant, LevelDue, Receiver

_T = "org.caserelay.case."


class NgoAccessExpired(CaseMessage, frozen=True, kw_only=True):
    """The organisation's access to the case ended with its term."""

    TYPE: ClassVar[str] = _T + "ngo_access_expired.v1"
    NAME: ClassVar[str] = "NgoAccessExpired"
    referral: str
    organisation: str


class CaseFinalised(CaseMessage, frozen=True, kw_only=True):
    """Every follow-up is recorded or waived; the case takes corrections, and an offer that crossed the closing."""

    TYPE: ClassVar[str] = _T + "finalised.v1"
    NAME: ClassVar[str] = "CaseFinalised"


class DeadlineReminded(CaseMessage, frozen=True, kw_only=True):
    """80 % of a term has passed; `awaited` is the organisation that is reminded, and `notified` all who hear of it."""

    TYPE: ClassVar[str] = _T + "deadline_reminded.v1"
    NAME: ClassVar[str] = "DeadlineReminded"
    deadline: str
    step: StepCode
    due_at: Instant
    owner: ActorRef
    awaited: str
    substitutes: list[ActorRef] = []
    """Who stands in for those it goes to and who are away: it goes to both."""
    level: LadderLevelCode | None = None
    """L0; None in what was told before there was a ladder."""
    notified: list[Receiver] = []


class DeadlineMissed(CaseMessage, frozen=True, kw_only=True):
    """A term has passed without what it waited for; `deadlines` has the next one, where the term recurs."""

    TYPE: ClassVar[str] = _T + "deadline_missed.v1"
    NAME: ClassVar[str] = "DeadlineMissed"
    deadline: str
    step: StepCode
    due_at: Instant
    owner: ActorRef
    awaited: str
    deadlines: list[Deadline] = []
    substitutes: list[ActorRef] = []
    """Who stands in for those it goes to and who are away: it goes to both."""
    level: LadderLevelCode | None = None
    """L1; None in what was told before there was a ladder."""
    notified: list[Receiver] = []
    to_come: list[LevelDue] = []
    """The levels that the term comes to, as long as nobody does what it waits for."""


class DeadlineEscalated(CaseMessage, frozen=True, kw_only=True):
    """What a missed term waits for is still not done: the leads are told (L2), and later the programme's board (L3)."""

    TYPE: ClassVar[str] = _T + "deadline_escalated.v1"
    NAME: ClassVar[str] = "DeadlineEscalated"
    deadline: str
    step: StepCode
    due_at: Instant
    owner: ActorRef
    awaited: str
    level: LadderLevelCode
    notified: list[Receiver]
    substitutes: list[ActorRef] = []
    """Who stands in for those it goes to and who are away: it goes to both."""
