"""A programme: its parameters as versioned data. A published version is never changed; a new one follows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

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


def _days(n: int) -> Term:
    return Term(n=n, unit=TermUnit.DAYS.value)


def _working_days(n: int) -> Term:
    return Term(n=n, unit=TermUnit.WORKING_DAYS.value)


DEFAULT_TERMS: Mapping[str, Term] = MappingProxyType(
    {
        "RECEIPT": _working_days(2),
        "DECISION": _working_days(10),
        "EXPIRY": _days(30),
        "INFORMATION": _working_days(5),
        "WAITLIST_REVIEW": _days(30),
        "WAITLIST_EXPIRY": _days(90),
        "DRAFT_LAPSE": _days(30),
        "NEXT_SERVICE": _working_days(5),
        "FIRST_CONTACT": _days(10),
        "INTAKE": _working_days(15),
        "MATCHING": _days(30),
        "MATCH_CONFIRMATION": _working_days(5),
        "CHECK_IN_FIRST": _days(14),
        "CHECK_IN_SECOND": _days(28),
        "PROGRESS_REPORT": _days(89),
        "SUSPENSION_REVIEW": _days(30),
        "SUSPENSION_MAX": _days(60),
        "HANDBACK_REPORT": _working_days(5),
        "HANDBACK_ACKNOWLEDGEMENT": _working_days(5),
        "OUTCOME_EXIT": _days(28),
        "NGO_ACCESS": _days(84),
        "REOPEN": _days(183),
    }
)
"""Every term there is, with the default that a programme may change."""


class Parameters(Struct, frozen=True, kw_only=True):
    """What may differ between programmes: `contracts.referral.ProgrammeParameters` says what each field means.

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
    parameters = replace(command.parameters, terms={**DEFAULT_TERMS, **command.parameters.terms})
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
            return replace(programme, versions=programme.versions.plus(event))
        case _:
            assert_never(event)


PROGRAMME: Entity[Programme] = Entity(Programme(), evolve)
