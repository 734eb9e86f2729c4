"""What casefile knows of an organisation, by the messages that describe it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from services.chassis.modelling.decider import Command, Entity


def organisation_stream(organisation: str) -> str:
    """The stream of what is known of one organisation."""
    return f"organisation-{organisation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnOrganisation(Command):
    """An organisation was described."""

    organisation: str
    name: str
    kind: str
    suspended: bool = False
    programmes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationLearnt:
    """An organisation as described: name, kind, whether the operator has suspended it, and the programmes it offers.

    What was stored earlier has no programmes.
    """

    organisation: str
    name: str
    kind: str
    suspended: bool = False
    programmes: tuple[str, ...] = ()


KnownOrganisationEvent = OrganisationLearnt


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOrganisation:
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
