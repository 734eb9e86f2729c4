"""What casefile knows of an organisation, by the messages that describe it."""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.chassis.modelling.decider import Command, Entity, Event


def organisation_stream(organisation: str) -> str:
    """The stream of what is known of one organisation."""
    return f"organisation-{organisation}"


class LearnOrganisation(Command, frozen=True, kw_only=True):
    """An organisation was described."""

    organisation: str
    name: str
    kind: str
    suspended: bool = False
    programmes: tuple[str, ...] = ()


class OrganisationLearnt(Event, frozen=True, kw_only=True):
    """An organisation as described: name, kind, whether the operator has suspended it, and the programmes it offers.

    What was stored earlier has no programmes.
    """

    organisation: str
    name: str
    kind: str
    suspended: bool = False
    programmes: tuple[str, ...] = ()


KnownOrganisationEvent = OrganisationLearnt


class KnownOrganisation(Struct, frozen=True, kw_only=True):
    """Name and kind, None as long as nothing is known, whether it is suspended, and the programmes that it offers."""

    name: str | None = None
    kind: str | None = None
    suspended: bool = False
    programmes: tuple[str, ...] = ()


def decide_organisation(command: LearnOrganisation, known: KnownOrganisation) -> list[KnownOrganisationEvent]:
    """Keeps a description; what is known already changes nothing."""
    learnt = OrganisationLearnt(
        organisation=command.organisation,
        name=command.name,
        kind=command.kind,
        suspended=command.suspended,
        programmes=command.programmes,
    )
    return [] if evolve_organisation(known, learnt) == known else [learnt]


def evolve_organisation(known: KnownOrganisation, event: KnownOrganisationEvent) -> KnownOrganisation:
    """What is known of the organisation after one more event."""
    match event:
        case OrganisationLearnt():
            return replace(
                known, name=event.name, kind=event.kind, suspended=event.suspended, programmes=event.programmes
            )
        case _:
            assert_never(event)


KNOWN_ORGANISATION: Entity[KnownOrganisation] = Entity(KnownOrganisation(), evolve_organisation)
