"""How an organisation's answer enters the case: whom the lead waits for, the acceptance, and every other end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contracts.casefile_codes import EndReason
from contracts.codes import CaseState, Role, Step
from services.casefile.domain.case import Context
from services.casefile.domain.follow_up import lead_of, next_service
from services.casefile.domain.opening import ReferralMessage, ReferralNoteTaken, awaiting, entry
from services.casefile.domain.people import CoordinatorProposed
from services.casefile.domain.responsibility import Moves, OpenStep, Party, find, names
from services.casefile.domain.terms import Deadline, deadline
from services.casefile.domain.trajectory import access_after, match_ended
from services.chassis.modelling.decider import Command


class TakeProgress(Command, frozen=True, kw_only=True):
    """The referral waits for somebody else from now on. `deadlines` are those that the message told."""

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
    """A message that moves nothing: it stands in the history. `deadlines` are those that the message told."""

    message: ReferralMessage
    due_at: datetime | None = None
    deadlines: tuple[Deadline, ...] = ()


class TakeReminder(Command, frozen=True, kw_only=True):
    """The referral service reminded somebody."""

    message: ReferralMessage
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralReturned:
    """The referral ended without handback: declined, expired, withdrawn or entered in error. The lead decides anew."""

    referral: str
    organisation: str
    name: str
    reason: str | None
    deadlines: tuple[Deadline, ...]
    access: Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsibilityTransferred:
    """The receiver accepted, and is responsible from then on; `step` is what begins."""

    referral: str
    giver: Party
    receiver: Party
    step: str
    at: datetime
    deadlines: tuple[Deadline, ...]


def take_progress(command: TakeProgress, context: Context) -> list[Any]:
    """Says for whom the lead waits now, and until when."""
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    step = find(case.steps, Step.REFERRAL_ANSWER)
    if step is None or case.referral is None or case.referral.referral != message.referral:
        return [entry(message)]
    waits_for = awaiting(message, command.deadlines or case.referral.deadlines)
    return [entry(message, Moves(renews=(replace(step, awaiting=waits_for),)))]


def take_acceptance(command: TakeAcceptance, context: Context) -> list[Any]:
    """The receiver's explicit acceptance: responsibility moves to the one who accepted; a colleague named is asked.

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
    asked = [] if named == coordinator else [CoordinatorProposed(receiver=named, takes_over_by_acting=True)]
    return [entry(message, Moves(closes=names(case.steps), opens=opens)), transferred, *asked]


def take_return(command: TakeReturn, context: Context) -> list[Any]:
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
        entry(message, Moves(closes=names(case.steps), opens=(step,))),
        *match_ended(case, EndReason.ERROR.value, message.occurred_at),
        returned,
    ]


def take_note(command: TakeNote, context: Context) -> list[Any]:
    """Keeps a message that moves nobody; a review of the waiting list that was missed is due again later."""
    if command.message.source_event_id in context.case.taken:
        return []
    review = next((due for due in command.deadlines if due.name == "WAITLIST_REVIEW"), None)
    step = find(context.case.steps, Step.REFERRAL_ANSWER)
    if review is None or step is None or step.awaiting is None:
        return [entry(command.message, due_at=command.due_at, kind=ReferralNoteTaken)]
    waits = replace(step, awaiting=replace(step.awaiting, due_at=review.due_at))
    return [entry(command.message, Moves(renews=(waits,)), due_at=command.due_at)]


def take_reminder(command: TakeReminder, context: Context) -> list[Any]:
    """Keeps a reminder, which nobody's act has caused."""
    if command.message.source_event_id in context.case.taken:
        return []
    return [entry(command.message, due_at=command.due_at, kind=ReferralNoteTaken)]
