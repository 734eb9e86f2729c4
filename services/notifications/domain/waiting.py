"""What waits for an organisation in a case, and whether it could be told of it within a day.

One stream for each organisation and case, which begins when the organisation could not be told for the first time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from contracts.visibility import Parties
from services.chassis.modelling.decider import Command, Entity, Event

TERM: Final = timedelta(hours=24)
"""An organisation that could not be told for so long is the other side's to see to."""
ORGANISATION: Final = "organisation"
AGENCY: Final = "agency"
WAITS_FOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ReferralSubmitted": ORGANISATION,
        "InformationRequested": AGENCY,
        "InformationProvided": ORGANISATION,
        "ReferralDeclined": AGENCY,
        "LegalBasisWithdrawn": ORGANISATION,
        "HandbackRequested": AGENCY,
        "HandbackReturned": ORGANISATION,
        "ChangeProposed": AGENCY,
        "ServiceGapReported": AGENCY,
    }
)
"""The messages after which the named side has to act, by their names in docs/domain.md. Reminders are not among them:
they repeat what waits already."""


def waited_for(name: str, data: Mapping[str, Any], parties: Parties) -> str | None:
    """The organisation that has to act on a message about a case with these parties; None where nobody has."""
    side = WAITS_FOR.get(name)
    if side == AGENCY:
        return parties.agency
    part = parties.by_referral.get(str(data.get("referral"))) if side == ORGANISATION else None
    return part.organisation if part is not None else None


class CheckReached(Command, frozen=True, kw_only=True):
    """A day has passed since an event came at `position` that waits for the organisation.

    `reason` is why it was not told (`contracts.telling_codes.NotToldReason`), and None where it was; `before` whether
    it was told meanwhile of the event of which it could not be told before.
    """

    organisation: str
    case: str
    event: str
    position: int
    since: datetime
    reason: str | None
    before: bool


class OrganisationUnreached(Event, frozen=True, kw_only=True):
    """The organisation could not be told of an event for a day."""

    organisation: str
    case: str
    event: str
    position: int
    since: datetime
    reason: str


WaitingEvent = OrganisationUnreached


class Waiting(Struct, frozen=True, kw_only=True):
    """The event of which the organisation could not be told, the latest, by its position; None for never."""

    position: int | None = None


def decide_waiting(command: CheckReached, waiting: Waiting) -> list[WaitingEvent]:
    """Says so once, until the organisation was told of it: what comes after it waits with it."""
    if command.reason is None:
        return []
    if waiting.position is not None and (command.position <= waiting.position or not command.before):
        return []
    return [
        OrganisationUnreached(
            organisation=command.organisation,
            case=command.case,
            event=command.event,
            position=command.position,
            since=command.since,
            reason=command.reason,
        )
    ]


def evolve_waiting(waiting: Waiting, event: WaitingEvent) -> Waiting:
    """See `services.chassis.modelling.decider`."""
    match event:
        case OrganisationUnreached():
            return replace(waiting, position=event.position)
        case _:
            assert_never(event)


WAITING: Entity[Waiting] = Entity(Waiting(), evolve_waiting)
PREFIX: Final = "waiting-"


def waiting_stream(case: str, organisation: str) -> str:
    """The stream of what waits for an organisation in a case."""
    return f"{PREFIX}{case}-{organisation}"
