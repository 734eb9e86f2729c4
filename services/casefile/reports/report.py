"""What a report is: facts that are found in one history, and rows that are made of the facts of all.

Facts are small and of one history alone, so they can be kept, and found again in those histories that moved. Rows are
made of facts whenever somebody asks. Both are pure functions, so a report over what is kept and one over the logs are
the same report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from services.casefile.access import standing_of
from services.casefile.domain.case import evolve
from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.corrections_of_reports import report_of
from services.casefile.domain.report_facts import Reported
from services.casefile.domain.state import Case
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.days import FIRST, USUAL_ZONE, day_in, end_of_day, in_utc, start_of_day

CASE_PREFIX: Final = "case-"
MENTOR_PREFIX: Final = "mentor-"
Row = dict[str, Any]
"""A row of a report: a value for each of its columns, in their order. None: it is unknown, or not shown."""
F = TypeVar("F")


class Moment(Struct, frozen=True):
    """An event of a case with the case before and after it."""

    recorded: Recorded
    before: Case
    after: Case


@dataclass(frozen=True)
class History:
    """All that is recorded of one case, or of one mentor, in order."""

    stream: str
    records: Sequence[Recorded]

    @property
    def is_case(self) -> bool:
        """Whether it is that of a case."""
        return self.stream.startswith(CASE_PREFIX)

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """The events of a case, each with the case before and after it."""
        found: list[Moment] = []
        case = Case()
        for recorded in self.records if self.is_case else ():
            before, case = case, evolve(case, recorded.event)
            found.append(Moment(recorded, before, case))
        return tuple(found)

    @cached_property
    def case(self) -> Case:
        """The case after all of it; an empty one for a mentor."""
        return self.moments[-1].after if self.moments else Case()

    def is_over(self, referral: str | None) -> bool:
        """Whether the part that an organisation had by a referral shows it nothing any more."""
        return any(access.referral == referral and access.closed for access in self.case.accesses)

    @cached_property
    def standing(self) -> tuple[Moment, ...]:
        """The moments of a case, with every report in them as it reads after its last correction."""
        holds: dict[str, Reported] = {}
        originals: dict[str, str] = {}
        for moment in self.moments:
            correction = moment.recorded.event
            if isinstance(correction, CorrectionRecorded) and correction.holds is not None:
                # A correction of a correction is one of the report behind it.
                original = originals.get(correction.corrects, correction.corrects)
                originals[moment.recorded.meta.event_id] = original
                holds[original] = correction.holds
        if not holds:
            return self.moments
        return tuple(_as_it_stands(moment, holds) for moment in self.moments)


def _as_it_stands(moment: Moment, holds: dict[str, Reported]) -> Moment:
    recorded = moment.recorded
    stands = holds.get(recorded.meta.event_id)
    if stands is None or report_of(recorded.event) is None:
        return moment
    names = type(recorded.event).__struct_fields__
    changed: dict[str, Any] = {}
    for name, value in stands.facts.items():
        if name in names:
            changed[name] = tuple(value) if isinstance(value, list) else value
        elif name == "by" and isinstance(value, dict):
            changed["role"] = value["role"]
    if stands.happened_at is not None:
        changed["happened_at"] = stands.happened_at
    return Moment(replace(recorded, event=replace(recorded.event, **changed)), moment.before, moment.after)


class Subject(Struct, frozen=True, array_like=True):
    """Whose history it is: a case with its agency and programme, or a mentor, who has neither.

    `standings` say how each organisation that ever had a part in a case stands to it now (`services.casefile.access`).
    """

    stream: str
    agency: str | None = None
    programme: str | None = None
    standings: dict[str, str] = {}

    @property
    def is_case(self) -> bool:
        """Whether it is a case."""
        return self.stream.startswith(CASE_PREFIX)

    @property
    def case(self) -> str:
        """The case's id."""
        return self.stream.removeprefix(CASE_PREFIX)


def referral_in(case: Case) -> str | None:
    """The referral by which an organisation has a case, or is offered it."""
    return case.referral.referral if case.referral is not None else None


def subject_of(history: History) -> Subject:
    """The subject of a history."""
    case = history.case
    parts = dict.fromkeys(access.organisation for access in case.accesses)
    standings = {organisation: standing_of(organisation, case) or "" for organisation in parts}
    return Subject(history.stream, case.agency or None, case.programme or None, standings)


class Findings(Struct, Generic[F], frozen=True):
    """A subject, and the facts that were found in its history."""

    subject: Subject
    facts: Sequence[F]


class Period(Struct, frozen=True):
    """The days that a report is about, first and last included; None: without an end there.

    They are days in Brussels: a report is over programmes, whatever zones their calendars name. `now` is the time of
    the newest event in the log: until then is counted what still goes on, so that a log always gives the same report.
    `key` is the log's own for pseudonyms.
    """

    first: date | None = None
    last: date | None = None
    now: datetime = FIRST
    key: bytes = b""

    def has(self, day: date) -> bool:
        """Whether a day is among them."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def overlaps(self, begin: datetime, end: datetime | None) -> bool:
        """Whether any of them is in an interval; None: it goes on."""
        return (self.last is None or day_of(begin) <= self.last) and (
            self.first is None or end is None or self.first <= day_of(end)
        )

    def hours(self, begin: datetime, end: datetime | None) -> float:
        """How many hours of an interval are within them; what goes on is counted until now."""
        first = max(begin, start_of_day(self.first, USUAL_ZONE)) if self.first is not None else begin
        last = end if end is not None else self.now
        if self.last is not None:
            last = min(last, end_of_day(self.last, USUAL_ZONE) + timedelta(seconds=1))
        return max(0.0, (last - first).total_seconds() / 3600)

    def touches(self, quarter: str) -> bool:
        """Whether a day of that quarter is among them."""
        first, last = _days_of(quarter)
        return (self.last is None or first <= self.last) and (self.first is None or self.first <= last)


def day_of(at: datetime) -> date:
    """The day of an instant, as reports count it."""
    return day_in(USUAL_ZONE, at)


def written(at: datetime | None) -> str | None:
    """An instant as rows have it, in UTC."""
    return in_utc(at) if at is not None else None


def quarter_of(at: datetime) -> str:
    """The quarter of an instant, such as `2026-Q1`."""
    day = day_of(at)
    return f"{day.year:04}-Q{(day.month + 2) // 3}"


def quarters(first: str, last: str) -> Iterator[str]:
    """The quarters from one to another, both included."""
    year, number = int(first[:4]), int(first[-1])
    while (quarter := f"{year:04}-Q{number}") <= last:
        yield quarter
        year, number = (year + 1, 1) if number == 4 else (year, number + 1)


def _days_of(quarter: str) -> tuple[date, date]:
    year, number = int(quarter[:4]), int(quarter[-1])
    following = date(year + 1, 1, 1) if number == 4 else date(year, 3 * number + 1, 1)
    return date(year, 3 * number - 2, 1), date.fromordinal(following.toordinal() - 1)


@dataclass(frozen=True)
class Report(Generic[F]):
    """A report: what it says of itself, and how it comes about.

    `definition` is a plain sentence or two for people who read figures, `sources` the names of the events that it is
    made of, `columns` those of its rows. `facts` finds its facts, of the class `fact`, in one history; `rows` makes
    rows of the facts of all, for a period. Every row names the `agency`, the `programme` and the `organisation` that
    it is of, by which callers filter, where these are columns of the report.

    `statistic`: its rows are counts of people or of what they did. They are counted over everybody before anybody's
    filter is applied, in cells that no filter moves, and small cells are not shown.

    Of other reports an organisation reads rows that are made of its own facts alone: those whose `organisation` it is
    (and that are not `withheld`), of cases that it may still read. Where it comes to a case again, what its first part
    was stays closed. `across`: a fact is about all that
    happened in a case, whichever organisation it was with, so it is no organisation's own.
    """

    name: str
    definition: str
    sources: tuple[str, ...]
    columns: tuple[str, ...]
    fact: type[F]
    facts: Callable[[History], Iterable[F]]
    rows: Callable[[Iterable[Findings[F]], Period], Iterable[Row]]
    statistic: bool = False
    across: bool = False

    @property
    def column(self) -> str:
        """Where its facts are kept."""
        return self.name.replace("-", "_")

    @cached_property
    def _decoder(self) -> Decoder[list[F]]:
        listed: Any = list[self.fact]  # type: ignore[name-defined]
        return Decoder(listed)

    def found_in(self, history: History) -> list[F]:
        """Its facts in a history."""
        return list(self.facts(history))

    def encoded(self, facts: Sequence[F]) -> str | None:
        """Facts as they are kept; None where there are none."""
        return _ENCODER.encode(facts).decode() if facts else None

    def decoded(self, kept: str) -> list[F]:
        """Facts as they were found."""
        return self._decoder.decode(kept)

    def document(self, period: Period, rows: Sequence[Row]) -> dict[str, Any]:
        """Rows of it in its JSON shape."""
        about = {"report": self.name, "definition": self.definition, "from": period.first, "to": period.last}
        return {**about, "items": rows}

    def answer(self, findings: Iterable[Findings[F]], period: Period, wanted: Wanted) -> list[Row]:
        """Its rows, in an order that depends on what they say alone."""
        if wanted.of_organisation is not None and not self.statistic:
            findings = self._own(findings, wanted, wanted.of_organisation)
        rows = [row for row in self.rows(findings, period) if wanted.fits(row)]
        if wanted.of_organisation is not None and self.statistic:
            # That there is a row at all, hidden or with nothing left in it, tells its code of one of a few people.
            rows = [row for row in rows if any(value and isinstance(value, int | float) for value in row.values())]
        return sorted(rows, key=lambda row: [_sortable(row[column]) for column in self.columns])

    def _own(self, findings: Iterable[Findings[F]], wanted: Wanted, organisation: str) -> Iterator[Findings[F]]:
        """The facts that are an organisation's own, of what it may still read. Its mentors are always its own."""
        for each in findings if not self.across else ():
            subject = each.subject
            if not subject.is_case or subject.standings.get(organisation) in wanted.standings:
                yield Findings(subject, [fact for fact in each.facts if _is_own(fact, organisation)])


def _is_own(fact: Any, organisation: str) -> bool:
    return fact.organisation == organisation and not getattr(fact, "withheld", False)


_ENCODER: Final = Encoder()


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (2, "")
    return (0, value) if isinstance(value, int | float) else (1, str(value))


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted; None lets everything through.

    `of_agency` and `of_organisation` are the caller's own, who may read no other rows. In lists of cases these are
    rows of cases to which the organisation stands as one of `standings` says.
    """

    programme: str | None = None
    organisation: str | None = None
    of_agency: str | None = None
    of_organisation: str | None = None
    standings: frozenset[str] = frozenset()

    def fits(self, row: Row) -> bool:
        """Whether a row is among them."""
        return all(
            value is None or row.get(column) == value
            for column, value in (
                ("programme", self.programme),
                ("organisation", self.organisation),
                ("agency", self.of_agency),
                ("organisation", self.of_organisation),
            )
        )


def events(history: History, *kinds: type) -> Iterator[Moment]:
    """The moments of a case whose events are of these kinds, reports as they read after their last correction."""
    return (moment for moment in history.standing if isinstance(moment.recorded.event, kinds))
