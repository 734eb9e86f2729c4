"""Deadlines: each fires once, in the order of due times, also those that fell due while nothing ran."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.chassis.index.index import Changes, Index
from services.chassis.index.projection import Projection
from services.chassis.log.event_log import Conflict, EventLog, Write
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Recorded
from services.chassis.operating.supervision import Supervised
from services.chassis.store_opener import StoreOpener
from services.chassis.time.clock import SandboxClock
from services.chassis.time.scheduler import DEADLINES, Pending, Scheduler, instant, pending_in, set_pending, sortable
from tests.chassis.counters import everything, metadata
from tests.chassis.indexing import changing

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSet:
    """A term runs, until it is set again or stopped."""

    name: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TermStopped:
    """What was awaited has happened."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermPassed:
    """What was awaited has not happened in time."""

    name: str
    due_at: datetime


TYPES = EventTypes({"term.set.v1": TermSet, "term.stopped.v1": TermStopped, "term.passed.v1": TermPassed})


def running_in(history: Sequence[Recorded]) -> dict[str, datetime]:
    """The terms of a stream that run after these events."""
    running: dict[str, datetime] = {}
    for one in history:
        if isinstance(one.event, TermSet):
            running[one.event.name] = one.event.due_at
        else:
            running.pop(one.event.name, None)
    return running


class Terms:
    """Pending terms, a row for all of a stream."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._history: dict[str, list[Recorded]] = {}

    async def look(self, batch: Sequence[Recorded]) -> None:
        """Reads the streams of a batch."""
        streams = {recorded.stream for recorded in batch}
        self._history = {stream: list(await self._log.read(stream)) for stream in streams}

    def project(self, recorded: Recorded, changes: Changes) -> None:
        """What runs after an event."""
        running = running_in(self._history[recorded.stream][: recorded.version])
        pending = (Pending(sortable(due), name, "PASS", sortable(due)) for name, due in running.items())
        set_pending(changes, recorded.stream, recorded, pending)


async def pend(index: Index, stream: str, *pending: Pending) -> None:
    """Puts a row for a stream, whatever its events say."""
    event = TermSet(name="ANSWER", due_at=START)
    async with changing(index) as changes:
        set_pending(changes, stream, Recorded(1, stream, 1, "term.set.v1", event, metadata(), b""), pending)


@dataclass
class World:
    """A service of terms: its log, its clock and its scheduler. `then` is what follows from a term that passed."""

    log: EventLog
    index: Index
    clock: SandboxClock
    projection: Projection = field(init=False)
    scheduler: Scheduler = field(init=False)
    sick: set[str] = field(default_factory=set)
    then: Callable[[str, datetime], list[TermSet | TermStopped]] = lambda _name, _at: []
    asked: list[tuple[str, str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        terms = Terms(self.log)
        self.projection = Projection(self.log, self.index, terms.project, terms.look)
        self.scheduler = Scheduler(self.index, self.projection, self.clock, self._fire)

    async def append(self, stream: str, *events: TermSet | TermStopped | TermPassed) -> None:
        """Records events."""
        await self._write(stream, len(await self.log.read(stream)), *events)

    async def _write(self, stream: str, version: int, *events: TermSet | TermStopped | TermPassed) -> None:
        await self.log.append([Write(stream, version, [(event, metadata()) for event in events])])

    async def set(self, stream: str, hours: float, name: str = "ANSWER") -> None:
        """Sets a term that is due so many hours after the start."""
        await self.append(stream, TermSet(name=name, due_at=START + hours * HOUR))

    async def _fire(self, stream: str, pending: Pending) -> None:
        name, at = pending.name, instant(pending.at)
        self.asked.append((stream, name, at))
        if stream in self.sick:
            raise RuntimeError(stream)
        with contextlib.suppress(Conflict):
            # The domain's own look: only a term that runs and is not passed yet passes.
            recorded = await self.log.read(stream)
            if running_in(recorded).get(name) == at:
                # Behind what was read and no later: two that look at once must not both write.
                await self._write(stream, len(recorded), TermPassed(name=name, due_at=at), *self.then(name, at))

    async def passed(self) -> list[tuple[str, float]]:
        """Which streams' terms passed, and when they were due, in the order of the log."""
        recorded = await everything(self.log)
        return [
            (one.stream, (one.event.due_at - START) / HOUR) for one in recorded if isinstance(one.event, TermPassed)
        ]


@pytest.fixture
async def worlds(tmp_path: Path, stores: StoreOpener) -> AsyncIterator[Callable[[], World]]:
    """Starts the service, as often as asked, on the same files; the clock stands still until it is moved."""
    started: list[World] = []

    def start() -> World:
        clock = SandboxClock(tmp_path / "clock.json", machine=lambda: START)
        log = stores.event_log("counters", TYPES)
        started.append(World(log, stores.index("counters", [DEADLINES], 1), clock))
        return started[-1]

    yield start
    for world in started:
        await world.log.close()
        world.index.close()


@pytest.fixture
def world(worlds: Callable[[], World]) -> World:
    """One running service."""
    return worlds()


def at(hours: float) -> datetime:
    """An instant after the start."""
    return START + hours * HOUR


def test_sortable_texts_have_the_order_of_time() -> None:
    """Also across fractions of a second, and back again."""
    instants = [START + timedelta(microseconds=n) for n in (0, 1, 10, 999_999, 1_000_000, 86_400_000_000)]
    assert sorted(map(sortable, instants)) == [sortable(one) for one in instants]
    assert [instant(sortable(one)) for one in instants] == instants


async def test_a_deadline_fires_once_and_not_before_its_time(world: World) -> None:
    """Nothing a moment before; at the instant itself once; never again."""
    await world.set("a", 2)
    assert (await world.scheduler.fire_due(), await world.scheduler.next_due()) == (0, at(2))
    world.clock.move(at(2) - timedelta(microseconds=1))
    assert await world.scheduler.fire_due() == 0
    world.clock.move(at(2))
    assert [await world.scheduler.fire_due() for _ in range(3)] == [1, 0, 0]
    assert (await world.passed(), await world.scheduler.next_due()) == ([("a", 2.0)], None)


async def test_what_fell_due_while_nothing_ran_fires_at_the_next_start(worlds: Callable[[], World]) -> None:
    """After being down past many due times: all of them, once, in their order, each with its own instant."""
    before = worlds()
    for n in range(120):
        await before.set(f"s{n}", (n * 37) % 120 + 1)
    await before.log.close()
    after = worlds()
    after.clock.move(at(100))
    assert await after.scheduler.fire_due() == 100
    assert [hours for _, hours in await after.passed()] == [float(n) for n in range(1, 101)]
    assert all(due == at(hours) for (_, _, due), (_, hours) in zip(after.asked, await after.passed(), strict=True))
    assert await after.scheduler.next_due() == at(101)


async def test_what_follows_from_a_deadline_takes_its_place_in_the_order(world: World) -> None:
    """A term that is set by another one's passing is fired before those that are due later."""
    world.then = lambda name, due: [TermSet(name="NEXT", due_at=due + HOUR)] if name == "ANSWER" else []
    await world.set("a", 1)
    await world.set("b", 3)
    world.clock.move(at(10))
    assert await world.scheduler.fire_due() == 4
    assert await world.passed() == [("a", 1.0), ("a", 2.0), ("b", 3.0), ("b", 4.0)]


async def test_a_deadline_set_anew_under_the_same_name_is_not_forgotten(world: World) -> None:
    """The passing of a term may set the same term again: the new one stands and fires at its own time."""
    world.then = lambda name, due: [TermSet(name=name, due_at=due + 5 * HOUR)]
    await world.set("a", 1)
    world.clock.move(at(2))
    assert (await world.scheduler.fire_due(), await world.scheduler.next_due()) == (1, at(6))
    world.clock.move(at(12))
    assert await world.scheduler.fire_due() == 2
    assert await world.passed() == [("a", 1.0), ("a", 6.0), ("a", 11.0)]


async def test_a_deadline_that_was_met_or_moved_does_not_fire(world: World) -> None:
    """Stopped in time, or set to a later instant: the old instant is nothing any more."""
    for stream in ("met", "moved"):
        await world.set(stream, 1)
    await world.append("met", TermStopped(name="ANSWER"))
    await world.set("moved", 9)
    world.clock.move(at(5))
    assert (await world.scheduler.fire_due(), world.asked, await world.scheduler.next_due()) == (0, [], at(9))


async def test_what_one_firing_settles_is_not_fired_after_it(world: World) -> None:
    """The index is brought up to date between two firings, so a term stopped by another's passing is not asked for."""
    world.then = lambda _name, _due: [TermStopped(name="DECISION")]
    await world.set("a", 1)
    await world.set("a", 2, name="DECISION")
    world.clock.move(at(5))
    assert await world.scheduler.fire_due() == 1
    assert world.asked == [("a", "ANSWER", at(1))]


async def test_a_stale_deadline_vanishes(world: World) -> None:
    """A row that the domain answers with nothing is asked for once and then gone."""
    await pend(world.index, "ghost", Pending(sortable(at(0)), "ANSWER", "PASS", sortable(at(0))))
    assert [await world.scheduler.fire_due() for _ in range(2)] == [1, 0]
    assert (len(world.asked), await world.passed(), await world.index.get("deadlines", "ghost")) == (1, [], None)


async def test_a_crash_between_firing_and_forgetting_fires_nothing_twice(worlds: Callable[[], World]) -> None:
    """The row that is still there is asked for again, and the domain answers that it has passed already."""
    first = worlds()
    await first.set("a", 1)
    first.clock.move(at(2))
    await first.projection.catch_up()
    (row,) = await first.index.first("deadlines", "at")
    await first._fire(row.key, pending_in(row)[0])
    await first.log.close()
    again = worlds()
    await again.scheduler.fire_due()
    assert (await again.passed(), await again.scheduler.next_due()) == ([("a", 1.0)], None)


async def test_a_deadline_that_runs_again_is_not_taken_for_the_one_before_it(world: World) -> None:
    """Stopped when the domain was asked, and running again by the same instant before the row was moved on."""
    await world.set("a", 1)
    world.clock.move(at(2))
    await world.projection.catch_up()

    async def fire(stream: str, pending: Pending) -> None:
        if not world.asked:
            await world.append(stream, TermStopped(name="ANSWER"))
            await world._fire(stream, pending)
            await world.set(stream, 1)
            await world.projection.catch_up()
        else:
            await world._fire(stream, pending)

    assert await Scheduler(world.index, world.projection, world.clock, fire).fire_due() == 2
    assert (await world.passed(), await world.scheduler.next_due()) == ([("a", 1.0)], None)


async def test_the_next_of_a_stream_follows_when_the_first_wrote_nothing(world: World) -> None:
    """What is behind in the row is not lost with what no longer holds, and comes when it is due."""
    firings = [Pending(sortable(at(hour)), name, "PASS", sortable(at(hour))) for hour, name in ((1, "GONE"), (3, "A"))]
    await world.set("a", 3, name="A")
    await world.projection.catch_up()
    await pend(world.index, "a", *firings)
    world.clock.move(at(2))
    assert (await world.scheduler.fire_due(), await world.scheduler.next_due()) == (1, at(3))
    world.clock.move(at(3))
    assert (await world.scheduler.fire_due(), await world.passed()) == (1, [("a", 3.0)])


async def test_what_a_firing_leaves_comes_behind_what_else_is_due(world: World) -> None:
    """A long piece of work does so much at a time; what had to be done by then is done first."""
    done = []

    async def fire(stream: str, pending: Pending) -> list[Pending]:
        done.append((stream, pending.name))
        return [pending._replace(at=sortable(at(2)), name=str(int(pending.name) - 1))] if pending.name != "1" else []

    for stream, hour, n in (("long", 0, "3"), ("short", 1, "1")):
        await pend(world.index, stream, Pending(sortable(at(hour)), n, "PASS", sortable(at(hour))))
    world.clock.move(at(2))
    assert await Scheduler(world.index, world.projection, world.clock, fire).fire_due() == 4
    assert done == [("long", "3"), ("short", "1"), ("long", "2"), ("long", "1")]


async def test_two_schedulers_fire_each_deadline_once(worlds: Callable[[], World]) -> None:
    """The second to come finds that it has passed."""
    one, other = worlds(), worlds()
    for n in range(20):
        await one.set(f"s{n}", 1)
    one.clock.move(at(2))
    other.clock.move(at(2))
    await asyncio.gather(one.scheduler.fire_due(), one.scheduler.fire_due(), other.scheduler.fire_due())
    assert len(await one.passed()) == len({stream for stream, _ in await one.passed()}) == 20


async def test_a_deadline_that_fails_holds_up_only_its_own_stream(world: World) -> None:
    """The others fire; the failure is raised for the supervisor, and tried again the next time."""
    for n in range(70):
        await world.set(f"sick{n}", 1)
    await world.set("sick0", 2, name="DECISION")
    await world.set("well", 3)
    world.sick = {f"sick{n}" for n in range(70)}
    world.clock.move(at(5))
    with pytest.raises(RuntimeError):
        await world.scheduler.fire_due()
    assert await world.passed() == [("well", 3.0)]
    assert ("sick0", "DECISION", at(2)) not in world.asked
    world.sick.clear()
    assert await world.scheduler.fire_due() == 71


async def test_a_running_scheduler_notices_a_moved_clock(world: World) -> None:
    """It naps at most a second, so time that is moved under it does not keep a deadline waiting for long."""
    work = [Supervised("scheduler", world.scheduler.round), Supervised("projection", world.projection.round)]
    for one in work:
        one.start()
    await world.set("a", 5)
    await asyncio.sleep(0.05)
    world.clock.move(at(6))
    for _ in range(150):
        if await world.passed():
            break
        await asyncio.sleep(0.01)
    assert await world.passed() == [("a", 5.0)]
    await asyncio.gather(*(one.stop() for one in work))
