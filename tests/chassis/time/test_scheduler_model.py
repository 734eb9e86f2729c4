"""Whatever is set, stopped, restarted, lost or moved in whatever order: each instant fires once, and none is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """All terms that run now, as (name, hours until the reminder, hours until due) each; what was fired is among them."""

    terms: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """What a firing recorded: beside the stream for a reminder, in it for a term that passed."""

    name: str
    kind: str
    due: int
    terms: tuple[tuple[str, int, int], ...] = ()


Terms = dict[str, tuple[int, int]]
Fact = tuple[str, str, str, int]
"""Stream, name, kind and due hour of what fired."""
TYPES = EventTypes({"terms.listed.v1": Listed, "terms.fired.v1": Fired})


def instants(terms: Sequence[tuple[str, int, int]]) -> list[tuple[int, str, str, int]]:
    """Hour, name, kind and due hour of all that fires."""
    return [(at, name, kind, due) for name, remind, due in terms for kind, at in (("REMIND", remind), ("PASS", due))]


def at(hours: float) -> datetime:
    """An instant after the start."""
    return START + hours * HOUR


def project(recorded: Recorded, changes: Changes) -> None:
    """As an event lists it: what was fired before is put again, as a service does that folds nothing for its index."""
    if recorded.stream in STREAMS:
        pending = [
            Pending(sortable(at(hour)), name, kind, sortable(at(due)))
            for hour, name, kind, due in instants(recorded.event.terms)
        ]
        set_pending(changes, recorded.stream, recorded, pending)


@dataclass
class Process:
    """One process of the service: a scheduler on stores that it shares with others."""

    log: EventLog
    index: Index
    clock: SandboxClock
    sick: set[str]
    asked: list[Fact] = field(default_factory=list)
    scheduler: Scheduler = field(init=False)
    projection: Projection = field(init=False)

    def __post_init__(self) -> None:
        self.projection = Projection(self.log, self.index, project)
        self.scheduler = Scheduler(self.index, self.projection, self.clock, self._fire)

    async def _fire(self, stream: str, pending: Pending) -> None:
        due = round((instant(pending.due) - START) / HOUR)
        self.asked.append((stream, pending.name, pending.kind, due))
        if stream in self.sick:
            raise RuntimeError(stream)
        await self.decide(stream, pending.name, pending.kind, due)

    async def decide(self, stream: str, name: str, kind: str, due: int) -> None:
        """The domain's own look: only what runs, is due and did not fire yet fires."""
        history, reminders = await self.log.read(stream), await self.log.read(f"{stream} reminders")
        terms = history[-1].event.terms
        done = {(one.event.name, one.event.kind, one.event.due) for one in (*history, *reminders) if is_fired(one)}
        running = {(one, what, when) for hour, one, what, when in instants(terms) if at(hour) <= self.clock.now()}
        if (name, kind, due) in running - done:
            into, version = (stream, len(history)) if kind == "PASS" else (f"{stream} reminders", len(reminders))
            fired = Fired(name=name, kind=kind, due=due, terms=terms)
            with contextlib.suppress(Conflict):
                await self.log.append([Write(into, version, [(fired, metadata())])])

    async def set(self, stream: str, terms: Terms) -> None:
        """Records which terms run."""
        listed = Listed(terms=tuple((name, *hours) for name, hours in sorted(terms.items())))
        await self.log.append([Write(stream, len(await self.log.read(stream)), [(listed, metadata())])])


def is_fired(recorded: Recorded) -> bool:
    """Whether it is the record of a firing."""
    return isinstance(recorded.event, Fired)


@dataclass
class Model:
    """What should be: the terms that run, and what has fired."""

    terms: dict[str, Terms] = field(default_factory=dict)
    fired: set[Fact] = field(default_factory=set)

    def pending(self) -> list[tuple[int, Fact]]:
        """All that is still to fire, with its hour."""
        listed = {stream: [(name, *hours) for name, hours in terms.items()] for stream, terms in self.terms.items()}
        every = [(hour, (stream, *what)) for stream, terms in listed.items() for hour, *what in instants(terms)]
        return [
            (hour, (s, name, kind, due))
            for hour, (s, name, kind, due) in every
            if (s, name, kind, due) not in self.fired
        ]


STREAM = st.sampled_from(STREAMS)
STEP = st.one_of(
    st.tuples(st.just("set"), STREAM, st.sampled_from(NAMES), st.integers(0, 12), st.integers(0, 4)),
    st.tuples(st.just("stop"), STREAM, st.sampled_from(NAMES)),
    st.tuples(st.just("note"), STREAM),
    st.tuples(st.just("move"), st.sampled_from((1, 3, 8760))),
    st.tuples(st.just("fire"), st.sets(STREAM, max_size=2)),
    st.tuples(st.just("crash"), STREAM),
    st.tuples(st.just("restart"), st.booleans()),
)


async def _follow(steps: Sequence[tuple[object, ...]], directory: Path) -> None:
    stores, model, version, hours = MemoryStores(), Model(), 1, 0
    log = stores.event_log("terms", TYPES)

    def start() -> list[Process]:
        both = []
        for _ in range(2):
            clock = SandboxClock(directory / "clock.json", machine=lambda: START)
            clock.move(at(hours))
            both.append(Process(log, stores.index("terms", [DEADLINES], version), clock, set()))
        return both

    running = start()

    async def fire(sick: set[str]) -> None:
        due = {what for hour, what in model.pending() if hour <= hours and what[0] not in sick}
        model.fired |= due
        for process in running:
            process.sick, process.asked = sick, []
        await asyncio.gather(*(process.scheduler.fire_due() for process in running), return_exceptions=True)
        facts = [
            (one.stream.split()[0], one.event.name, one.event.kind, one.event.due)
            for one in await everything(log)
            if is_fired(one)
        ]
        assert sorted(facts) == sorted(model.fired)

    for what, *given_ in [*steps, ("fire", set())]:
        match what, given_:
            case "set", [str(stream), str(name), int(wait), int(before)]:
                due = hours + wait
                terms = model.terms[stream] = {**model.terms.get(stream, {}), name: (max(0, due - before), due)}
                await running[0].set(stream, terms)
            case "stop" | "note", [str(stream), *names]:
                terms = {name: term for name, term in model.terms.get(stream, {}).items() if name not in names}
                model.terms[stream] = terms
                await running[1].set(stream, terms)
            case "move", [int(further)]:
                hours += further
                for process in running:
                    process.clock.move(at(hours))
            case "fire", [set() as sick]:
                await fire(sick)
            case "crash", [str(stream)]:
                # What is due is decided, and the process ends before it has taken it off the index.
                for _, fact in sorted(model.pending()):
                    if fact[0] == stream and (stream, *fact[1:]) in {f for hour, f in model.pending() if hour <= hours}:
                        await running[0].decide(*fact)
                        model.fired.add(fact)
                running = start()
            case "restart", [bool(lost)]:
                version += lost
                running = start()
    left = model.pending()
    assert await running[0].scheduler.next_due() == (at(min(left)[0]) if left else None)
    assert [await process.scheduler.fire_due() for process in running] == [0, 0]


@given(steps=st.lists(STEP, max_size=30))
@settings(max_examples=150, deadline=None)
def test_every_instant_fires_once_whatever_happens(steps: Sequence[tuple[object, ...]]) -> None:
    """Compared with a model after every round of two schedulers at once, over restarts, lost indexes and jumps in time."""
    with TemporaryDirectory() as directory:
        asyncio.run(_follow(steps, Path(directory)))
