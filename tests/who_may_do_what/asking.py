"""What the tests of who may do what have in common: dry runs of commands, and what the page expects of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.support.domain_page import State, table
from tests.support.people import Person
from tests.support.refusals_page import Asker, Machine, conditions
from tests.support.running import Running

Body = Mapping[str, Any]
STATUS: Final = {"NOT_FOUND": 404, "TOKEN_INVALID": 401}
"""The status of the page's codes that is neither 403 nor 409."""
RIGHTS: Final = frozenset(
    {"ACCESS_ENDED", "LEGAL_BASIS_WITHDRAWN", "NO_ACCESS_FOR_CONTROL", "NOT_YOUR_SIDE", "PARTY_NOT_ALLOWED"}
    | {"NOT_YOUR_STEP", "REFERRAL_ENDED", "ROLE_NOT_ALLOWED", "SECOND_PERSON_REQUIRED", "TASK_REFUSED_BY_CHARTER"}
)
"""Those of the page that say that a right is missing: 403."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the tests, as what the page knows them."""

    person: Person
    asker: Asker

    def __str__(self) -> str:
        return f"{self.person.role} {self.person.sub} of {self.person.org} ({self.asker.party})"


@dataclass(frozen=True, slots=True)
class Asked:
    """One dry run: who gave which command with which body, and what came of it."""

    somebody: Somebody
    command: str
    body: Body
    answer: httpx.Response

    @property
    def code(self) -> str:
        """The code of the refusal; empty without one."""
        return "" if self.answer.status_code in (200, 201) else str(self.answer.json()["code"])

    @property
    def is_done(self) -> bool:
        """Whether it would have been done, or is so already."""
        return self.answer.status_code in (200, 201)

    @property
    def is_repeat(self) -> bool:
        """Whether it only repeats what holds already."""
        return self.is_done and self.answer.json().get("events") == []

    def __str__(self) -> str:
        return f"{self.command} {dict(self.body)} of {self.somebody}: {self.answer.status_code} {self.code}"

    def disagreements(self, machine: Machine, state: State) -> Iterator[str]:
        """Where the answer is not that of the page, as a sentence."""
        expected = machine.refusal(self.somebody.asker, state, self.command, self.body)
        if expected is None:
            if self.is_done or self.answer.status_code == 422 or self.code in _needs(self):
                return
            yield f"in {state}, {self}; the page has it there, and no such condition"
        elif self.is_repeat and _is_for(machine, self):
            return
        elif (self.answer.status_code, self.code) != (
            STATUS.get(expected, 403 if expected in RIGHTS else 409),
            expected,
        ):
            yield f"in {state}, {self}; the page refuses it by {expected}"


def _is_for(machine: Machine, asked: Asked) -> bool:
    """Whether the command is for such a person in another state: then what holds already may be said again."""
    rows = (row for row in table(machine.heading) if row.command == asked.command)
    return any(not row.who.isdisjoint(asked.somebody.asker.words) for row in rows)


def _needs(asked: Asked) -> set[str]:
    words = asked.somebody.asker.words
    return {need.code for need in conditions() if need.command == asked.command and not need.who.isdisjoint(words)}


async def dry_run(
    running: Running, somebody: Somebody, path: str, command: str, body: Body, etag: str | None, method: str = "POST"
) -> Asked:
    """What would come of a command. Nothing does."""
    sent = await running.send(somebody.person, method, path, body, etag=etag, params={"dryRun": "true"})
    return Asked(somebody, command, body, sent)


def unmet(machine: Machine, state: State, askers: Iterable[Somebody], done: Iterable[Asked]) -> list[str]:
    """What the page has in a state for somebody among those who asked, and none of them was let do it."""
    did = [asked for asked in done if asked.is_done and not asked.is_repeat]
    words = frozenset[str]().union(*(one.asker.words for one in askers))
    return [
        f"in {state} nobody was let do, as {word}: {row}"
        for row in table(machine.heading)
        for word in sorted(row.who & words if state in row.states else ())
        if not any(row.covers(one.command, one.body) and word in one.somebody.asker.words for one in did)
    ]
