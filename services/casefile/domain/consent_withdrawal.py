"""Rule W: the person withdraws the legal basis, and the organisation's part ends at once, without a handback."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from services.casefile.domain.context import Context
from services.casefile.domain.disclosure import CONSENT_WITHDRAWN
from services.casefile.domain.match_end import MatchEnded, match_ended
from services.casefile.domain.next_steps import next_service
from services.casefile.domain.open_escalations import gone_back
from services.casefile.domain.organisation_part import access_ends, back_with_agency
from services.casefile.domain.referral_entry import ReferralEntryTaken, ReferralMessage, entry
from services.casefile.domain.state import Case
from services.casefile.domain.steps import Moves
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Event, To


class TakeWithdrawal(Command, frozen=True, kw_only=True):
    """The person withdrew the legal basis of a referral; effective since `withdrawn_at`."""

    message: ReferralMessage
    legal_basis: str
    withdrawn_at: datetime


class DisclosureStopped(Event, frozen=True, kw_only=True):
    """The person withdrew the legal basis: nothing more is shared on it."""

    legal_basis: str
    withdrawn_at: datetime


class NgoAccessRevoked(Event, frozen=True, kw_only=True):
    """The stop message: all that the organisation learns."""

    referral: str
    organisation: str
    reason: str


class CaseReturned(Moves, frozen=True, kw_only=True):
    """The case went back to the agency without a handback report; `ended_at` is set where it ended a trajectory."""

    referral: str
    reason: str
    deadlines: tuple[Deadline, ...]
    ended_at: datetime | None = None


class RecordedAfterWithdrawal(Event, frozen=True, kw_only=True):
    """Events (ids) that the organisation recorded after the withdrawal and before casefile learnt of it."""

    legal_basis: str
    organisation: str
    withdrawn_at: datetime
    events: tuple[str, ...]


def take_withdrawal(
    command: TakeWithdrawal, context: Context
) -> list[ReferralEntryTaken | MatchEnded | WithdrawalEvent | To]:
    """Stops the organisation; the only change of responsibility without an acceptance.

    What the organisation recorded between the withdrawal and now is marked: a service that did not know took it in
    good faith, and does not keep it silently.
    """
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    stops: list[WithdrawalEvent] = [
        DisclosureStopped(legal_basis=command.legal_basis, withdrawn_at=command.withdrawn_at)
    ]
    if _may_still_see(case, message.referral):
        stops.append(
            NgoAccessRevoked(referral=message.referral, organisation=message.organisation, reason=CONSENT_WITHDRAWN)
        )
    if context.since_withdrawal:
        stops.append(
            RecordedAfterWithdrawal(
                legal_basis=command.legal_basis,
                organisation=message.organisation,
                withdrawn_at=command.withdrawn_at,
                events=context.since_withdrawal,
            )
        )
    if case.referral is None or case.referral.referral != message.referral:
        return [entry(message), *stops]
    step = next_service(context, command.withdrawn_at)
    returned = CaseReturned(
        referral=message.referral,
        reason=CONSENT_WITHDRAWN,
        deadlines=step.deadlines,
        # One that was over before, with its report still to come, ended when it ended.
        ended_at=command.withdrawn_at if case.trajectory is not None and case.trajectory.ended_at is None else None,
    )
    return [
        entry(message, gone_back(case, step)),
        *stops,
        *match_ended(context, CONSENT_WITHDRAWN, command.withdrawn_at),
        returned,
    ]


def _may_still_see(case: Case, referral: str) -> bool:
    return any(access.referral == referral and not access.closed for access in case.accesses)


WithdrawalEvent = DisclosureStopped | NgoAccessRevoked | RecordedAfterWithdrawal | CaseReturned


def evolve(case: Case, event: WithdrawalEvent) -> Case:
    """The case after an event of a withdrawal."""
    match event:
        case DisclosureStopped() | RecordedAfterWithdrawal():
            return case
        case NgoAccessRevoked():
            return access_ends(case, event.referral, reason=event.reason, closed=True)
        case CaseReturned():
            back = back_with_agency(case, ended_by="LegalBasisWithdrawn", reason=event.reason)
            return replace(back, exit_at=event.ended_at or case.exit_at)
        case _:
            assert_never(event)
