"""What casefile has learnt by messages of programmes and organisations, so that a case replays from its own log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from services.chassis.modelling.days import start_of_day
from services.chassis.modelling.decider import Command, Entity
from services.chassis.modelling.growing import GrowingMap


def programme_stream(programme: str) -> str:
    """The stream of what is known of one programme."""
    return f"programme-{programme}"


def organisation_stream(organisation: str) -> str:
    """The stream of what is known of one organisation."""
    return f"organisation-{organisation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermLength:
    """A length of time: `n` of `unit` (`contracts.codes.TermUnit`)."""

    n: int
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The parameters of a programme version that cases are led by (`contracts.referral.ProgrammeParameters`)."""

    name: str
    time_zone: str
    country: str
    terms: dict[str, TermLength]
    agreement_months_max: int
    extension_months_max: int
    meetings_per_month_min: int
    charter_version: str
    region: str | None = None
    closing_days: tuple[date, ...] = ()


class LearnProgramme(Command, frozen=True, kw_only=True):
    """A version of a programme's parameters was published."""

    programme: str
    version: int
    valid_from: date
    rules: Rules


class LearnOrganisation(Command, frozen=True, kw_only=True):
    """An organisation was described."""

    organisation: str
    name: str
    kind: str
    suspended: bool = False
    programmes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeLearnt:
    """A version of a programme's parameters, in force from the first second of `valid_from` in its own time zone."""

    programme: str
    version: int
    valid_from: date
    rules: Rules


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProgramme:
    """The versions that are known, by number."""

    versions: GrowingMap[int, ProgrammeLearnt] = GrowingMap()

    def in_force(self, at: datetime) -> ProgrammeLearnt | None:
        """The version that governs what happens at `at`; None as long as none is known."""
        begun = [
            known for known in self.versions.values() if start_of_day(known.valid_from, known.rules.time_zone) <= at
        ]
        return max(begun, key=lambda known: known.version, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOrganisation:
    """Name and kind, None as long as nothing is known, whether it is suspended, and the programmes that it offers."""

    name: str | None = None
    kind: str | None = None
    suspended: bool = False
    programmes: tuple[str, ...] = ()


def decide_programme(command: LearnProgramme, known: KnownProgramme) -> list[Any]:
    """Keeps a version; what is known already changes nothing."""
    learnt = ProgrammeLearnt(
        programme=command.programme, version=command.version, valid_from=command.valid_from, rules=command.rules
    )
    return [] if known.versions.get(command.version) == learnt else [learnt]


def evolve_programme(known: KnownProgramme, event: Any) -> KnownProgramme:
    """What is known of the programme after one more event."""
    if isinstance(event, ProgrammeLearnt):
        return replace(known, versions=known.versions.insert(event.version, event))
    return known


def decide_organisation(command: LearnOrganisation, known: KnownOrganisation) -> list[Any]:
    """Keeps a description; what is known already changes nothing."""
    learnt = OrganisationLearnt(
        organisation=command.organisation,
        name=command.name,
        kind=command.kind,
        suspended=command.suspended,
        programmes=command.programmes,
    )
    return [] if evolve_organisation(known, learnt) == known else [learnt]


def evolve_organisation(known: KnownOrganisation, event: Any) -> KnownOrganisation:
    """What is known of the organisation after one more event."""
    if isinstance(event, OrganisationLearnt):
        return replace(known, name=event.name, kind=event.kind, suspended=event.suspended, programmes=event.programmes)
    return known


KNOWN_PROGRAMME: Entity[KnownProgramme] = Entity(KnownProgramme(), evolve_programme)
KNOWN_ORGANISATION: Entity[KnownOrganisation] = Entity(KnownOrganisation(), evolve_organisation)
