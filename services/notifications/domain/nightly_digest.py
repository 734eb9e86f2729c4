"""The digest of a night: a hash over the open cases that an agency and an organisation have with each other."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from services.chassis.modelling.decider import Command, Entity, Event
from services.chassis.modelling.derived_id import derived_id

_NAMESPACE: Final = UUID("b0c86a0e-0f1b-4c51-8a37-6a6f1de4e1a9")


class DigestMade(Event, frozen=True, kw_only=True):
    """The open cases of a pair were others on this night than on the one before; `digest` is the hash over `cases`."""

    agency: str
    organisation: str
    cases: int
    digest: str
    made_at: datetime


class MakeDigest(Command, frozen=True, kw_only=True):
    """Keep what the open cases of a pair come to on a night."""

    agency: str
    organisation: str
    cases: int
    digest: str


class PairDigest(Struct, frozen=True):
    """The newest digest of a pair; None before its first."""

    digest: str | None = None


def decide(command: MakeDigest, pair: PairDigest) -> list[DigestMade]:
    """It is kept where it changed, so that a night that is tried again keeps nothing twice."""
    nothing_yet = pair.digest is None and command.cases == 0
    if command.digest == pair.digest or nothing_yet:
        return []
    made = DigestMade(
        agency=command.agency,
        organisation=command.organisation,
        cases=command.cases,
        digest=command.digest,
        made_at=command.at,
    )
    return [made]


def evolve(_pair: PairDigest, event: DigestMade) -> PairDigest:
    """See `services.chassis.modelling.decider`."""
    return PairDigest(event.digest)


PAIR: Final[Entity[PairDigest]] = Entity(PairDigest(), evolve)


def pair_stream(agency: str, organisation: str) -> str:
    """The stream of a pair. Ids may have any dashes in them, so they are not just put one behind the other."""
    return f"pair-{derived_id(_NAMESPACE, f'{agency} {organisation}')}"
