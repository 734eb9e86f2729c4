"""Whom and where docs/domain.md refuses a command, and with which code: its chapter "Refusals" as tests read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tests.support.domain_page import State, lines, states, table

PARTIES: Final = "Who is refused"
STATES: Final = "In which state a command is refused"
CONDITIONS: Final = "What else a command needs"
_CODE: Final = re.compile(r"`([^`]+)`")
OF_SIDE: Final[Mapping[str, frozenset[str]]] = {
    "the agency": frozenset({"counsellor", "team lead"}),
    "the organisation": frozenset({"coordinator", "lead"}),
}
"""The words of the column "Who" for those who work on one side, by the side as the parties begin."""


@dataclass(frozen=True, slots=True)
class Party:
    """A row of the parties: the roles that it lists, and the code for what was theirs, for others there, and else."""

    name: str
    roles: frozenset[str]
    theirs: str
    others: str
    anything: str

    @property
    def side(self) -> frozenset[str]:
        """The words for all who work on its side."""
        return next((words for side, words in OF_SIDE.items() if side in self.name), frozenset())


@dataclass(frozen=True, slots=True)
class Condition:
    """A row of what else a command needs: who is refused by which code, and when."""

    command: str
    who: frozenset[str]
    when: str
    code: str


@cache
def parties() -> Mapping[str, Party]:
    """Every party by its name."""
    return {
        cells["Party"]: Party(
            cells["Party"],
            frozenset(_CODE.findall(cells["Role in the token"])),
            *("".join(_CODE.findall(cells[column])) for column in ("What was theirs", _OTHERS, "Anything else")),
        )
        for cells in lines(PARTIES)
    }


_OTHERS: Final = "What others there may do"


@cache
def refused_in(machine: str, command: str, state: State) -> str:
    """The code with which a command of `machine`, such as "a case", is refused in a state that its rows do not have."""
    found = [
        "".join(_CODE.findall(cells["Refused with"]))
        for cells in lines(STATES)
        if cells["Of"] == machine and _covers(cells["State"], state) and _covers(cells["Command"], command)
    ]
    assert len(found) == 1, f"{command} of {machine} in {state}: {len(found)} rows, and one is needed"
    return found[0]


def _covers(cell: str, name: State) -> bool:
    named = _CODE.findall(cell)
    return name not in named if cell.startswith("any") else name in named


@cache
def conditions() -> tuple[Condition, ...]:
    """What else commands need, in the order of the page."""
    return tuple(
        Condition(command, frozenset(cells["Who"].split(", ")), cells["Refused when"], _CODE.findall(cells["Code"])[0])
        for cells in lines(CONDITIONS)
        for command in _CODE.findall(cells["Command"])
    )


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asks: of which party, called how by the column "Who" now, and how before they were what they are."""

    party: str
    words: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of resource: the heading of its commands, and what the page calls it in the table of states."""

    heading: str
    name: str

    def refusal(self, asker: Asker, state: State, command: str, body: Mapping[str, Any]) -> str | None:
        """The code by which the page refuses this; None: it is possible, unless something else is missing."""
        assert state in states(self.heading)
        rows = [row for row in table(self.heading) if row.command == command]
        theirs = [row for row in rows if not row.who.isdisjoint(asker.words)]
        party = parties()[asker.party]
        if not theirs:
            who = frozenset[str]().union(*(row.who for row in rows))
            if not who.isdisjoint(asker.before):
                return party.theirs
            return party.others if not who.isdisjoint(party.side) else party.anything
        if any(state in row.states and row.covers(command, body) for row in theirs):
            return None
        return refused_in(self.name, command, state)
