"""Rule W: the person withdraws the legal basis, and the organisation's part ends at once, without a handback."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.casefile_codes import EndReason
from services.casefile.domain.case import Case, Context
from services.casefile.domain.follow_up import next_service
from services.casefile.domain.opening import ReferralMessage, entry
from services.casefile.domain.responsibility import Moves, names
from services.casefile.domain.terms import Deadline
from services.casefile.domain.trajectory import match_ended
from services.chassis.modelling.decider import Command

CONSENT_WITHDRAWN = EndReason.CONSENT_WITHDRAWN.value


class TakeWithdrawal(Command, frozen=True, kw_only=True):
    """The person withdrew the legal basis of a referral; effective since `withdrawn_at`."""

    message: ReferralMessage
    legal_basis: str
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureStopped:
    """The person withdrew the legal basis: nothing more is shared on it."""

    legal_basis: str
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NgoAccessRevoked:
    """The stop message: all that the organisation is told."""

    referral: str
    organisation: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReturned(Moves):
    """The case went back to the agency without a handback report; `ended_at` is set where it ended a trajectory."""

    referral: str
    reason: str
    deadlines: tuple[Deadline, ...]
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAfterWithdrawal:
    """Events (ids) that the organisation recorded after the withdrawal and before casefile was told of it."""

    legal_basis: str
    organisation: str
    withdrawn_at: datetime
    events: tuple[str, ...]


def take_withdrawal(command: TakeWithdrawal, context: Context) -> list[Any]:
    """Stops the organisation; the one change of responsibility that nobody has to accept.

    What the organisation recorded between the withdrawal and now is marked: it was taken in good faith by a service
    that had not been told, and is not silently kept.
    """
    message, case = command.message, context.case
    if message.source_event_id in case.taken:
        return []
    stops: list[Any] = [DisclosureStopped(legal_basis=command.legal_basis, withdrawn_at=command.withdrawn_at)]
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
        entry(message, Moves(closes=names(case.steps), opens=(step,))),
        *stops,
        *match_ended(case, CONSENT_WITHDRAWN, command.withdrawn_at),
        returned,
    ]


def _may_still_see(case: Case, referral: str) -> bool:
    return any(access.referral == referral and not access.closed for access in case.accesses)
