"""What a decision has only read must still hold when its events are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from services.chassis.deciding.context import Needed
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Reads, Streams
from services.chassis.log.event_log import Conflict, EventLog, Write
from services.chassis.modelling.decider import Command
from tests.chassis.conftest import OpenLog
from tests.chassis.counters import COUNTER, PAYMENTS, TILL, Counted, Counter, Paid, call, count, metadata

A, B = "counter-a", "counter-b"


class ByTheTill:
    """Contexts of counters that go up by what was paid; `meanwhile` happens behind each look."""

    def __init__(self, log: EventLog, payments: int = 0) -> None:
        """`payments` are made, one behind each look."""
        self._log = log
        self._payments = payments
        self.seen: list[int] = []

    def needs(self, _command: Command, own: Counter, /) -> dict[str, Needed]:
        """The till; of a counter that is not there yet, B as well."""
        needs = {"till": Needed(TILL, PAYMENTS)}
        return needs if own.total else {**needs, "b": Needed(B, COUNTER)}

    async def make(
        self, _command: Command, _stream: str, _own: Counter, found: Mapping[str, Any], _reads: Reads, /
    ) -> int:
        """What was paid."""
        paid: int = found["till"]
        self.seen.append(paid)
        if len(self.seen) <= self._payments:
            await pay(self._log)
        return paid

    def references(self, _command: Command, _context: int, /) -> Mapping[str, str | None]:
        """None."""
        return {}


def by_what_was_paid(_command: Command, paid: int) -> list[Any]:
    """Counts up by it."""
    return [Counted(by=paid)]


async def pay(log: EventLog) -> None:
    """Somebody pays into the till."""
    while True:
        version = len(await log.read(TILL))
        try:
            await log.append([Write(TILL, version, [(Paid(counter="z"), metadata(f"paid-{version}"))])])
        except Conflict:
            continue
        return


async def test_what_moved_behind_a_decision_that_only_read_it_is_decided_on_again(open_log: OpenLog) -> None:
    """By another process too; the event says what held when it was stored."""
    log, other = open_log(), open_log()
    contexts = ByTheTill(other, payments=3)
    outcome = await Handler(Streams(log), contexts, by_what_was_paid).handle(
        count(), A, COUNTER, call(), must_exist=False
    )
    assert (contexts.seen, outcome.events, outcome.state) == ([0, 1, 2, 3], [Counted(by=3)], Counter(3))
    assert [one.event.by for one in await log.read(A)] == [3]


async def test_a_stream_that_was_named_in_vain_may_move(open_log: OpenLog) -> None:
    """It was read because of what the counter was taken for before it was read; the decision does not rest on it."""
    log, other = open_log(), open_log()
    await other.append([Write(A, 0, [(Counted(by=1), metadata())])])
    await pay(other)
    contexts = ByTheTill(other)
    handler = Handler(Streams(log), contexts, by_what_was_paid)
    reads = await handler.read(count(), A, COUNTER, None)
    await other.append([Write(B, 0, [(Counted(by=1), metadata("e-2"))])])
    await handler.handle(count(), A, COUNTER, call(), reads=reads)
    assert contexts.seen == [1]


async def test_a_reader_of_what_others_write_without_end_gets_on(log: EventLog) -> None:
    """Writers of the stream that it reads let it have its turn after a while."""
    streams = Streams(log)
    writers: Handler[Command, int] = Handler(streams, ByTheTill(log), lambda _command, _paid: [Paid(counter="z")])
    readers: Handler[Command, int] = Handler(streams, ByTheTill(log), by_what_was_paid)
    await pay(log)
    done = False

    async def writing() -> int:
        times = 0
        while not done:
            await writers.handle(count(), TILL, COUNTER, call())
            times += 1
        return times

    steady = [asyncio.ensure_future(writing()) for _ in range(8)]
    for n in range(20):
        await readers.handle(count(), f"counter-{n}", COUNTER, call(), must_exist=False)
    done = True
    assert sum(await asyncio.gather(*steady)) > 20
