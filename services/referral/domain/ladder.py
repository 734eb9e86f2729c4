"""The ladder of a missed term: after the reminder and the breach the leads of both sides are told, and then the board.

Who is told at a level is data of the programme. The levels to come stand in every event of the referral as long as what
the term waits for is not done: so what fires next is read off the latest event, as it is of deadlines. A long wait for
a place is told to the leads in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from contracts.codes import Role
from contracts.terms import LEVEL_AFTER, LadderLevel, Notified, whole_ladder
from contracts.waitlist import OfferedMeanwhile
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.ladder import LevelDue, Receiver, levels_after
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.offer import LateTerm, OfReferral, acts_for

WAITLIST_ALERT: Final = "WAITLIST_ALERT"
"""The term after which the leads are told that somebody waits; it counts from the first day on the list."""


class EscalateDeadline(ReferralCommand, frozen=True, kw_only=True):
    """The term `name` that was due at `due_at` comes to a level."""

    name: str
    due_at: datetime
    level: str


class DeadlineEscalated(OfReferral, frozen=True, kw_only=True):
    """What a missed term waits for is still not done by `awaited`, and those in `notified` hear of it."""

    deadline: str
    due_at: datetime
    awaited: str
    level: str
    notified: tuple[Receiver, ...]


class WaitlistAlerted(OfReferral, frozen=True, kw_only=True):
    """Somebody has waited since `since`; the leads hear of it, and whether the person was offered anything else."""

    since: datetime
    expected_by: date
    considered: str | None
    alternative_offered: bool
    level: str
    notified: tuple[Receiver, ...]


def receivers_at(level: str, context: Context, awaited: str) -> tuple[Receiver, ...]:
    """Who is told of a term that waits for an organisation, when it comes to a level; each once."""
    offer = context.referral.offer
    agency = offer.agency if offer is not None else awaited
    organisation = offer.organisation if offer is not None else None
    counsellor = Receiver(role=Role.AGENCY_COUNSELLOR.value, org=agency)
    coordinator = Receiver(role=Role.NGO_COORDINATOR.value, org=organisation) if organisation is not None else None
    whom: Mapping[str, tuple[Receiver | None, ...]] = {
        Notified.OWNER: (counsellor if awaited == agency else coordinator,),
        Notified.CASE_CONTACTS: (counsellor, coordinator),
        Notified.LEADS: (
            Receiver(role=Role.AGENCY_TEAM_LEAD.value, org=agency),
            Receiver(role=Role.NGO_LEAD.value, org=organisation) if organisation is not None else None,
        ),
        Notified.BOARD: (Receiver(role=Role.AUDITOR.value),),
    }
    named = (receiver for kind in _ladder(context)[level] for receiver in whom[kind] if receiver is not None)
    return tuple(dict.fromkeys(named))


def _ladder(context: Context) -> Mapping[str, tuple[str, ...]]:
    return whole_ladder(context.version.parameters.ladder)


def climbs(context: Context, deadline: Deadline) -> LateTerm:
    """A term that is missed now, with the levels that it comes to: those at which the programme has somebody told."""
    ladder = _ladder(context)
    after = {level: term for level, term in LEVEL_AFTER.items() if ladder[level]}
    to_come = levels_after(deadline.due_at, context.calendar, after)
    return LateTerm(deadline=deadline.name, due_at=deadline.due_at, level=LadderLevel.L1.value, to_come=to_come)


def waits(context: Context, since: datetime) -> LateTerm:
    """A wait that begins at `since`, of which the leads are told after a while."""
    alert = LevelDue(level=LadderLevel.L2.value, at=context.deadline(WAITLIST_ALERT, since).due_at)
    return LateTerm(deadline=WAITLIST_ALERT, due_at=since, level=LadderLevel.L0.value, to_come=(alert,))


def escalate(command: EscalateDeadline, context: Context) -> list[DeadlineEscalated | WaitlistAlerted]:
    """Tells those of the next level, once; nothing where what the term waits for is done, or it is not that far."""
    referral = context.referral
    late = next((late for late in referral.late if late.is_of(command.name, command.due_at)), None)
    if late is None or not any(due.level == command.level and due.at <= command.at for due in late.to_come):
        return []
    offer, by, running = context.offer, acts_for(command.by), referral.running
    awaited = referral.awaited(late.deadline)
    receivers = receivers_at(command.level, context, awaited)
    if late.deadline != WAITLIST_ALERT:
        return [
            DeadlineEscalated(
                offer=offer,
                at=command.at,
                by=by,
                deadlines=running,
                deadline=late.deadline,
                due_at=late.due_at,
                awaited=awaited,
                level=command.level,
                notified=receivers,
            )
        ]
    assert referral.waiting is not None  # noqa: S101 - the alert begins with the wait
    others = [held for held in context.broadcast.open_offers if held.to.referral_id != offer.referral_id]
    return [
        WaitlistAlerted(
            offer=offer,
            at=command.at,
            by=by,
            deadlines=running,
            since=referral.waiting.since,
            expected_by=referral.waiting.expected_by,
            considered=referral.packet.alternative_considered if referral.packet is not None else None,
            alternative_offered=bool(others),
            level=command.level,
            notified=receivers,
        )
    ]


def codes_of(alert: WaitlistAlerted) -> tuple[str, ...]:
    """What the leads are to know of a long wait, as codes."""
    offered = OfferedMeanwhile.ANOTHER_OFFER if alert.alternative_offered else OfferedMeanwhile.NO_ALTERNATIVE
    return (offered.value,)
