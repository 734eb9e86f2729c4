"""A programme: its parameters as versioned data. A published version is never changed; a new one follows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from contracts import terms
from contracts.codes import ProgrammeKind, TermUnit
from services.chassis.modelling.days import start_of_day
from services.chassis.modelling.decider import Command, Entity, Event, Fault, Refused
from services.chassis.modelling.growing import GrowingTuple


def programme_stream(programme: str) -> str:
    """The stream of one programme."""
    return f"programme-{programme}"


class Term(Struct, frozen=True, kw_only=True):
    """A length of time: `n` calendar days or working days (`contracts.codes.TermUnit`)."""

    n: int
    unit: str


DEFAULT_TERMS: Mapping[str, Term] = MappingProxyType(
    {name: Term(n=term.n, unit=term.unit) for name, term in terms.DEFAULT_TERMS.items()}
)
"""Every term there is, with the default that a programme may change."""


class Parameters(Struct, frozen=True, kw_only=True):
    """What may differ between programmes: `contracts.programme_parameters` says what each field means.

    A term that a publisher leaves out has its default.
    """

    kind: str
    name: str
    time_zone: str
    country: str
    criteria: tuple[str, ...]
    arrangement_id: str
    contact_point: str
    terms: dict[str, Term] = field(default_factory=lambda: dict(DEFAULT_TERMS))
    agreement_months_max: int = 6
    extension_months_max: int = 3
    meetings_per_month_min: int = 2
    information_requests_max: int = 2
    charter_version: str = "v1"
    region: str | None = None
    closing_days: tuple[date, ...] = ()
    ladder: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(terms.DEFAULT_LADDER))
    check_in_every_days: dict[str, int] = field(default_factory=dict)
    professional_for: tuple[str, ...] = ()
    substitution_in_case: int = 2
    substitution_in_month: int = 5
    confidentiality_version: str | None = None

    def begins(self, valid_from: date) -> datetime:
        """When a version with these parameters begins: with the first second of its day, in its own time zone."""
        return start_of_day(valid_from, self.time_zone)


class PublishVersion(Command, frozen=True, kw_only=True):
    """Publish version `version` of the parameters, in force from the beginning of `valid_from` in their time zone.

    `unknown` are the faults of time zones and places without a calendar, which only libraries know.
    """

    programme: str
    version: int
    valid_from: date
    parameters: Parameters
    unknown: tuple[Fault, ...] = ()


class ProgrammeVersionPublished(Event, frozen=True, kw_only=True):
    """A version of the parameters, every term filled in."""

    programme: str
    version: int
    valid_from: date
    parameters: Parameters


class Programme(Struct, frozen=True, kw_only=True):
    """The versions published so far, oldest first."""

    versions: GrowingTuple[ProgrammeVersionPublished] = GrowingTuple()

    def in_force(self, at: datetime) -> ProgrammeVersionPublished | None:
        """The version that governs what happens at `at`."""
        for published in reversed(self.versions):
            if published.parameters.begins(published.valid_from) <= at:
                return published
        return None


def decide(command: PublishVersion, programme: Programme) -> list[ProgrammeVersionPublished]:
    """Publishes the version that follows the latest; the same version with the same content again changes nothing."""
    parameters = _whole(command.parameters)
    published = ProgrammeVersionPublished(
        programme=command.programme, version=command.version, valid_from=command.valid_from, parameters=parameters
    )
    if published in programme.versions:
        return []
    following = len(programme.versions) + 1
    if command.version < following:
        raise Refused(
            "VERSION_PUBLISHED",
            f"version {command.version} of {command.programme} is published and never changes; "
            f"publish version {following}",
        )
    if command.version > following:
        raise Refused("VERSION_GAP", f"the next version of {command.programme} is {following}, not {command.version}")
    if faults := [*_faults(parameters, command.valid_from, programme), *command.unknown]:
        raise Refused.input(*faults)
    return [published]


def _whole(parameters: Parameters) -> Parameters:
    """The parameters with every term filled in, those also that came after a version was published."""
    return replace(parameters, terms={**DEFAULT_TERMS, **parameters.terms})


def _faults(parameters: Parameters, valid_from: date, programme: Programme) -> Iterable[Fault]:
    if programme.versions and valid_from < programme.versions[-1].valid_from:
        yield Fault(
            "/validFrom", "BEFORE_PREVIOUS_VERSION", "a version cannot be in force earlier than the one before it"
        )
    if parameters.kind not in set(ProgrammeKind):
        yield Fault("/kind", "UNKNOWN_CODE", "the kind of a programme is a code of the closed list")
    if not parameters.criteria:
        yield Fault("/criteria", "REQUIRED", "name at least one eligibility criterion")
    if len(set(parameters.criteria)) < len(parameters.criteria):
        yield Fault("/criteria", "REPEATED", "list each eligibility criterion once")
    for name, term in parameters.terms.items():
        yield from _wrong_term(name, term)
    for place, day in enumerate(parameters.closing_days):
        if day in parameters.closing_days[:place]:
            first = f"/closingDays/{parameters.closing_days.index(day)}"
            yield Fault(f"/closingDays/{place}", "REPEATED", "list each day once", rests_on=(first,))
    counts = (
        ("agreementMonthsMax", parameters.agreement_months_max, 1),
        ("extensionMonthsMax", parameters.extension_months_max, 0),
        ("meetingsPerMonthMin", parameters.meetings_per_month_min, 1),
        ("informationRequestsMax", parameters.information_requests_max, 0),
        ("substitutionInCase", parameters.substitution_in_case, 1),
        ("substitutionInMonth", parameters.substitution_in_month, 1),
        *((f"checkInEveryDays/{pointer_token(need)}", n, 1) for need, n in parameters.check_in_every_days.items()),
    )
    for name, count, least in counts:
        if count < least:
            yield Fault(f"/{name}", "TOO_SMALL", f"at least {least}")


def _wrong_term(name: str, term: Term) -> Iterable[Fault]:
    if name not in DEFAULT_TERMS:
        yield Fault(f"/terms/{pointer_token(name)}", "UNKNOWN_TERM", "no such term")
    elif term.n < 1:
        yield Fault(f"/terms/{name}/n", "NOT_POSITIVE", "a term is at least one day")
    elif term.unit not in set(TermUnit):
        yield Fault(f"/terms/{name}/unit", "UNKNOWN_CODE", "a term is in DAYS or WORKING_DAYS")


def pointer_token(name: str) -> str:
    """A member's name as it stands in a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


ProgrammeEvent = ProgrammeVersionPublished


def evolve(programme: Programme, event: ProgrammeEvent) -> Programme:
    """The programme after one more event."""
    match event:
        case ProgrammeVersionPublished():
            whole = replace(event, parameters=_whole(event.parameters))
            return replace(programme, versions=programme.versions.plus(whole))
        case _:
            assert_never(event)


PROGRAMME: Entity[Programme] = Entity(Programme(), evolve)
