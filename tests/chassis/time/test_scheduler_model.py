"""Whatever is set, stopped, restarted, lost or moved in whatever order: each instant fires, and once.

A term that has passed comes to levels, whose instants are known only once it has: each is put by what fires before it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.index.index import Changes, Index
from services.chassis.index.projection import Projection
from services.chassis.log.event_log import Conflict, EventLog, Write
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Recorded
from services.chassis.memory_stores import MemoryStores
from services.chassis.time.clock import SandboxClock
from services.chassis.time.scheduler import DEADLINES, Pending, Scheduler, instant, set_pending, sortable
from tests.chassis.counters import everything, metadata

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
STREAMS = ("a", "b", "c")
NAMES = ("ANSWER", "DECISION")


LEVELS = (("L2", 2), ("L3", 30))
"""The levels that a term comes to, each so many hours after it was due."""
Late = tuple[str, str, int, int]
"""Name, level and due hour of a term that has passed, and the hour of the level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """All terms that run now, as (name, hour of the reminder, hour due) each; what was fired is among them.

    `late` are the levels that those come to which have passed.
    """

    terms: tuple[tuple[str, int, int], ...]
    late: tuple[Late, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """What a firing recorded: beside the stream for a reminder, in it for a term that passed, and for its levels."""

    name: str
    kind: str
    due: int
    terms: tuple[tuple[str, int, int], ...] = ()
    late: tuple[Late, ...] = ()


Terms = dict[str, tuple[int, int]]
Fact = tuple[str, str, str, int]
"""Stream, name, kind and due hour of what fired."""
TYPES = EventTypes({"terms.listed.v1": Listed, "terms.fired.v1": Fired})


def instants(terms: Sequence[tuple[str, int, int]]) -> list[tuple[int, str, str, int]]:
    """Hour, name, kind and due hour of all that fires."""
    return [(at, name, kind, due) for name, remind, due in terms for kind, at in (("REMIND", remind), ("PASS", due))]


def levels(late: Sequence[Late]) -> list[tuple[int, str, str, int]]:
    """The same of the levels of what has passed."""
    return [(hour, name, level, due) for name, level, due, hour in late]


def at(hours: float) -> datetime:
    """An instant after the start."""
    return START + hours * HOUR


def project(recorded: Recorded, changes: Changes) -> None:
    """As an event lists it: what was fired before is put again, as a service does that folds nothing for its index."""
    if recorded.stream in STREAMS:
        pending = [
            Pending(sortable(at(hour)), name, kind, sortable(at(due)))
            for hour, name, kind, due in (*instants(recorded.event.terms), *levels(recorded.event.late))
        ]
        set_pending(changes, recorded.stream, recorded, pending)


@dataclass
class Process:
    """One process of the service: a scheduler on stores that it shares with others."""

    log: EventLog
    index: Index
    clock: SandboxClock
    sick: Collection[str]
    scheduler: Scheduler = field(init=False)
    projection: Projection = field(init=False)

    def __post_init__(self) -> None:
        self.projection = Projection(self.log, self.index, project)
        self.scheduler = Scheduler(self.index, self.projection, self.clock, self._fire)

    async def _fire(self, stream: str, pending: Pending) -> None:
        due = round((instant(pending.due) - START) / HOUR)
        if stream in self.sick:
            raise RuntimeError(stream)
        await self.decide(stream, pending.name, pending.kind, due)

    async def decide(self, stream: str, name: str, kind: str, due: int) -> None:
        """The domain's own look: only what runs, is due and did not fire yet fires."""
        history, reminders = await self.log.read(stream), await self.log.read(f"{stream} reminders")
        terms, late = history[-1].event.terms, history[-1].event.late
        done = {(one.event.name, one.event.kind, one.event.due) for one in (*history, *reminders) if is_fired(one)}
        every = (*instants(terms), *levels(late))
        running = {(one, what, when) for hour, one, what, when in every if at(hour) <= self.clock.now()}
        if (name, kind, due) in running - done:
            into, version = (stream, len(history)) if kind != "REMIND" else (f"{stream} reminders", len(reminders))
            begun = tuple((name, level, due, due + after) for level, after in LEVELS) if kind == "PASS" else ()
            left = tuple(one for one in late if one[:3] != (name, kind, due))
            fired = Fired(name=name, kind=kind, due=due, terms=terms, late=(*left, *begun))
            with contextlib.suppress(Conflict):
                await self.log.append([Write(into, version, [(fired, metadata())])])

    async def set(self, stream: str, terms: Terms) -> None:
        """Records which terms run."""
        history = await self.log.read(stream)
        late = history[-1].event.late if history else ()
        # A term that is over, or due at another time, comes to no level any more.
        kept = tuple(one for one in late if one[0] in terms and terms[one[0]][1] == one[2])
        listed = Listed(terms=tuple((name, *hours) for name, hours in sorted(terms.items())), late=kept)
        await self.log.append([Write(stream, len(history), [(listed, metadata())])])


def is_fired(recorded: Recorded) -> bool:
    """Whether it is the record of a firing."""
    return isinstance(recorded.event, Fired)


@dataclass
class Model:
    """What should be: the terms that run, what has fired, and which of the passed ones run on without a break."""

    terms: dict[str, Terms] = field(default_factory=dict)
    fired: set[Fact] = field(default_factory=set)
    climbing: set[tuple[str, str, int]] = field(default_factory=set)

    def set(self, stream: str, terms: Terms) -> None:
        """Which terms of a stream run from now on."""
        self.terms[stream] = terms
        runs = {(stream, name, due) for name, (_, due) in terms.items()}
        self.climbing = {one for one in self.climbing if one[0] != stream or one in runs}

    def has_fired(self, facts: Iterable[Fact]) -> None:
        """That fired, so what passed comes to its levels."""
        for stream, name, kind, due in facts:
            self.fired.add((stream, name, kind, due))
            if kind == "PASS":
                self.climbing.add((stream, name, due))

    def pending(self) -> list[tuple[int, Fact]]:
        """All that is still to fire, with its hour."""
        every: list[tuple[int, Fact]] = [
            (hour, (stream, name, kind, due))
            for stream, terms in self.terms.items()
            for hour, name, kind, due in instants([(name, *hours) for name, hours in terms.items()])
        ]
        every += [
            (due + after, (stream, name, level, due)) for stream, name, due in self.climbing for level, after in LEVELS
        ]
        return [(hour, fact) for hour, fact in every if fact not in self.fired]

    def due(self, hours: int, streams: Collection[str] = STREAMS) -> list[Fact]:
        """What is to fire by an hour in those streams, in order: with it the levels of what is to pass by then."""
        found = sorted((hour, fact) for hour, fact in self.pending() if hour <= hours and fact[0] in streams)
        for _, (stream, name, kind, due) in tuple(found):
            if kind == "PASS":
                found += [(due + n, (stream, name, level, due)) for level, n in LEVELS if due + n <= hours]
        return [fact for _, fact in sorted(found)]


STREAM = st.sampled_from(STREAMS)
NAME = st.sampled_from(NAMES)


def step(what: str, *given: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, tuple[Any, ...]]]:
    """One thing that happens, by the method of `Story` and what that is given."""
    return st.tuples(st.just(what), st.tuples(*given))


STEP = st.one_of(
    step("set", STREAM, NAME, st.integers(0, 12), st.integers(0, 4)),
    step("stop", STREAM, NAME),
    step("stop", STREAM),
    step("move", st.sampled_from((1, 3, 24, 8760))),
    step("fire", st.sets(STREAM, max_size=2)),
    step("crash", STREAM),
    step("restart", st.integers(0, 1)),
)


class Story:
    """The service and its model, and what happens to both."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stores = MemoryStores()
        self._log = self._stores.event_log("terms", TYPES)
        self._version = 1
        self._hours = 0
        self.model = Model()
        self.running = self._start()

    def _start(self) -> list[Process]:
        both = []
        for _ in range(2):
            clock = SandboxClock(self._directory / "clock.json", machine=lambda: START)
            clock.move(at(self._hours))
            both.append(Process(self._log, self._stores.index("terms", [DEADLINES], self._version), clock, set()))
        return both

    async def set(self, stream: str, name: str, wait: int, before: int) -> None:
        """A term runs, whether it did or not."""
        due = self._hours + wait
        terms = {**self.model.terms.get(stream, {}), name: (max(0, due - before), due)}
        self.model.set(stream, terms)
        await self.running[0].set(stream, terms)

    async def stop(self, stream: str, *names: str) -> None:
        """Some terms run no more; without names something happens that changes none."""
        terms = {name: term for name, term in self.model.terms.get(stream, {}).items() if name not in names}
        self.model.set(stream, terms)
        await self.running[1].set(stream, terms)

    async def move(self, hours: int) -> None:
        """Time passes."""
        self._hours += hours
        for process in self.running:
            process.clock.move(at(self._hours))

    async def fire(self, sick: Collection[str]) -> None:
        """Both schedulers fire what is due; the given streams fail."""
        self.model.has_fired(self.model.due(self._hours, set(STREAMS) - set(sick)))
        for process in self.running:
            process.sick = sick
        await asyncio.gather(*(process.scheduler.fire_due() for process in self.running), return_exceptions=True)
        facts = [
            (one.stream.split()[0], one.event.name, one.event.kind, one.event.due)
            for one in await everything(self._log)
            if is_fired(one)
        ]
        assert sorted(facts) == sorted(self.model.fired)

    async def crash(self, stream: str) -> None:
        """What is due of a stream is decided, and the process ends before it has taken it off the index."""
        due = self.model.due(self._hours, {stream})
        for fact in due:
            await self.running[0].decide(*fact)
        self.model.has_fired(due)
        self.running = self._start()

    async def restart(self, lost: int) -> None:
        """Both start again, with an index that is lost (1) or not (0)."""
        self._version += lost
        self.running = self._start()


async def _follow(steps: Sequence[tuple[str, tuple[Any, ...]]], directory: Path) -> None:
    story = Story(directory)
    for what, given_ in [*steps, ("fire", (set(),))]:
        await getattr(story, what)(*given_)
    left = story.model.pending()
    assert await story.running[0].scheduler.next_due() == (at(min(left)[0]) if left else None)
    assert [await process.scheduler.fire_due() for process in story.running] == [0, 0]


@given(steps=st.lists(STEP, max_size=30))
@settings(max_examples=150, deadline=None)
def test_every_instant_fires_once_whatever_happens(steps: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
    """Compared with a model after every round of two schedulers, over restarts, lost indexes and jumps in time."""
    with TemporaryDirectory() as directory:
        asyncio.run(_follow(steps, Path(directory)))
