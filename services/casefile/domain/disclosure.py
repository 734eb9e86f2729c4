"""What is tried after the person withdrew the legal basis: it is refused, and that stands in the record."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from contracts.casefile_codes import EndReason
from services.casefile.domain.state import Access, Case
from services.chassis.modelling.decider import Because, Command, Event, Refused

CONSENT_WITHDRAWN: Final = EndReason.CONSENT_WITHDRAWN.value


class Attempt(Command, frozen=True, kw_only=True):
    """What was refused before it was decided on: a read, or a command of somebody who has only the stop to read."""


class DisclosureRefused(Event, frozen=True, kw_only=True):
    """Somebody of an organisation tried to read or use what the person shares with it no more; nothing was done.

    `attempt` is the action, by its name in the table of access, and `legal_basis` the one that was withdrawn.
    """

    BYSTANDER: ClassVar[bool] = True
    referral: str
    organisation: str
    legal_basis: str
    attempt: str


def stopped(case: Case, organisation: str, attempt: str) -> Refused | None:
    """The refusal of what an organisation tries after its part was stopped; None where the person did not stop it."""
    part = _stopped_part(case, organisation)
    return _withdrawn(part, attempt) if part is not None else None


def _stopped_part(case: Case, organisation: str) -> Access | None:
    part = next((access for access in reversed(tuple(case.accesses)) if access.organisation == organisation), None)
    return part if part is not None and part.ended == CONSENT_WITHDRAWN else None


def was_mentor_when_stopped(case: Case, organisation: str, mentor: str, reads_at: datetime | None = None) -> bool:
    """Whether the match of a mentor ended with the organisation's part, when the person withdrew the legal basis.

    Who was the mentor before that is stopped too where they still could read it at `reads_at`.
    """
    if (stop := _stopped_part(case, organisation)) is None:
        return False
    if reads_at is not None and any(
        (access.referral, access.mentor) == (stop.referral, mentor) and reads_at < access.expires.due_at
        for access in case.mentor_accesses
    ):
        return True
    part = next((part for part in reversed(tuple(case.earlier)) if part.organisation == organisation), None)
    ended = tuple(part.trajectory.ended_matches) if part is not None and part.trajectory is not None else ()
    return any(over.match.mentor == mentor and over.reason == CONSENT_WITHDRAWN for over in ended)


def _withdrawn(part: Access, attempt: str) -> Refused:
    return Refused(
        "LEGAL_BASIS_WITHDRAWN",
        "the person withdrew the legal basis: CONSENT_WITHDRAWN; stop",
        because=Because.RIGHTS,
        who_can_unblock="the person, by a new consent in a new referral",
        records=(
            DisclosureRefused(
                referral=part.referral,
                organisation=part.organisation,
                legal_basis=part.legal_basis,
                attempt=attempt,
            ),
        ),
    )


def evolve(case: Case, _event: DisclosureRefused) -> Case:
    """The case as it was: nothing was done."""
    return case
