"""A case as it was next to the same case under other terms, for people and for programs; from the log alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic_core import to_json

from contracts.terms import LadderLevel
from services.casefile.history import known as known_of
from services.casefile.other_terms import NoCalendar, WrongPolicy, read_policy
from services.casefile.replay import Read, read_case
from services.casefile.what_if import Happened, had, would_have_had
from services.chassis.modelling.days import USUAL_ZONE
from services.chassis.settings import Settings

_COLUMN: Final = 34


@dataclass(frozen=True)
class Pair:
    """The same thing as it was and as it would have been; None where it did not, or would not have happened."""

    was: Happened | None
    would_be: Happened | None

    @property
    def either(self) -> Happened:
        """Whichever there is."""
        found = self.was or self.would_be
        assert found is not None  # noqa: S101 - a pair is made of at least one
        return found

    @property
    def at(self) -> datetime:
        """When the earlier of the two happened."""
        return min(each.at for each in (self.was, self.would_be) if each is not None)


@dataclass(frozen=True)
class Comparison:
    """Both, up to an instant."""

    case: str
    policy: Mapping[str, Any]
    until: datetime
    zone: str
    pairs: Sequence[Pair]

    def to_json(self) -> str:
        """One document: the policy, the last instant, and the pairs in the order in which they first happened."""
        items = [
            {
                "what": pair.either.what,
                "of": pair.either.of,
                "referral": pair.either.referral,
                "was": _view(pair.was),
                "wouldBe": _view(pair.would_be),
            }
            for pair in self.pairs
        ]
        return to_json({"case": self.case, "policy": self.policy, "until": self.until, "items": items}).decode()

    def to_lines(self) -> Iterator[str]:
        """For people: a line for each pair, and how many there are of each kind."""
        yield f"case {self.case}, until {self._time(self.until)} ({self.zone})\n"
        labels = [f"{_word(pair.either.what):<9}  {pair.either.of}" for pair in self.pairs]
        # Terms about something have its name behind theirs, which may be long.
        column = max([_COLUMN, *map(len, labels)])
        yield f"{'':<{column}}  {'as it was':<16}  under the other terms"
        for label, pair in zip(labels, self.pairs, strict=True):
            line = f"{label:<{column}}  {self._cell(pair.was):<16}  {self._cell(pair.would_be)}"
            yield line.rstrip()
        yield ""
        for what in ("REMINDED", "MISSED", "EXPIRED", "ESCALATED", "L2", "L3"):
            was = sum(pair.was is not None for pair in self.pairs if pair.either.what == what)
            would_be = sum(pair.would_be is not None for pair in self.pairs if pair.either.what == what)
            yield f"{_word(what):<{column}}  {was:<16}  {would_be}"

    def _cell(self, happened: Happened | None) -> str:
        return self._time(happened.at) if happened is not None else "-"

    def _time(self, at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo(self.zone)):%Y-%m-%d %H:%M}"


def _word(what: str) -> str:
    return what if what in set(LadderLevel) else what.lower()


def _view(happened: Happened | None) -> dict[str, Any] | None:
    if happened is None:
        return None
    return {"of": happened.of, "at": happened.at, "dueAt": happened.due_at, "awaited": happened.awaited}


def paired(was: Sequence[Happened], would_be: Sequence[Happened]) -> list[Pair]:
    """Each thing next to its counterpart: the first reminder of a term next to its first, and so on."""
    sides: dict[tuple[str, str, str | None], tuple[list[Happened], list[Happened]]] = defaultdict(lambda: ([], []))
    for place, happened in ((place, each) for place, side in enumerate((was, would_be)) for each in side):
        sides[happened.subject][place].append(happened)
    pairs = [Pair(*pair) for side in sides.values() for pair in zip_longest(*side)]
    return sorted(pairs, key=lambda pair: (pair.at, pair.either.what, pair.either.of))


async def compare_case(
    settings: Settings, case_id: str, file: Path, when: datetime | date | None, known: datetime | date | None
) -> Comparison:
    """A case next to itself under the terms in a file. Raises UnknownCase, WrongPolicy.

    It is told up to `when`, and where that is None, up to the last event that the service recorded of any case.
    """
    other, policy = read_policy(file)
    read = await read_case(settings, case_id)
    as_of, known_at = read.instant(when), read.instant(known)
    until = min(at for at in (as_of, known_at, read.ends_at) if at is not None)
    records = [recorded for recorded in known_of(read.records, None, known_at) if recorded.meta.recorded_at <= until]
    try:
        would_be = would_have_had(records, read.programme, other, until)
    except NoCalendar as unknown:
        raise WrongPolicy(file, str(unknown)) from None
    pairs = paired(had(records), would_be)
    return Comparison(case_id, policy, until, _zone(read), pairs)


def _zone(read: Read) -> str:
    learnt = read.programme.in_force(read.records[-1].meta.recorded_at)
    return learnt.rules.time_zone if learnt is not None else USUAL_ZONE
