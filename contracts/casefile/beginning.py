"""How a case begins: opened, offered, taken in, and matched with a mentor."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from contracts.coded import (
    CapitalCode,
    CefrCode,
    ChannelCode,
    EndCode,
    MatchCriterionCode,
    MentorKindCode,
    RejectCode,
    SideCode,
    StepCode,
)
from contracts.message import ActorRef, CaseMessage, Deadline, Published

_T = "org.caserelay.case."


class Readiness(Published, frozen=True, kw_only=True):
    """What was known of the mentor's preparation when the agreement was signed; a date is absent where nothing was."""

    kind: MentorKindCode
    screened_on: date | None = None
    trained_on: date | None = None
    insurance_note_on: date | None = None
    charter_version: str | None = None
    charter_acknowledged_on: date | None = None
    confidentiality_on: date | None = None


class CaseOpened(CaseMessage, frozen=True, kw_only=True):
    """The case of one person in one programme period was opened, with its lead: the one contact at the agency."""

    TYPE: ClassVar[str] = _T + "opened.v1"
    NAME: ClassVar[str] = "CaseOpened"
    client_ref: str
    agency: str
    programme: str
    programme_version: int
    lead: ActorRef


class ReferralReturned(CaseMessage, frozen=True, kw_only=True):
    """A referral ended without a handback; the case lead decides what comes next."""

    TYPE: ClassVar[str] = _T + "referral_returned.v1"
    NAME: ClassVar[str] = "ReferralReturned"
    referral: str
    organisation: str
    reason: str | None = None
    deadlines: list[Deadline]


class ResponsibilityTransferred(CaseMessage, frozen=True, kw_only=True):
    """The receiver accepted, and is responsible from then on; `step` is what begins."""

    TYPE: ClassVar[str] = _T + "responsibility_transferred.v1"
    NAME: ClassVar[str] = "ResponsibilityTransferred"
    referral: str
    giver: ActorRef
    receiver: ActorRef
    step: StepCode
    deadlines: list[Deadline]


class ContactAttempted(CaseMessage, frozen=True, kw_only=True):
    """The organisation tried to reach the person."""

    TYPE: ClassVar[str] = _T + "contact_attempted.v1"
    NAME: ClassVar[str] = "ContactAttempted"
    channel: ChannelCode | None = None
    reached: bool


class NoShowReported(CaseMessage, frozen=True, kw_only=True):
    """The person did not come; after three the organisation hands back. It serves no sanction."""

    TYPE: ClassVar[str] = _T + "no_show_reported.v1"
    NAME: ClassVar[str] = "NoShowReported"
    count: int


class IntakeConcluded(CaseMessage, frozen=True, kw_only=True):
    """The intake's result: goals by capital type and language per skill (CEFR), or the reason why not."""

    TYPE: ClassVar[str] = _T + "intake_concluded.v1"
    NAME: ClassVar[str] = "IntakeConcluded"
    suitable: bool
    goals: list[CapitalCode]
    cefr: dict[str, CefrCode]
    reason: EndCode | None = None
    deadlines: list[Deadline]


class MatchProposed(CaseMessage, frozen=True, kw_only=True):
    """A mentor was proposed, on these criteria. `mentor` is the organisation's own reference."""

    TYPE: ClassVar[str] = _T + "match_proposed.v1"
    NAME: ClassVar[str] = "MatchProposed"
    match: str
    mentor: str
    kind: MentorKindCode
    criteria: list[MatchCriterionCode]
    deadlines: list[Deadline]


class MatchConfirmed(CaseMessage, frozen=True, kw_only=True):
    """One side said yes to the match (MENTOR or MENTEE)."""

    TYPE: ClassVar[str] = _T + "match_confirmed.v1"
    NAME: ClassVar[str] = "MatchConfirmed"
    match: str
    side: SideCode


class MatchRejected(CaseMessage, frozen=True, kw_only=True):
    """One side said no to the match; it costs nobody anything."""

    TYPE: ClassVar[str] = _T + "match_rejected.v1"
    NAME: ClassVar[str] = "MatchRejected"
    match: str
    side: SideCode
    reason: RejectCode
    deadlines: list[Deadline]


class AgreementSigned(CaseMessage, frozen=True, kw_only=True):
    """The agreement was signed: its days, the meetings a month, the charter, and how ready the mentor was."""

    TYPE: ClassVar[str] = _T + "agreement_signed.v1"
    NAME: ClassVar[str] = "AgreementSigned"
    match: str
    start: date
    end: date
    norm: int
    charter_version: str
    readiness: Readiness
    deadlines: list[Deadline]
