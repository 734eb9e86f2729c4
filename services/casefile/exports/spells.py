"""What held from when until when in a case: its states, who was responsible, and which deadlines ran.

It is read from what the case was after each event that a reader sees, so it says of every instant what the route of
responsibility says of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar

from msgspec import UNSET, Struct

from services.casefile.domain.deadlines import DeadlineMissed
from services.casefile.domain.state import Case
from services.casefile.domain.steps import OpenStep, Party
from services.casefile.history import occurred_at
from services.chassis.log.metadata import Recorded

LEAD: Final = "CASE_LEAD"
"""In the place of a step: who leads the case."""
AWAITED: Final = "AWAITED"
"""In the place of a deadline's name: until when the owner of a step waits for somebody else."""


class Charge(NamedTuple):
    """That somebody is responsible for a step, or for the case as its lead."""

    step: str
    about: str | None
    party: Party


class Term(NamedTuple):
    """A deadline of a step by its name and time, and whose it is: the owner's, or an organisation that is awaited."""

    step: str
    about: str | None
    deadline: str
    due_at: datetime
    sub: str | None
    role: str | None
    organisation: str


T = TypeVar("T")


class Spell(Struct, Generic[T], frozen=True):
    """That something held; `end` and `ended_by` are None as long as it goes on. Events are named by their ids."""

    what: T
    begin: datetime
    begun_by: str
    end: datetime | None = None
    ended_by: str | None = None


class _Run(NamedTuple, Generic[T]):
    """What holds now, by a key: what is the same but for its owner has the same `group`."""

    what: T
    since: datetime | None = None
    group: str = ""


class Spells(Generic[T]):
    """Gathers them, event by event."""

    def __init__(self) -> None:
        self._found: list[Spell[T]] = []
        self._open: dict[object, tuple[str, int]] = {}

    def take(self, holds: Mapping[object, _Run[T]], at: datetime, event: str) -> None:
        """What holds after an event, which happened then."""
        passed_on = set()
        for key in [key for key in self._open if key not in holds]:
            group, place = self._open.pop(key)
            passed_on.add(group)
            runs = self._found[place]
            # What was reported late ended no earlier than it began.
            self._found[place] = Spell(runs.what, runs.begin, runs.begun_by, max(at, runs.begin), event)
        for key, run in holds.items():
            if key not in self._open:
                since = run.since if run.since is not None and run.group not in passed_on else at
                self._open[key] = run.group, len(self._found)
                self._found.append(Spell(run.what, since, event))

    @property
    def found(self) -> list[Spell[T]]:
        """All of them, in the order of their beginnings."""
        return sorted(self._found, key=lambda spell: spell.begin)


class CaseSpells:
    """All that an export says of what held in a case."""

    def __init__(self) -> None:
        self._states = Spells[str]()
        self._charges = Spells[Charge]()
        self._terms = Spells[Term]()
        self._missed: dict[tuple[str, datetime], datetime] = {}

    def take(self, recorded: Recorded, after: Case) -> None:
        """An event, and the case after it."""
        at, event = occurred_at(recorded), recorded.meta.event_id
        if isinstance(recorded.event, DeadlineMissed):
            self._missed[recorded.event.deadline, recorded.event.due_at] = recorded.meta.recorded_at
        states: dict[object, _Run[str]] = {}
        if after.state is not None:
            states[after.state] = _Run(after.state.value)
        self._states.take(states, at, event)
        self._charges.take(dict(_charges(after)), at, event)
        self._terms.take(dict(_terms(after)), at, event)

    @property
    def states(self) -> list[Spell[str]]:
        """Its states."""
        return self._states.found

    @property
    def charges(self) -> list[Spell[Charge]]:
        """Who was responsible for what."""
        return self._charges.found

    @property
    def terms(self) -> list[Spell[Term]]:
        """The deadlines."""
        return self._terms.found

    def missed_at(self, term: Term) -> datetime | None:
        """When it was recorded that a deadline had passed without what it waited for; None where it was not."""
        return self._missed.get((term.deadline, term.due_at))


def _charges(case: Case) -> Iterator[tuple[object, _Run[Charge]]]:
    if case.lead is not None:
        yield (LEAD, case.lead), _Run(Charge(LEAD, None, case.lead), case.opened_at, LEAD)
    for step in case.steps:
        yield (step.key, step.owner), _Run(Charge(step.step, _about(step), step.owner), step.since, step.key)


def _terms(case: Case) -> Iterator[tuple[object, _Run[Term]]]:
    for step in case.steps:
        owner = step.owner
        for due in step.deadlines:
            term = Term(step.step, _about(step), due.name, due.due_at, owner.sub, owner.role, owner.org)
            yield (step.key, due.name, due.due_at), _Run(term)
        waits = step.awaiting
        if waits is not None and waits.due_at is not None:
            term = Term(step.step, _about(step), AWAITED, waits.due_at, None, None, waits.org)
            yield (step.key, AWAITED, waits.org, waits.due_at), _Run(term)


def _about(step: OpenStep) -> str | None:
    return step.about if step.about is not UNSET else None
