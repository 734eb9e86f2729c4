"""What a case remembers of the tasks in it: who has the lead of which, what was approved, what was excepted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.casefile_codes import CharterRole
from contracts.codes import MentorKind
from contracts.task_codes import ExceptionState
from services.chassis.modelling.growing import GrowingTuple

MENTOR_ROLES: Final = {
    MentorKind.VOLUNTEER.value: CharterRole.VOLUNTEER_MENTOR.value,
    MentorKind.PROFESSIONAL.value: CharterRole.PROFESSIONAL_MENTOR.value,
}
"""The role of the charter that a mentor of each kind has."""


class TaskLead(Struct, frozen=True, kw_only=True):
    """Who has the lead of a kind of task: a role for an organisation; that of a mentor ends with the `match`."""

    task: str
    role: str
    org: str
    match: str | None = None


class Approval(Struct, frozen=True, kw_only=True):
    """A yes to a kind of task that a role may support, good for the `match` that ran when it was given."""

    task: str
    role: str
    match: str


class RoleException(Struct, frozen=True, kw_only=True):
    """A one-off exception that an `organisation` asked for: from what the charter says of a `task`, or from a `rule`.

    `state` is one of `contracts.task_codes.ExceptionState`; one that is granted covers one record. `lapsed`: nobody
    decided, and it is denied by the end of the part in which it was asked for.
    """

    exception: str
    organisation: str
    state: str
    justification_ref: str
    task: str | None = None
    rule: str | None = None
    lapsed: bool = False

    @property
    def kind(self) -> str:
        """By what exceptions are counted: the kind of task, or the rule."""
        return self.task or self.rule or ""


class CharterInUse(Struct, frozen=True, kw_only=True):
    """The version of the charter that a pair goes by, since when if it changed, and which sides acknowledged that one.

    `coordinators` are those who did so for theirs: who takes over from one of them is asked too.
    """

    version: str
    since: datetime | None = None
    acknowledged: GrowingTuple[str] = GrowingTuple()
    coordinators: GrowingTuple[str] = GrowingTuple()


def granted(exceptions: Sequence[RoleException], organisation: str | None, kind: str) -> RoleException | None:
    """An exception of the kind that the organisation's lead granted, and that no record has used yet."""
    return next(
        (
            known
            for known in exceptions
            if (known.state, known.organisation, known.kind) == (ExceptionState.GRANTED, organisation, kind)
        ),
        None,
    )


def with_state(
    exceptions: GrowingTuple[RoleException], exception: str | None, state: ExceptionState
) -> GrowingTuple[RoleException]:
    """The exceptions, with one of them in another state; the same where it names none."""
    if exception is None:
        return exceptions
    return GrowingTuple(
        replace(known, state=state.value) if known.exception == exception else known for known in exceptions
    )
