"""How an organisation's answer enters the case: whom the lead waits for, the acceptance, and every other end."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from contracts.casefile_codes import EndReason
from contracts.codes import CaseState, Role, Step
from services.casefile.domain.context import Context
from services.casefile.domain.match_end import MatchEnded, match_ended
from services.casefile.domain.next_steps import next_service
from services.casefile.domain.open_escalations import gone_back
from services.casefile.domain.organisation_part import (
    CoordinatorProposed,
    ResponsibilityTransferred,
    TransferEvent,
    access_after,
    access_ends,
    back_with_agency,
)
from services.casefile.domain.referral_entry import (
    ESCALATIONS,
    ReferralEntryTaken,
    ReferralMessage,
    ReferralNoteTaken,
    awaiting,
    entry,
)
from services.casefile.domain.state import Case, lead_of
from services.casefile.domain.steps import Moves, OpenStep, Party, ended_by, find
from services.casefile.domain.terms import deadline
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Event, To


class TakeProgress(Command, frozen=True, kw_only=True):
    """The referral waits for somebody else from now on. `deadlines` are those in the message."""

    message: ReferralMessage
    deadlines: tuple[Deadline, ...] = ()


class TakeAcceptance(Command, frozen=True, kw_only=True):
    """The organisation accepted, and named a coordinator: the person who did, or a colleague who is to take over."""

    message: ReferralMessage
    coordinator: str


class TakeReturn(Command, frozen=True, kw_only=True):
    """The referral ended without an acceptance, or was entered in error.

    `access` is when the organisation's access ends, as the referral's end has it; None in messages of old.
    """

    message: ReferralMessage
    reason: str | None
    access: Deadline | None = None


class TakeNote(Command, frozen=True, kw_only=True):
    """A message that moves nothing: it stands in the history. `deadlines` are those in the message."""

    message: ReferralMessage
    due_at: datetime | None = None
    deadlines: tuple[Deadline, ...] = ()


class TakeReminder(Command, frozen=True, kw_only=True):
    """The referral service reminded somebody."""

    message: ReferralMessage
    due_at: datetime


class ReferralReturned(Event, frozen=True, kw_only=True):
    """The referral ended without handback: declined, expired, withdrawn or entered in error; the lead decides again."""

    referral: str
    organisation: str
    name: str
    reason: str | None
    deadlines: tuple[Deadline, ...]
    access: Deadline


def take_progress(command: TakeProgress, context: Context) -> list[ReferralEntryTaken]:
    """Says for whom the lead waits now, and until when."""
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    step = find(case.steps, Step.REFERRAL_ANSWER)
    if step is None or case.referral is None or case.referral.referral != message.referral:
        return [entry(message)]
    waits_for = awaiting(message, command.deadlines or case.referral.deadlines)
    return [entry(message, Moves(renews=(replace(step, awaiting=waits_for),)))]


def take_acceptance(command: TakeAcceptance, context: Context) -> list[ReferralEntryTaken | TransferEvent]:
    """The receiver's explicit acceptance: responsibility moves to the person who accepted; a colleague named is asked.

    Nobody becomes responsible by what somebody else writes: a colleague does by the first own command on the case.
    """
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    if case.state != CaseState.REFERRED or case.referral is None or case.referral.referral != message.referral:
        return [entry(message)]
    since = message.occurred_at
    named = Party(role=Role.NGO_COORDINATOR.value, org=message.organisation, sub=command.coordinator)
    of_organisation = message.actor.org == message.organisation
    coordinator = replace(named, sub=message.actor.sub) if of_organisation else named
    opens = tuple(
        OpenStep(step=step.value, owner=coordinator, since=since, deadlines=(deadline(context.terms, step, since),))
        for step in (Step.FIRST_CONTACT, Step.INTAKE)
    )
    transferred = ResponsibilityTransferred(
        referral=message.referral,
        giver=lead_of(case),
        receiver=coordinator,
        step=Step.INTAKE.value,
        at=since,
        deadlines=tuple(due for step in opens for due in step.deadlines),
    )
    proposed = [] if named == coordinator else [CoordinatorProposed(receiver=named, takes_over_by_acting=True)]
    return [entry(message, Moves(closes=ended_by(case.steps), opens=opens)), transferred, *proposed]


def take_return(command: TakeReturn, context: Context) -> list[ReferralEntryTaken | MatchEnded | ReferralReturned | To]:
    """The case goes back to its lead, who has a few days to decide what comes next."""
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    if case.referral is None or case.referral.referral != message.referral:
        return [entry(message)]
    step = next_service(context, message.occurred_at)
    returned = ReferralReturned(
        referral=message.referral,
        organisation=message.organisation,
        name=message.name,
        reason=command.reason,
        deadlines=step.deadlines,
        access=command.access or access_after(context, message.occurred_at),
    )
    return [
        entry(message, gone_back(case, step)),
        *match_ended(context, EndReason.ERROR.value, message.occurred_at),
        returned,
    ]


def take_note(command: TakeNote, context: Context) -> list[ReferralEntryTaken]:
    """Keeps a message that moves nobody; a review of the waiting list that was missed is due again later."""
    if command.message.source_event_id in context.case.taken:
        return []
    review = next((due for due in command.deadlines if due.name == "WAITLIST_REVIEW"), None)
    step = find(context.case.steps, Step.REFERRAL_ANSWER)
    if review is None or step is None or step.awaiting is None:
        # A reader of the case reads who was told, so its ETag moves with that.
        kind = ReferralEntryTaken if command.message.name in ESCALATIONS else ReferralNoteTaken
        return [entry(command.message, due_at=command.due_at, kind=kind)]
    waits = replace(step, awaiting=replace(step.awaiting, due_at=review.due_at))
    return [entry(command.message, Moves(renews=(waits,)), due_at=command.due_at)]


def take_reminder(command: TakeReminder, context: Context) -> list[ReferralEntryTaken]:
    """Keeps a reminder; no act of a person caused it."""
    if command.message.source_event_id in context.case.taken:
        return []
    return [entry(command.message, due_at=command.due_at, kind=ReferralNoteTaken)]


def evolve(case: Case, event: ReferralReturned) -> Case:
    """The case back with its lead."""
    ended = access_ends(case, event.referral, reason="RETURNED", expires=event.access)
    return back_with_agency(ended, ended_by=event.name, reason=event.reason)
