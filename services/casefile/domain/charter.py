"""The charter of roles: which task may be carried by whom, as versioned data that both sides sign.

A version that was written never changes; a programme version names the one that governs (docs/domain.md, "The charter
of roles").
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from contracts.casefile_codes import Verdict
from services.chassis.modelling.decider import Command, Entity, Event, Fault, Refused
from services.chassis.modelling.growing import GrowingTuple


def charter_stream(version: str) -> str:
    """The stream of one version of the charter."""
    return f"charter-{version}"


class TaskRule(Struct, frozen=True, kw_only=True):
    """A kind of task: the verdict for each of the four roles (`contracts.casefile_codes`), and where to refer it to."""

    task: str
    roles: dict[str, str]
    refer: str | None = None

    def allowed(self) -> tuple[str, ...]:
        """The roles that may carry it, and behind them those that may support it."""
        carries = [role for role, verdict in self.roles.items() if verdict == Verdict.CARRIES]
        return (*carries, *(role for role, verdict in self.roles.items() if verdict == Verdict.SUPPORTS))


class WriteCharter(Command, frozen=True, kw_only=True):
    """Write a version of the charter, in force from `valid_from` to `valid_until`, or without an end."""

    version: str
    valid_from: date
    valid_until: date | None
    tasks: tuple[TaskRule, ...]


class SignCharter(Command, frozen=True, kw_only=True):
    """Sign a version, for the organisation of its lead."""

    version: str


class CharterWritten(Event, frozen=True, kw_only=True):
    """A version of the charter, as it will stay."""

    version: str
    valid_from: date
    valid_until: date | None
    tasks: tuple[TaskRule, ...]


class CharterSigned(Event, frozen=True, kw_only=True):
    """An organisation signed the version: agreements of its pairs may be made under it from then on."""

    version: str
    organisation: str
    signed_at: datetime


CharterEvent = CharterWritten | CharterSigned


class Charter(Struct, frozen=True, kw_only=True):
    """A version of the charter, and who signed it; `written` is None as long as the operator has not entered it."""

    written: CharterWritten | None = None
    signed_by: GrowingTuple[str] = GrowingTuple()

    def rule_of(self, task: str) -> TaskRule | None:
        """The rule of a kind of task; None where this version knows no such task."""
        tasks = self.written.tasks if self.written is not None else ()
        return next((rule for rule in tasks if rule.task == task), None)

    def in_force(self, day: date) -> bool:
        """Whether a day is one of those that the version is valid on."""
        written = self.written
        return written is not None and written.valid_from <= day <= (written.valid_until or date.max)


def write_charter(command: WriteCharter, charter: Charter) -> list[CharterEvent]:
    """Writes a version; the same again changes nothing, and another under its name is refused."""
    written = CharterWritten(
        version=command.version,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
        tasks=command.tasks,
    )
    if charter.written == written:
        return []
    if charter.written is not None:
        raise Refused(
            "VERSION_PUBLISHED",
            f"version {command.version} of the charter is written and never changes; write another version",
        )
    if faults := list(_faults(command)):
        raise Refused.input(*faults)
    return [written]


def _faults(command: WriteCharter) -> Iterable[Fault]:
    if command.valid_until is not None and command.valid_until < command.valid_from:
        yield Fault("/validUntil", "BEFORE_START", "a version ends no earlier than it begins", rests_on=("/validFrom",))
    first: dict[str, int] = {}
    for place, rule in enumerate(command.tasks):
        if (earlier := first.setdefault(rule.task, place)) != place:
            yield Fault(
                f"/tasks/{place}/task", "REPEATED", "list each kind of task once", rests_on=(f"/tasks/{earlier}/task",)
            )


def sign_charter(command: SignCharter, charter: Charter) -> list[CharterEvent]:
    """Signs a version for the organisation of its lead; once is enough."""
    if command.by.org in charter.signed_by:
        return []
    return [CharterSigned(version=command.version, organisation=command.by.org, signed_at=command.at)]


def check_signed(charter: Charter, version: str, *parties: str) -> None:
    """Refuses what rests on a version of the charter that is not written, or that one of the parties has not signed."""
    if charter.written is None:
        raise Refused(
            "CHARTER_NOT_SIGNED",
            f"the programme names version {version} of the charter, and no such version is written",
            who_can_unblock="the operator, by writing it, and then the lead of each organisation, by signing it",
        )
    if missing := [party for party in parties if party not in charter.signed_by]:
        raise Refused(
            "CHARTER_NOT_SIGNED",
            f"version {version} of the charter is not signed by: {', '.join(missing)}",
            who_can_unblock="the lead of each of them, by signing it",
        )


def evolve_charter(charter: Charter, event: CharterEvent) -> Charter:
    """The version after one more event."""
    match event:
        case CharterWritten():
            return replace(charter, written=event)
        case CharterSigned():
            return replace(charter, signed_by=charter.signed_by.plus(event.organisation))
        case _:
            assert_never(event)


CHARTER: Entity[Charter] = Entity(Charter(), evolve_charter)
