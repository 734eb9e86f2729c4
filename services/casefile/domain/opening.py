"""How referral messages enter the case: it is opened, offered, begun with an organisation, or returned to its lead.

Every message leaves an entry in the case's own stream, and a message that was taken before leaves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from contracts.codes import CaseState, Role, Step
from services.casefile.domain.case import Context
from services.casefile.domain.follow_up import reopened
from services.casefile.domain.responsibility import Awaiting, Moves, OpenStep, Party, names
from services.casefile.domain.terms import Deadline
from services.chassis.modelling.decider import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralMessage:
    """What every message of the referral service says of itself.

    `codes` are what it gives as codes, `expected_by` the day until which a place is expected to be free.
    """

    name: str
    referral: str
    agency: str
    organisation: str
    programme: str
    programme_version: int
    source_position: int
    source_event_id: str
    digest: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Party
    codes: tuple[str, ...] = ()
    expected_by: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasisRecorded:
    """On what the sharing with the recipient rests, in which text version and language, since when."""

    legal_basis: str
    kind: str
    recipient: str
    text_version: str
    language: str
    given_at: datetime


class TakeSubmission(Command, frozen=True, kw_only=True):
    """A referral was submitted: the case opens with it, or is referred again."""

    message: ReferralMessage
    case: str
    client_ref: str
    previous_referral: str | None
    recommended_mentor_kind: str | None
    eligibility: dict[str, bool]
    participation: ParticipationChosen
    legal_basis: LegalBasisRecorded
    deadlines: tuple[Deadline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralEntryTaken(Moves):
    """A referral message, taken into the case's own history; `name` is the message's, `codes` what it gave as codes.

    `source_position`, `source_event_id` and `digest` (SHA-256, hexadecimal) point to the event in the referral log;
    `occurred_at`, `recorded_at` and `actor` are that event's. `expected_by` came later, and entries of old lack it.
    """

    name: str
    referral: str
    agency: str
    organisation: str
    source_position: int
    source_event_id: str
    digest: str
    occurred_at: datetime
    recorded_at: datetime
    actor: Party
    codes: tuple[str, ...] = ()
    step: str | None = None
    due_at: datetime | None = None
    expected_by: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralNoteTaken(ReferralEntryTaken):
    """A message that moves nothing in the case, such as a reminder, taken in; so the case's ETag stays."""

    BYSTANDER: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(Moves):
    """The case of one person in one programme period, with its lead; opened by the first referral submitted."""

    case: str
    client_ref: str
    agency: str
    programme: str
    programme_version: int
    lead: Party
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityConfirmed:
    """The result per criterion at entry."""

    criteria: dict[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipationChosen:
    """The person's own yes to mentoring, which is not the consent to share data."""

    chosen_at: datetime
    method: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReferred:
    """The case is offered to an organisation. `deadlines` are the referral service's own, for information."""

    referral: str
    previous_referral: str | None
    organisation: str
    legal_basis: str
    programme_version: int
    recommended_mentor_kind: str | None
    deadlines: tuple[Deadline, ...]


def take_submission(command: TakeSubmission, context: Context) -> list[Any]:
    """Opens the case with all that was recorded at entry, or refers an open one again with what is new."""
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    if case.state not in (None, CaseState.OPENED, CaseState.CLOSED):
        return [entry(message)]
    events: list[Any] = []
    lead = case.lead
    if lead is None:
        lead = Party(role=Role.AGENCY_COUNSELLOR.value, org=message.agency, sub=message.actor.sub)
        events.append(_opened(command, lead))
    elif case.state == CaseState.CLOSED:
        # The agency closed while a referral of its own was on its way: a live referral needs an open case.
        events.append(reopened(context, message.occurred_at))
    if case.eligibility != command.eligibility:
        events.append(EligibilityConfirmed(criteria=command.eligibility))
    if case.participation_chosen_at != command.participation.chosen_at:
        events.append(command.participation)
    if command.legal_basis.legal_basis not in case.legal_bases:
        events.append(command.legal_basis)
    waits = OpenStep(
        step=Step.REFERRAL_ANSWER.value,
        owner=lead,
        since=message.occurred_at,
        awaiting=awaiting(message, command.deadlines),
    )
    referred = CaseReferred(
        referral=message.referral,
        previous_referral=command.previous_referral,
        organisation=message.organisation,
        legal_basis=command.legal_basis.legal_basis,
        programme_version=message.programme_version,
        recommended_mentor_kind=command.recommended_mentor_kind,
        deadlines=command.deadlines,
    )
    ends = tuple(dict.fromkeys((*names(case.steps), Step.NEXT_SERVICE.value)))
    return [*events, entry(message, Moves(closes=ends, opens=(waits,))), referred]


def _opened(command: TakeSubmission, lead: Party) -> CaseOpened:
    message = command.message
    decides = OpenStep(step=Step.NEXT_SERVICE.value, owner=lead, since=message.occurred_at)
    return CaseOpened(
        case=command.case,
        client_ref=command.client_ref,
        agency=message.agency,
        programme=message.programme,
        programme_version=message.programme_version,
        lead=lead,
        opened_at=message.occurred_at,
        opens=(decides,),
    )


_AWAITED = {
    "ReferralSubmitted": ("receive", "RECEIPT"),
    "ReferralReceived": ("accept", "DECISION"),
    "InformationRequested": ("provide-information", "INFORMATION"),
    "InformationProvided": ("accept", "DECISION"),
    "ReferralWaitlisted": ("accept", "WAITLIST_REVIEW"),
}
"""What the lead waits for after a message, and the referral service's deadline for it."""


def awaiting(message: ReferralMessage, deadlines: tuple[Deadline, ...]) -> Awaiting:
    """For whom the lead waits after a message, and until when."""
    action, name = _AWAITED[message.name]
    due_at = next((due.due_at for due in deadlines if due.name == name), None)
    org = message.agency if action == "provide-information" else message.organisation
    return Awaiting(org=org, action=action, due_at=due_at)


def entry(
    message: ReferralMessage,
    moves: Moves | None = None,
    *,
    due_at: datetime | None = None,
    kind: type[ReferralEntryTaken] = ReferralEntryTaken,
) -> ReferralEntryTaken:
    """The entry of a message in the case's own history, with whatever it moves."""
    moves = moves or Moves()
    begun = next(iter((*moves.opens, *moves.renews)), None)
    return kind(
        name=message.name,
        referral=message.referral,
        agency=message.agency,
        organisation=message.organisation,
        source_position=message.source_position,
        source_event_id=message.source_event_id,
        digest=message.digest,
        occurred_at=message.occurred_at,
        recorded_at=message.recorded_at,
        actor=message.actor,
        codes=message.codes,
        step=begun.step if begun is not None else None,
        due_at=due_at if due_at is not None or begun is None else begun.due_at,
        expected_by=message.expected_by,
        closes=moves.closes,
        opens=moves.opens,
        renews=moves.renews,
    )
