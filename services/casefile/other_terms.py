"""Other terms for a case that was: the members of a programme version that differ, from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import SupportNeed, TermUnit
from contracts.fields import calendar_date
from contracts.terms import DEFAULT_TERMS, LadderLevel, Notified
from services.casefile.domain.known_programme import Rules, TermLength
from services.chassis.refused_start import RefusedStart
from services.chassis.time.calendar import LONGEST, Calendar

MEMBERS: Final = ("terms", "country", "region", "closingDays", "ladder", "checkInEveryDays")
"""The members of a programme version by which the deadlines of a case are counted."""
SILENT: Final = frozenset(
    {
        "DRAFT_LAPSE",
        "MENTOR_ACCESS",
        "REOPEN",
    }
)
"""Terms of which no reminder, breach or escalation of a case comes."""
_EXAMPLE: Final = '{"terms": {"DECISION": {"n": 1, "unit": "WORKING_DAYS"}}}'


class WrongPolicy(RefusedStart):
    """The file is none of other terms; the message names it, each member that is wrong, and what would be accepted."""

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(f"{file}: {what}")


class NoCalendar(ValueError):  # noqa: N818 - reads as what happened
    """Nobody keeps the holidays of the place that other terms name."""


class OtherTerms(Struct, frozen=True, kw_only=True):
    """What differs from the programme version in force; None and empty where nothing does."""

    terms: Mapping[str, TermLength] = {}
    country: str | None = None
    region: str | None = None
    closing_days: tuple[date, ...] | None = None
    ladder: Mapping[str, tuple[str, ...]] = {}
    check_in_every_days: Mapping[str, int] | None = None

    def over(self, rules: Rules) -> Rules:
        """The rules of a version with what differs. A region goes with its country."""
        elsewhere = self.country not in (None, rules.country)
        return replace(
            rules,
            terms={**rules.terms, **self.terms},
            country=self.country or rules.country,
            region=self.region or (None if elsewhere else rules.region),
            closing_days=rules.closing_days if self.closing_days is None else self.closing_days,
            ladder={**rules.ladder, **self.ladder},
            check_in_every_days=dict(
                rules.check_in_every_days if self.check_in_every_days is None else self.check_in_every_days
            ),
        )


def read_policy(file: Path) -> tuple[OtherTerms, dict[str, Any]]:
    """The other terms in a file, and the file's JSON. Raises WrongPolicy."""
    try:
        document = msgspec.json.decode(file.read_bytes())
    except OSError as error:
        raise WrongPolicy(file, f"{error.strerror}; give a file such as {_EXAMPLE}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongPolicy(file, f"no JSON ({error}); give an object such as {_EXAMPLE}") from None
    if not isinstance(document, dict):
        raise WrongPolicy(file, f"no object; give one such as {_EXAMPLE}")
    if faults := list(_faults(document)):
        raise WrongPolicy(file, "; ".join(faults))
    days = document.get("closingDays")
    return (
        OtherTerms(
            terms={
                name: TermLength(n=term["n"], unit=term["unit"]) for name, term in document.get("terms", {}).items()
            },
            country=document.get("country"),
            region=document.get("region"),
            closing_days=None if days is None else tuple(map(calendar_date, days)),
            ladder={level: tuple(whom) for level, whom in document.get("ladder", {}).items()},
            check_in_every_days=document.get("checkInEveryDays"),
        ),
        document,
    )


def _faults(document: Mapping[str, Any]) -> Iterator[str]:
    checks = {
        "terms": _terms,
        "country": _text,
        "region": _text,
        "closingDays": _closing_days,
        "ladder": _ladder,
        "checkInEveryDays": _check_ins,
    }
    for member, given in document.items():
        if member not in checks:
            yield f"{member}: times no deadline of a case; members that do are {', '.join(MEMBERS)}"
        else:
            yield from checks[member](member, given)


def _terms(member: str, given: Any) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f'{member}: give an object of terms, such as {{"DECISION": {{"n": 1, "unit": "WORKING_DAYS"}}}}'
        return
    known = sorted(set(DEFAULT_TERMS) - SILENT)
    for name, term in given.items():
        where = f"{member}.{name}"
        if name in SILENT:
            yield f"{where}: brings no reminder, breach or escalation of a case; terms that do are {', '.join(known)}"
        elif name not in DEFAULT_TERMS:
            yield f"{where}: no such term; terms are {', '.join(known)}"
        elif not isinstance(term, dict):
            yield f'{where}: give a length, such as {{"n": 1, "unit": "WORKING_DAYS"}}'
        else:
            yield from _length(where, term)


def _length(where: str, term: Mapping[str, Any]) -> Iterator[str]:
    for member in term.keys() - {"n", "unit"}:
        yield f"{where}.{member}: no member of a length; give n and unit"
    n = term.get("n")
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= LONGEST:
        yield f"{where}.n: give a whole number of days from 1 to {LONGEST}"
    if term.get("unit") not in set(TermUnit):
        yield f"{where}.unit: give {' or '.join(TermUnit)}"


def _text(member: str, given: Any) -> Iterator[str]:
    if not isinstance(given, str) or not given:
        code = "an ISO 3166-1 alpha-2 code such as BE" if member == "country" else "an ISO 3166-2 code such as DE-BY"
        yield f"{member}: give {code}"


def _closing_days(member: str, given: Any) -> Iterator[str]:
    if not isinstance(given, list):
        yield f'{member}: give a list of days, such as ["2026-07-13"]'
        return
    for place, day in enumerate(given):
        try:
            calendar_date(day)
        except (ValueError, TypeError):
            yield f"{member}.{place}: give a day as YYYY-MM-DD"


def _ladder(member: str, given: Any) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f'{member}: give whom is told by level, such as {{"L2": ["LEADS"]}}'
        return
    for level, whom in given.items():
        if level not in set(LadderLevel):
            yield f"{member}.{level}: no such level; they are {', '.join(LadderLevel)}"
        elif not isinstance(whom, list) or any(who not in set(Notified) for who in whom):
            yield f"{member}.{level}: give a list of {', '.join(Notified)}, or an empty one"


def _check_ins(member: str, given: Any) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f'{member}: give days by support need, such as {{"CHILDCARE": 14}}'
        return
    for need, days in given.items():
        if need not in set(SupportNeed):
            yield f"{member}.{need}: no such support need; they are {', '.join(SupportNeed)}"
        elif not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 366:
            yield f"{member}.{need}: give a whole number of days from 1 to 366"


def calendar_of(rules: Rules) -> Calendar:
    """The calendar of a version's rules. Raises NoCalendar where nobody keeps the holidays of the place."""
    lengths = {name: (term.n, term.unit) for name, term in rules.terms.items()}
    try:
        return Calendar(lengths, rules.time_zone, rules.country, rules.region, rules.closing_days)
    except ValueError as error:
        raise NoCalendar(str(error)) from None
