"""Who acts for whom in a case, and who else is told: a substitute, as long as the person whom the case names is away.

A case names a person of each side: its lead, and the coordinator of the organisation that it is with. Any colleague may
act for a side; one who was named as the substitute of that person does it on that person's behalf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar, assert_never, cast

from msgspec.structs import replace

from contracts.staff import COORDINATORS, COUNSELLORS
from services.casefile.domain.absence import Staff
from services.casefile.domain.broadcast import TakeOfferAnswer
from services.casefile.domain.context import Context
from services.casefile.domain.deadlines import DeadlineMissed, DeadlineReminded, PassDeadline, RemindDeadline
from services.casefile.domain.escalation import RaiseEscalation, RaiseUnreached
from services.casefile.domain.exceptions import DecideException
from services.casefile.domain.ladder import DeadlineEscalated, EscalateDeadline
from services.casefile.domain.matching import RejectMatch
from services.casefile.domain.mentoring import RecordPulse
from services.casefile.domain.open_escalations import EscalationRaised
from services.casefile.domain.people import ReassignCoordinator, ReassignCounsellor
from services.casefile.domain.referral_answers import TakeNote, TakeReminder
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.state import Case
from services.casefile.domain.steps import Party
from services.chassis.modelling.decider import Command

C = TypeVar("C", bound=Command)
E = TypeVar("E")

_STAFF: Final = COUNSELLORS | COORDINATORS
TELLING: Final = (
    RemindDeadline,
    PassDeadline,
    EscalateDeadline,
    RecordPulse,
    RaiseEscalation,
    RaiseUnreached,
    RejectMatch,
    DecideException,
    TakeReminder,
    TakeNote,
    TakeOfferAnswer,
)
"""The commands after which somebody may have to be told something."""
_OWN_ACTS: Final = frozenset({"ReferralEnteredInError"})
"""What takes two people, by the names of messages: a substitute counts as the second one, and so acts as oneself."""


def people_named(case: Case) -> tuple[Party, ...]:
    """The people whom a case names: its lead, and the coordinator."""
    coordinator = case.trajectory.coordinator if case.trajectory is not None else None
    return tuple(party for party in (case.lead, coordinator) if party is not None)


def for_whom(command: Command, case: Case) -> tuple[str, ...]:
    """For whom the sender of a command would act as a substitute, the first of them who is away: by their `sub`.

    Nobody, where the sender is that person, or says something that is only theirs to say.
    """
    by = command.by
    if by.role not in _STAFF or getattr(getattr(command, "message", None), "name", None) in _OWN_ACTS:
        return ()
    named = [party.sub for party in people_named(case) if party.org == by.org]
    if isinstance(command, ReassignCounsellor | ReassignCoordinator):
        named = _of_a_handover(command, case, named)
    elif case.takes_over_by_acting and (proposed := case.proposed_coordinator) is not None and proposed.org == by.org:
        named = [proposed.sub, *named]
    return tuple(named) if by.sub not in named else ()


def _of_a_handover(command: ReassignCounsellor | ReassignCoordinator, case: Case, named: list[str]) -> list[str]:
    """Who is asked to take over is answered for by a substitute, at once where that one asks.

    A substitute takes over nothing in another's name. The one who has the case answers for nobody: to ask the same once
    more stays a request, and hands nothing over.
    """
    counsellor = isinstance(command, ReassignCounsellor)
    receiver = command.counsellor if isinstance(command, ReassignCounsellor) else command.coordinator
    if receiver is None or receiver == command.by.sub:
        return []
    holder = case.lead if counsellor else case.trajectory.coordinator if case.trajectory is not None else None
    if holder is not None and holder.sub == command.by.sub:
        return []
    proposed = case.proposed_lead if counsellor else case.proposed_coordinator
    return [receiver] if proposed is not None and proposed.sub == receiver else [receiver, *named]


def on_behalf(command: Command, case: Case, sender: Staff) -> str | None:
    """On whose behalf the sender of a command acts; None where it is in their own name."""
    at = moment_of(command)
    return next((sub for sub in for_whom(command, case) if sender.stands_in_for(sub, at)), None)


def moment_of(command: Command) -> datetime:
    """When it happened: what the referral service told, when it was recorded there."""
    at: datetime = getattr(getattr(command, "message", None), "recorded_at", command.at)
    return at


def as_substitute(command: C, context: Context) -> C:
    """The command as it is given on behalf of somebody who is away."""
    if context.on_behalf_of is None:
        return command
    return replace(command, by=command.by.standing_in(context.on_behalf_of))


def with_substitutes(decided: Sequence[E], substitutes: Mapping[tuple[str, str], str], case: Case) -> list[E]:
    """The same; reminders, missed terms and escalations go to the substitutes of those who are away as well."""
    if not substitutes:
        return [*decided]
    return [cast("E", _also(event, substitutes, case)) if isinstance(event, Notice) else event for event in decided]


Notice = DeadlineReminded | DeadlineMissed | DeadlineEscalated | EscalationRaised | ReferralEntryTaken
"""What goes to people of a case; of the entries of the referral service, those that name who hears of a term."""


def _also(event: Notice, substitutes: Mapping[tuple[str, str], str], case: Case) -> Notice:
    to = {(party.org, party.sub): party for party in _addressed(event, case)}
    also = tuple(replace(party, sub=substitutes[key]) for key, party in to.items() if key in substitutes)
    return replace(event, substitutes=also) if also else event


def _addressed(event: Notice, case: Case) -> list[Party]:
    """The people of the case to whom it goes: those in a role that is notified, or who is asked to see to it."""
    match event:
        case DeadlineReminded() | DeadlineMissed() | DeadlineEscalated():
            roles = {(receiver.role, receiver.org) for receiver in event.notified or ()}
            return [party for party in (event.owner, *people_named(case)) if (party.role, party.org) in roles]
        case ReferralEntryTaken():
            roles = {(receiver.role, receiver.org) for receiver in event.notified or ()}
            return [party for party in people_named(case) if (party.role, party.org) in roles]
        case EscalationRaised():
            return [step.owner for step in event.opens]
        case _:
            assert_never(event)
