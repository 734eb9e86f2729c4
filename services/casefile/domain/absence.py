"""Absence: somebody of the staff is away for a time, and a colleague of the same organisation stands in.

Why somebody is away is nobody's business here, and is not recorded. What a substitute may do follows from their own
role alone; whose work it is stays as it was, so that nothing is handed over and nothing has to be handed back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.casefile.domain.mentor import Mentor
from services.casefile.domain.steps import Party
from services.chassis.modelling.callers_clock import SKEW
from services.chassis.modelling.days import in_utc
from services.chassis.modelling.decider import Command, Entity, Event, Fault, Refused, To
from services.chassis.modelling.growing import GrowingTuple

LONGEST: Final = timedelta(days=366)
"""How long somebody stands in for a colleague at most, and how far ahead that is named: a year."""


def absence_stream(organisation: str, sub: str) -> str:
    """The stream of one member of an organisation's staff: away when, and standing in for whom."""
    # Of "a.b" and "c" it is another one than of "a" and "b.c".
    named = organisation.replace("%", "%25").replace(".", "%2E")
    return f"absence-{named}.{sub}"


class NameSubstitute(Command, frozen=True, kw_only=True):
    """Name who stands in for `absent` from `begins` (now, where it is left out) until `ends`.

    `as_released`: what was read of a substitute who is released is sent back as it stands.
    """

    organisation: str
    absent: str
    substitute: str
    begins: datetime | None
    ends: datetime
    as_released: bool = False


class ReleaseSubstitute(Command, frozen=True, kw_only=True):
    """The absent person is back, or does not leave."""

    organisation: str
    absent: str


class SubstituteNamed(Event, frozen=True, kw_only=True):
    """Who stands in for somebody, from `begins` until `ends`; it takes the place of what was named before."""

    organisation: str
    absent: str
    substitute: str
    begins: datetime
    ends: datetime
    named_by: Party
    named_at: datetime


class SubstituteReleased(Event, frozen=True, kw_only=True):
    """Nobody stands in any more."""

    organisation: str
    absent: str
    substitute: str
    released_at: datetime


class StandInNamed(Event, frozen=True, kw_only=True):
    """The same as the substitute's own stream has it, counting from `since`."""

    BYSTANDER: ClassVar[bool] = True
    absent: str
    since: datetime
    begins: datetime
    ends: datetime


class StandInReleased(Event, frozen=True, kw_only=True):
    """The substitute stands in for somebody no more, from `since` on."""

    BYSTANDER: ClassVar[bool] = True
    absent: str
    since: datetime


AbsenceEvent = SubstituteNamed | SubstituteReleased | StandInNamed | StandInReleased


class StandIn(Struct, frozen=True, kw_only=True):
    """For whom somebody stands in, from `begins` until `ends`, by what counts from `since` on."""

    absent: str
    since: datetime
    begins: datetime
    ends: datetime

    def covers(self, at: datetime) -> bool:
        """Whether it is so at an instant."""
        return self.begins <= at < self.ends


class Staff(Struct, frozen=True, kw_only=True):
    """A member of staff: the absence that was named last, when it was `released`, and all standing in for others."""

    absence: SubstituteNamed | None = None
    released_at: datetime | None = None
    stands_in: GrowingTuple[StandIn] = GrowingTuple()

    def substitute_at(self, at: datetime) -> str | None:
        """Who stands in for this person at an instant that is not over yet; None for somebody who is there."""
        held = self.absence
        away = held is not None and self.released_at is None and held.begins <= at < held.ends
        return held.substitute if held is not None and away else None

    def stands_in_for(self, absent: str, at: datetime) -> bool:
        """Whether this person stood in for a colleague at an instant, by what had been named until then."""
        for held in reversed(self.stands_in):
            if held.absent == absent and held.since <= at:
                return held.covers(at)
        return False

    def colleagues_at(self, at: datetime) -> tuple[str, ...]:
        """For whom this person stands in at an instant."""
        named = {held.absent for held in self.stands_in if held.covers(at)}
        return tuple(sorted(absent for absent in named if self.stands_in_for(absent, at)))


class Naming(Struct, frozen=True, kw_only=True):
    """What naming a substitute rests on: both people as they are, and whether the substitute is a mentor here."""

    absent: Staff
    substitute: Staff = Staff()
    mentor: Mentor = Mentor()


def decide_absence(command: NameSubstitute | ReleaseSubstitute, around: Naming) -> list[AbsenceEvent | To]:
    """What follows from a command about an absence; nothing where it is so already. Raises Refused."""
    return _name(command, around) if isinstance(command, NameSubstitute) else _release(command, around)


def _name(command: NameSubstitute, around: Naming) -> list[AbsenceEvent | To]:
    held = around.absent.absence if around.absent.released_at is None or command.as_released else None
    begins = max(command.begins or command.at, command.at)
    if held is not None and held.begins == command.begins:
        begins = held.begins
    if held is not None and (held.substitute, held.begins, held.ends) == (command.substitute, begins, command.ends):
        return []
    if faults := _faults(command, begins, around):
        raise Refused.input(*faults)
    _check_no_chain(command, begins, around)
    by = command.by
    named = SubstituteNamed(
        organisation=command.organisation,
        absent=command.absent,
        substitute=command.substitute,
        begins=begins,
        ends=command.ends,
        named_by=Party(role=by.role, org=by.org, sub=by.sub),
        named_at=command.at,
    )
    stands_in = StandInNamed(absent=command.absent, since=command.at, begins=begins, ends=command.ends)
    before: list[AbsenceEvent | To] = []
    if held is not None and held.substitute != command.substitute and command.at < held.ends:
        before = [_released_from(held, command.at)]
    return [*before, To(absence_stream(command.organisation, command.substitute), stands_in), named]


def _faults(command: NameSubstitute, begins: datetime, around: Naming) -> tuple[Fault, ...]:
    faults: list[Fault] = []
    if command.substitute == command.absent:
        faults.append(Fault("/substitute", "SUBSTITUTE_FOR_ONESELF", "name a colleague: nobody stands in for oneself"))
    elif around.mentor.profile is not None:
        faults.append(
            Fault("/substitute", "SUBSTITUTE_IS_MENTOR", "name a colleague of the staff: a mentor does not stand in")
        )
    if command.begins is not None and command.begins < min(begins, command.at - SKEW):
        faults.append(
            Fault("/from", "IN_THE_PAST", "what was done until now stands as it is: give now or a later time")
        )
    latest = command.at + LONGEST
    if begins > latest:
        faults.append(Fault("/from", "ABSENCE_TOO_LONG", f"an absence begins within a year: up to {in_utc(latest)}"))
    elif command.ends > begins + LONGEST:
        faults.append(
            Fault(
                "/until",
                "ABSENCE_TOO_LONG",
                f"somebody stands in for a year at most: a time up to {in_utc(begins + LONGEST)} is accepted",
                rests_on=("/from",),
            )
        )
    if command.ends <= command.at:
        faults.append(Fault("/until", "IN_THE_PAST", "an absence that is over needs no substitute"))
    elif command.ends <= begins:
        faults.append(Fault("/until", "ENDS_BEFORE_IT_BEGINS", "an absence ends after it begins", rests_on=("/from",)))
    return tuple(faults)


def _check_no_chain(command: NameSubstitute, begins: datetime, around: Naming) -> None:
    """Nobody stands in while they are away themselves: who acts for somebody is always one person, and there."""
    away = around.substitute.absence
    if away is not None and around.substitute.released_at is None and away.begins < command.ends and begins < away.ends:
        raise Refused(
            "SUBSTITUTE_IS_ABSENT",
            f"{command.substitute} is away from {in_utc(away.begins)} until {in_utc(away.ends)}, and a "
            "substitute's substitute stands in for nobody else: name a colleague who is there",
            who_can_unblock="who names the substitute, by naming another one",
        )
    for absent in sorted({held.absent for held in around.absent.stands_in}):
        held = next(named for named in reversed(around.absent.stands_in) if named.absent == absent)
        if held.begins < command.ends and begins < held.ends and command.at < held.ends:
            raise Refused(
                "STANDS_IN_FOR_ANOTHER",
                f"{command.absent} stands in for {absent} until {in_utc(held.ends)}, which nobody would do then: "
                f"name another substitute for {absent} first",
                who_can_unblock=f"{absent}, or the lead of the organisation, by naming another substitute",
            )


def _release(command: ReleaseSubstitute, around: Naming) -> list[AbsenceEvent | To]:
    held = around.absent.absence
    if held is None or around.absent.released_at is not None or held.ends <= command.at:
        return []
    released = SubstituteReleased(
        organisation=held.organisation, absent=held.absent, substitute=held.substitute, released_at=command.at
    )
    return [_released_from(held, command.at), released]


def _released_from(held: SubstituteNamed, at: datetime) -> To:
    stream = absence_stream(held.organisation, held.substitute)
    return To(stream, StandInReleased(absent=held.absent, since=at))


def evolve_staff(staff: Staff, event: AbsenceEvent) -> Staff:
    """The member of staff after one more event."""
    match event:
        case SubstituteNamed():
            return replace(staff, absence=event, released_at=None)
        case SubstituteReleased():
            return replace(staff, released_at=event.released_at)
        case StandInNamed():
            standing = StandIn(absent=event.absent, since=event.since, begins=event.begins, ends=event.ends)
            return replace(staff, stands_in=staff.stands_in.plus(standing))
        case StandInReleased():
            over = StandIn(absent=event.absent, since=event.since, begins=event.since, ends=event.since)
            return replace(staff, stands_in=staff.stands_in.plus(over))
        case _:
            assert_never(event)


STAFF: Entity[Staff] = Entity(Staff(), evolve_staff)
