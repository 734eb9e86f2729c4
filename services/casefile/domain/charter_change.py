"""Another charter comes to govern a running match: mentor and coordinator are asked to acknowledge it.

Tasks are held against the version that governs on their day, and the agreement keeps the one that it was signed under.
Until the coordinator has acknowledged the new one, no further agreement is signed in the case. A coordinator who takes
over meanwhile, or later, has not read it yet: the same is asked of that one, with a term from that day on.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, assert_never

from msgspec.structs import replace

from contracts.casefile_codes import AcknowledgingSide
from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.guards import BOUND, allow, check_pair, check_side, happened
from services.casefile.domain.mentor import MentorAcknowledgedCharter, has_acknowledged, mentor_stream
from services.casefile.domain.side_answers import SideAnswer, check_on_behalf
from services.casefile.domain.state import Case, Match, trajectory_of
from services.casefile.domain.steps import Moves, OpenStep, Party, find, key_of
from services.casefile.domain.task_state import MENTOR_ROLES, CharterInUse
from services.casefile.domain.terms import day_of, deadline
from services.chassis.modelling.decider import Command, Fault, Refused, To

ACKNOWLEDGEMENT: Final = Step.CHARTER_ACKNOWLEDGEMENT.value
MENTOR: Final = AcknowledgingSide.MENTOR.value
COORDINATOR: Final = AcknowledgingSide.COORDINATOR.value


class NoticeCharter(Command, frozen=True, kw_only=True):
    """A version of the programme has begun that may name another charter than the one that the pair goes by."""


class AcknowledgeCharter(SideAnswer, frozen=True, kw_only=True):
    """Acknowledge the charter that governs now, for a side (`AcknowledgingSide`); the version may be named."""

    charter_version: str | None = None


class CharterChanged(Moves, frozen=True, kw_only=True):
    """Another version of the charter governs the tasks of the match; who is to acknowledge it, the steps say."""

    charter_version: str
    previous: str
    match: str
    since: datetime


class CharterAcknowledged(Moves, frozen=True, kw_only=True):
    """One side acknowledged the version. Whether it did so itself, or by somebody else, the actor says."""

    PASSED_ON: ClassVar[bool] = True
    side: str
    charter_version: str
    match: str | None
    acknowledged_at: datetime


def notice_charter(command: NoticeCharter, context: Context) -> list[CharterChanged]:
    """Asks mentor and coordinator, where a pair that has signed goes by another version; otherwise nothing."""
    del command
    return changed(context)


def changed(context: Context) -> list[CharterChanged]:
    """The change to the version in force; nothing where the pair goes by it already, or where none has signed."""
    case, version = context.case, context.rules.charter_version
    match, used = case.match, case.trajectory.charter if case.trajectory is not None else None
    if case.state not in BOUND or match is None or match.agreement is None or used is None or used.version == version:
        return []
    return [
        CharterChanged(
            charter_version=version,
            previous=used.version,
            match=match.match,
            since=context.at,
            # Who was asked about the version before is asked about this one.
            closes=tuple(key_of(ACKNOWLEDGEMENT, side) for side in AcknowledgingSide),
            opens=tuple(_acknowledgements(context, match, version)),
        )
    ]


def of_the_next_coordinator(context: Context, receiver: Party) -> tuple[OpenStep, ...]:
    """What is asked of a coordinator who takes over now: the acknowledgement that is still open, or is another's word.

    Nothing of one who acknowledged this version before, nor where the pair goes by the charter that it signed under.
    """
    case = context.case
    used = case.trajectory.charter if case.trajectory is not None else None
    if used is None or receiver.sub in used.coordinators:
        return ()
    is_open = find(case.steps, ACKNOWLEDGEMENT, COORDINATOR) is not None
    if not is_open and (used.since is None or case.state not in BOUND):
        return ()
    return (_acknowledgement(context, COORDINATOR, receiver),)


def _acknowledgements(context: Context, match: Match, version: str) -> list[OpenStep]:
    coordinator = trajectory_of(context.case).coordinator
    owners = {COORDINATOR: coordinator}
    profile = context.mentor.profile if context.mentor is not None else None
    if profile is None or not has_acknowledged(profile, version):
        owners[MENTOR] = Party(role=MENTOR_ROLES[match.kind], org=coordinator.org, sub=match.mentor)
    return [_acknowledgement(context, side, owner) for side, owner in owners.items()]


def _acknowledgement(context: Context, side: str, owner: Party) -> OpenStep:
    due = deadline(context.terms, ACKNOWLEDGEMENT, context.at)
    return OpenStep(
        step=ACKNOWLEDGEMENT,
        owner=owner,
        since=context.at,
        deadlines=(replace(due, name=key_of(ACKNOWLEDGEMENT, side)),),
        about=side,
    )


def acknowledge_charter(command: AcknowledgeCharter, context: Context) -> list[CharterAcknowledged | To]:
    """Takes the acknowledgement of one side; the mentor's counts for further matches as well."""
    case = context.case
    check_side("acknowledge-charter", context, command.by)
    used = case.trajectory.charter if case.trajectory is not None else None
    if used is None or command.side not in used.acknowledged:
        allow("acknowledge-charter", context, command.by)
    _check_whose(command)
    if used is not None and command.charter_version not in (None, used.version):
        raise Refused.input(
            Fault("/charterVersion", "CHARTER_NOT_IN_FORCE", f"the charter to acknowledge is {used.version}")
        )
    step = find(case.steps, ACKNOWLEDGEMENT, command.side)
    if used is None or step is None:
        if used is not None and command.side in used.acknowledged:
            return []
        raise Refused("NOTHING_TO_ACKNOWLEDGE", f"the {command.side.lower()} is asked to acknowledge no charter")
    when = happened(command.occurred_at, command.at, not_before=step.since)
    acknowledged = CharterAcknowledged(
        side=command.side,
        charter_version=used.version,
        match=case.match.match if case.match is not None else None,
        acknowledged_at=when,
        closes=(step.key,),
    )
    if command.side == COORDINATOR:
        return [acknowledged]
    known = MentorAcknowledgedCharter(charter_version=used.version, acknowledged_on=day_of(context.terms, when))
    return [To(mentor_stream(step.owner.org, step.owner.sub), known), acknowledged]


def _check_whose(command: AcknowledgeCharter) -> None:
    """A coordinator's word is a coordinator's: of the one who has the case, or of one who stands in."""
    if command.side == MENTOR:
        check_on_behalf(command)
        return
    check_pair(command.side, command.by)
    if command.on_behalf_reason is not None:
        raise Refused.input(
            Fault("/onBehalfReason", "NOT_EXPECTED", "a reason is allowed only where the mentor's word is passed on")
        )


CharterChangeEvent = CharterChanged | CharterAcknowledged


def evolve(case: Case, event: CharterChangeEvent) -> Case:
    """The case after an event about the charter that governs it."""
    if (now := case.trajectory) is None:
        return case
    match event:
        case CharterChanged():
            charter = CharterInUse(version=event.charter_version, since=event.since)
            return replace(case, trajectory=replace(now, charter=charter))
        case CharterAcknowledged():
            if now.charter is None:
                return case
            used = replace(now.charter, acknowledged=now.charter.acknowledged.plus(event.side))
            if event.side == COORDINATOR:
                used = replace(used, coordinators=used.coordinators.plus(now.coordinator.sub))
            return replace(case, trajectory=replace(now, charter=used))
        case _:
            assert_never(event)
