"""A programme: its parameters as versioned data. A published version is never changed; a new one follows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from contracts.codes import ProgrammeKind, TermUnit
from services.chassis.modelling.days import start_of_day
from services.chassis.modelling.decider import Command, Entity, Fault, Refused
from services.chassis.modelling.growing import GrowingTuple


def programme_stream(programme: str) -> str:
    """The stream of one programme."""
    return f"programme-{programme}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
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

    `unknown` are the faults of what no calendar is kept of: libraries know that, and the domain knows none.
    """

    programme: str
    version: int
    valid_from: date
    parameters: Parameters
    unknown: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeVersionPublished:
    """A version of the parameters, every term filled in."""

    programme: str
    version: int
    valid_from: date
    parameters: Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """The versions published so far, oldest first."""

    versions: GrowingTuple[ProgrammeVersionPublished] = GrowingTuple()

    def in_force(self, at: datetime) -> ProgrammeVersionPublished | None:
        """The version that governs what happens at `at`."""
        for published in reversed(self.versions):
            if published.parameters.begins(published.valid_from) <= at:
                return published
        return None


def decide(command: PublishVersion, programme: Programme) -> list[Any]:
    """Publishes the version that follows the latest; the same version with the same content again changes nothing."""
    told = replace(command.parameters, terms={**DEFAULT_TERMS, **command.parameters.terms})
    published = ProgrammeVersionPublished(
        programme=command.programme, version=command.version, valid_from=command.valid_from, parameters=told
    )
    if published in programme.versions:
        return []
    following = len(programme.versions) + 1
    if command.version < following:
        raise Refused(
            "VERSION_PUBLISHED",
            f"version {command.version} of {command.programme} is published and is never changed; "
            f"publish version {following}",
        )
    if command.version > following:
        raise Refused("VERSION_GAP", f"the next version of {command.programme} is {following}, not {command.version}")
    if faults := [*_faults(told, command.valid_from, programme), *command.unknown]:
        raise Refused.input(*faults)
    return [published]


def _faults(told: Parameters, valid_from: date, programme: Programme) -> Iterable[Fault]:
    if programme.versions and valid_from < programme.versions[-1].valid_from:
        yield Fault("/validFrom", "BEFORE_PREVIOUS_VERSION", "a version is in force no earlier than the one before it")
    if told.kind not in set(ProgrammeKind):
        yield Fault("/kind", "UNKNOWN_CODE", "the kind of a programme is one of the closed list")
    if not told.criteria:
        yield Fault("/criteria", "REQUIRED", "a programme has at least one eligibility criterion")
    if len(set(told.criteria)) < len(told.criteria):
        yield Fault("/criteria", "REPEATED", "each eligibility criterion stands once")
    for name, term in told.terms.items():
        yield from _wrong_term(name, term)
    for place, day in enumerate(told.closing_days):
        if day in told.closing_days[:place]:
            first = f"/closingDays/{told.closing_days.index(day)}"
            yield Fault(f"/closingDays/{place}", "REPEATED", "each day stands once", rests_on=(first,))
    counts = (
        ("agreementMonthsMax", told.agreement_months_max, 1),
        ("extensionMonthsMax", told.extension_months_max, 0),
        ("meetingsPerMonthMin", told.meetings_per_month_min, 1),
        ("informationRequestsMax", told.information_requests_max, 0),
    )
    for name, count, least in counts:
        if count < least:
            yield Fault(f"/{name}", "TOO_SMALL", f"at least {least}")


def _wrong_term(name: str, term: Term) -> Iterable[Fault]:
    if name not in DEFAULT_TERMS:
        yield Fault(f"/terms/{pointer_token(name)}", "UNKNOWN_TERM", "there is no such term")
    elif term.n < 1:
        yield Fault(f"/terms/{name}/n", "NOT_POSITIVE", "a term is at least one day")
    elif term.unit not in set(TermUnit):
        yield Fault(f"/terms/{name}/unit", "UNKNOWN_CODE", "a term is in DAYS or WORKING_DAYS")


def pointer_token(name: str) -> str:
    """A member's name as it stands in a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def evolve(programme: Programme, event: Any) -> Programme:
    """The programme after one more event."""
    match event:
        case ProgrammeVersionPublished():
            return replace(programme, versions=programme.versions.plus(event))
        case _:
            return programme


PROGRAMME: Entity[Programme] = Entity(Programme(), evolve)
