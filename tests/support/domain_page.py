"""docs/domain.md as tests read it: its tables are the expectations, and nothing here asks the program.

A row says what one command, or one thing that happens by itself, may do. `Row.fits` holds it against what happened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path(__file__).parents[2] / "docs" / "domain.md"
REFERRAL_COMMANDS: Final = "Commands on a referral"
REFERRAL_BY_ITSELF: Final = "What happens to a referral without a command"
LEGAL_BASIS_COMMANDS: Final = "Commands on a legal basis"
BROADCAST_COMMANDS: Final = "Commands on a broadcast"
BROADCAST_BY_ITSELF: Final = "What happens to a broadcast without a command on it"
SUBSCRIPTION_COMMANDS: Final = "Commands on a subscription"
SUBSCRIPTION_BY_ITSELF: Final = "What happens to a subscription without a command"
CASE_COMMANDS: Final = "Commands on a case"
CASE_BY_ITSELF: Final = "What happens to a case without a command"
MACHINES: Final = (
    (REFERRAL_COMMANDS, REFERRAL_BY_ITSELF),
    (BROADCAST_COMMANDS, BROADCAST_BY_ITSELF),
    (LEGAL_BASIS_COMMANDS,),
    (SUBSCRIPTION_COMMANDS, SUBSCRIPTION_BY_ITSELF),
    (CASE_COMMANDS, CASE_BY_ITSELF),
)

_CODE: Final = re.compile(r"`([^`]+)`")
_IN_PARENTHESES: Final = re.compile(r"\([^()]*\)")
_DASH: Final = "\N{EN DASH}"

State = str | None
"""A state's name; None where nothing is recorded."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What a command did: the events by name, the state afterwards, and the names of the deadlines that began."""

    events: tuple[str, ...]
    to: State
    deadlines: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row. `given` narrows it to bodies with one of the values of each field; `to` None is "stays".

    `note` is what stands behind the command in parentheses: which of several rows it is, where fields do not say it.
    `events` pairs a name with whether it always happens, and so does `deadlines`.
    """

    text: str
    command: str
    note: str
    given: Mapping[str, frozenset[str]]
    who: frozenset[str]
    states: tuple[State, ...]
    to: State
    events: tuple[tuple[str, bool], ...]
    deadlines: Mapping[str, bool]

    def __str__(self) -> str:
        return self.text

    def covers(self, command: str, body: Mapping[str, Any]) -> bool:
        """Whether the row is about this command with this body."""
        return command == self.command and all(_as_written(body.get(name)) in self.given[name] for name in self.given)

    def fits(self, before: State, happened: Happened) -> bool:
        """Whether this is what the row says happens in the state."""
        if before not in self.states or happened.to != (self.to or before):
            return False
        always = {name for name, certain in self.deadlines.items() if certain}
        return always <= happened.deadlines <= self.deadlines.keys() and self._has(happened.events)

    def _has(self, events: tuple[str, ...]) -> bool:
        left = list(events)
        for name, certain in self.events:
            if left and left[0] == name:
                left.pop(0)
            elif certain:
                return False
        return not left


def _as_written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def table(heading: str) -> tuple[Row, ...]:
    """The rows under a heading."""
    every = states(heading)
    return tuple(_row(cells, every) for cells in lines(heading))


@cache
def states(heading: str) -> frozenset[str]:
    """Every state that the tables of a machine name; `heading` is that of any of them."""
    tables = next(machine for machine in MACHINES if heading in machine)
    cells_of_all = (cells for table in tables for cells in lines(table))
    return frozenset(code for cells in cells_of_all for code in _CODE.findall(cells["From"] + cells["To"]))


def roles() -> dict[str, frozenset[str]]:
    """The roles that each word of the column "Who" stands for."""
    return {cells["Word"]: frozenset(_CODE.findall(cells["Role in the token"])) for cells in lines("How to read")}


def terms() -> dict[str, str]:
    """The default of each term, in words."""
    return {_CODE.findall(cells["Term"])[0]: cells["Default"] for cells in lines("Terms")}


def possible(heading: str, word: str, state: State) -> frozenset[str]:
    """The commands that those whom the column "Who" calls so may give in a state."""
    return frozenset(row.command for row in table(heading) if state in row.states and word in row.who)


@cache
def lines(heading: str) -> tuple[Mapping[str, str], ...]:
    """The cells of the table under a heading, row by row, by the names of its columns."""
    return tuple(_lines(heading))


def _lines(heading: str) -> Iterator[Mapping[str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^#+ {re.escape(heading)}[^\n]*\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{PAGE.name} has no heading {heading}"
    rows = [_cells(line) for line in found[1].splitlines() if line.startswith("|")]
    assert len(rows) > 2, f"no table under {heading}"
    names = rows[0]
    for cells in rows[2:]:
        assert len(cells) == len(names), f"a row with {len(cells)} cells, not {len(names)}: {cells}"
        yield dict(zip(names, cells, strict=True))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _row(cells: Mapping[str, str], every: Iterable[str]) -> Row:
    first = cells.get("Command") or cells["What happens"]
    command, *narrowed = _CODE.findall(first)
    given: dict[str, set[str]] = {}
    for field, _, value in (condition.partition("=") for condition in narrowed):
        given.setdefault(field, set()).add(value)
    return Row(
        text=f"| {first} | {cells['From']} | {cells['To']} | {cells['Event']} | {cells['Deadline started']} |",
        command=command,
        note=first.partition("(")[2].rstrip(")"),
        given={field: frozenset(values) for field, values in given.items()},
        who=frozenset(cells.get("Who", "").split(", ")),
        states=_from(cells["From"], every),
        to=None if cells["To"] == "stays" else _CODE.findall(cells["To"])[0],
        events=tuple(_certain(cells["Event"])),
        deadlines=dict(_certain(cells["Deadline started"])),
    )


def _from(cell: str, every: Iterable[str]) -> tuple[State, ...]:
    named = _CODE.findall(cell)
    if cell == _DASH:
        return (None,)
    return tuple(sorted(set(every) - set(named))) if cell.startswith("any") else tuple(named)


def _certain(cell: str) -> Iterator[tuple[str, bool]]:
    """Each code of a cell in order, and whether it stands outside parentheses."""
    doubtful = [found.span() for found in _IN_PARENTHESES.finditer(cell)]
    for found in _CODE.finditer(cell):
        yield found[1], not any(begin < found.start() < end for begin, end in doubtful)
