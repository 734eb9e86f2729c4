"""What casefile knows of a programme, by the messages that publish its versions; a case replays from its own log."""

from __future__ import annotations

from datetime import date, datetime
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from contracts.terms import DEFAULT_TERMS, whole_ladder
from services.chassis.modelling.days import start_of_day
from services.chassis.modelling.decider import Command, Entity, Event
from services.chassis.modelling.growing import GrowingMap


def programme_stream(programme: str) -> str:
    """The stream of what is known of one programme."""
    return f"programme-{programme}"


class TermLength(Struct, frozen=True, kw_only=True):
    """A length of time: `n` of `unit` (`contracts.codes.TermUnit`)."""

    n: int
    unit: str


class Rules(Struct, frozen=True, kw_only=True):
    """The parameters of a programme version that cases are led by (`contracts.programme_parameters`)."""

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
    ladder: dict[str, tuple[str, ...]] = field(default_factory=dict)
    check_in_every_days: dict[str, int] = field(default_factory=dict)
    professional_for: tuple[str, ...] = ()
    substitution_in_case: int = 2
    substitution_in_month: int = 5
    confidentiality_version: str | None = None


class LearnProgramme(Command, frozen=True, kw_only=True):
    """A version of a programme's parameters was published."""

    programme: str
    version: int
    valid_from: date
    rules: Rules


class ProgrammeLearnt(Event, frozen=True, kw_only=True):
    """A version of a programme's parameters, in force from the first second of `valid_from` in its own time zone."""

    programme: str
    version: int
    valid_from: date
    rules: Rules

    @property
    def begins(self) -> datetime:
        """When it comes into force."""
        return start_of_day(self.valid_from, self.rules.time_zone)


KnownProgrammeEvent = ProgrammeLearnt


class KnownProgramme(Struct, frozen=True, kw_only=True):
    """The versions that are known, by number."""

    versions: GrowingMap[int, ProgrammeLearnt] = GrowingMap()

    def in_force(self, at: datetime) -> ProgrammeLearnt | None:
        """The version that governs what happens at `at`; None as long as none is known."""
        return max(self.begun(at), key=lambda known: known.version, default=None)

    def begun(self, at: datetime) -> list[ProgrammeLearnt]:
        """The versions that have begun by `at`."""
        return [known for known in self.versions.values() if known.begins <= at]

    @property
    def programme(self) -> str:
        """Which programme it is; nothing as long as no version is known."""
        return next((known.programme for known in self.versions.values()), "")


def decide_programme(command: LearnProgramme, known: KnownProgramme) -> list[KnownProgrammeEvent]:
    """Keeps a version; what is known already changes nothing."""
    learnt = ProgrammeLearnt(
        programme=command.programme, version=command.version, valid_from=command.valid_from, rules=command.rules
    )
    return [] if known.versions.get(command.version) == _whole(learnt) else [learnt]


def _whole(learnt: ProgrammeLearnt) -> ProgrammeLearnt:
    """The version with what came after it was published: terms and levels that it does not have get their defaults."""
    rules = learnt.rules
    lengths = {name: TermLength(n=term.n, unit=term.unit) for name, term in DEFAULT_TERMS.items()}
    ladder = whole_ladder(rules.ladder)
    return replace(learnt, rules=replace(rules, terms={**lengths, **rules.terms}, ladder=ladder))


def evolve_programme(known: KnownProgramme, event: KnownProgrammeEvent) -> KnownProgramme:
    """What is known of the programme after one more event."""
    match event:
        case ProgrammeLearnt():
            return replace(known, versions=known.versions.insert(event.version, _whole(event)))
        case _:
            assert_never(event)


KNOWN_PROGRAMME: Entity[KnownProgramme] = Entity(KnownProgramme(), evolve_programme)
