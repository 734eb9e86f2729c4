"""Where reading is a round trip, a command is decided on what is known already, and the log checks that it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.chassis.deciding.context import Needed
from services.chassis.deciding.handler import Handler, NotFound, PreconditionFailed
from services.chassis.deciding.idempotency import KeyReused
from services.chassis.deciding.streams import Doubtful, Reads, Streams
from services.chassis.engines.store_health import Unavailable
from services.chassis.log.event_log import NOTHING_READ, EventLog, Write
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Command, Refused
from services.chassis.vault.vault import Deposit
from tests.chassis.conftest import OpenLog
from tests.chassis.counters import (
    ANN,
    COUNTER,
    NOW,
    PAYMENTS,
    TILL,
    Close,
    Counted,
    Counter,
    Paid,
    call,
    count,
    handler,
    metadata,
)
from tests.chassis.deciding.test_only_read import pay

A = "counter-a"


class Far:
    """A log to which every question is a round trip, counted."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.name, self.types, self.remote = log.name, log.types, True
        self.trips: list[str] = []
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def mark(self) -> object:
        """Nothing is known of what others append."""
        return object()

    async def read_tails(self, tails: Sequence[tuple[str, int]], *, most: int | None = None) -> list[list[Recorded]]:
        """As the log does."""
        self.trips.append("read")
        return await self._log.read_tails(tails, most=most)

    async def append(
        self, writes: Sequence[Write], *, read: Mapping[str, int] = NOTHING_READ, records: Deposit | None = None
    ) -> int:
        """As the log does, unless it is away: then it stores, and does not say so."""
        self.trips.append("append")
        position = await self._log.append(writes, read=read, records=records)
        if self.away:
            raise Unavailable("log", "57P01")
        return position

    def told(self) -> list[str]:
        """The round trips since the last time."""
        told, self.trips = self.trips, []
        return told


class IfPaid:
    """Contexts of counters that rest on the till."""

    def needs(self, _command: Command, _own: Counter, /) -> dict[str, Needed]:
        """The till."""
        return {"till": Needed(TILL, PAYMENTS)}

    async def make(
        self, _command: Command, _stream: str, _own: Counter, found: Mapping[str, Any], _reads: Reads, /
    ) -> int:
        """What was paid."""
        paid: int = found["till"]
        return paid

    def references(self, _command: Command, _context: int, /) -> Mapping[str, str | None]:
        """None."""
        return {}


def if_paid(_command: Command, paid: int) -> list[Any]:
    """Counts up by what was paid; where nothing was, nothing is counted."""
    if not paid:
        raise Refused("NOTHING_PAID", "pay first")
    return [Counted(by=paid)]


@pytest.fixture
def far(open_log: OpenLog) -> Far:
    """The log of this process."""
    return Far(open_log())


async def test_a_command_on_a_stream_that_is_known_takes_one_round_trip(far: Far) -> None:
    """Its own appends are known too, with the positions that they have; a key is taken as new."""
    counting = handler(Streams(far))
    await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    await counting.handle(count(), A, COUNTER, call())
    assert far.told() == ["read", "append", "append"]
    first = await counting.handle(count(2), A, COUNTER, call(idempotency_key="k", fingerprint="f"))
    # The till is read as long as there was nothing in it.
    for _ in range(2):
        await counting.handle(count(2, pays=True), A, COUNTER, call())
    assert far.told() == ["append", "read", "append", "read", "append"]
    last = await counting.handle(count(8, pays=True), A, COUNTER, call(if_match=5))
    assert (far.told(), last.state, last.version, last.etag) == (["append"], Counter(16), 6, 6)
    again = await counting.handle(count(2), A, COUNTER, call(idempotency_key="k", fingerprint="f"))
    assert (again.replayed, again.position, again.state) == (True, first.position, first.state)
    assert [one.version for one in await far.read(A)] == [1, 2, 3, 4, 5, 6]


async def test_what_is_new_takes_one_round_trip_where_its_sender_says_so(far: Far) -> None:
    """Nothing is read of what was never heard of, and the append finds out; a second time it is no longer new."""
    counting = handler(Streams(far))
    key = call(idempotency_key="k", fingerprint="f")
    reads = await counting.read(count(), A, COUNTER, key.key, (TILL, PAYMENTS), known=True)
    assert (reads.doubtful, await reads.state(TILL, PAYMENTS)) == (True, 0)
    outcome = await counting.handle(count(), A, COUNTER, key, must_exist=False, reads=reads)
    assert (far.told(), outcome.state) == (["append"], Counter(1))
    reads = await counting.read(count(), A, COUNTER, key.key, known=True)
    with pytest.raises(Doubtful):
        await counting.handle(count(), A, COUNTER, key, must_exist=False, reads=reads)
    assert len(await far.read(A)) == 1


async def test_what_the_sender_looked_at_has_to_hold_too(far: Far, open_log: OpenLog) -> None:
    """It may have refused the command on it, so a decision on what was known of it does not stand either."""
    counting, other = handler(Streams(far)), open_log()
    reads = await counting.read(count(), A, COUNTER, None, (TILL, PAYMENTS), known=True)
    assert await reads.state(TILL, PAYMENTS) == 0
    await pay(other)
    with pytest.raises(Doubtful):
        await counting.handle(count(), A, COUNTER, call(), must_exist=False, reads=reads)
    assert await far.read(A) == []


async def test_nobody_is_refused_for_what_no_longer_holds(far: Far, open_log: OpenLog) -> None:
    """Nor is anything stored: what another process did meanwhile is read before that."""
    streams, other = Streams(far), open_log()
    counting: Handler[Command, int] = Handler(streams, IfPaid(), if_paid)
    await other.append([Write(A, 0, [(Counted(by=1), metadata())])])
    with pytest.raises(Refused):
        await counting.handle(count(), A, COUNTER, call())
    await pay(other)
    assert (await counting.handle(count(), A, COUNTER, call())).events == [Counted(by=1)]
    await pay(other)
    assert (await counting.handle(count(), A, COUNTER, call())).events == [Counted(by=2)]
    await handler(Streams(other)).handle(Close(at=NOW, by=ANN), A, COUNTER, call())
    with pytest.raises(Refused, match="COUNTER_CLOSED"):
        await handler(streams).handle(count(), A, COUNTER, call())


async def test_that_nothing_has_to_be_done_is_no_knowledge_of_before(far: Far, open_log: OpenLog) -> None:
    """A command that changes nothing stores nothing, so nothing checks what is known: it is read first."""
    other = open_log()
    counting: Handler[Command, int] = Handler(
        Streams(far), IfPaid(), lambda _command, paid: [Counted(by=paid)] if paid != 1 else []
    )
    await pay(other)
    await other.append([Write(A, 0, [(Counted(by=1), metadata())])])
    assert (await counting.handle(count(), A, COUNTER, call())).events == []
    await pay(other)
    assert (await counting.handle(count(), A, COUNTER, call())).events == [Counted(by=2)]


async def test_if_match_is_compared_with_what_there_is(far: Far, open_log: OpenLog) -> None:
    """And not with what was known: both ways."""
    counting, other = handler(Streams(far)), handler(Streams(open_log()))
    await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    await counting.handle(count(), A, COUNTER, call())
    await other.handle(count(), A, COUNTER, call())
    with pytest.raises(PreconditionFailed) as failed:
        await counting.handle(count(), A, COUNTER, call(if_match=2))
    assert failed.value.current == 3
    await other.handle(count(), A, COUNTER, call())
    assert (await counting.handle(count(), A, COUNTER, call(if_match=4))).etag == 5
    with pytest.raises(NotFound):
        await counting.handle(count(), "counter-none", COUNTER, call())


async def test_what_another_process_did_under_the_key_is_found(far: Far, open_log: OpenLog) -> None:
    """A repeat is answered as the first time, and the key is not taken for something else."""
    counting, other = handler(Streams(far)), handler(Streams(open_log()))
    for _ in range(2):
        await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    sent = call(idempotency_key="k", fingerprint="f")
    first = await other.handle(count(5), A, COUNTER, sent)
    again = await counting.handle(count(5), A, COUNTER, sent)
    assert (again.replayed, again.state, again.position) == (True, first.state, first.position)
    with pytest.raises(KeyReused):
        await counting.handle(count(6), A, COUNTER, call(idempotency_key="k", fingerprint="g"))
    assert len(await far.read(A)) == 3


async def test_what_may_have_been_stored_is_not_sent_again(far: Far) -> None:
    """A store that stays away leaves it open; deciding again would count twice."""
    counting = handler(Streams(far))
    for _ in range(2):
        await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    far.told()
    far.away = True
    with pytest.raises(Unavailable):
        await counting.handle(count(), A, COUNTER, call())
    assert far.told() == ["append"]
    assert len(await far.read(A)) == 3


async def test_a_dry_run_tells_of_what_there_is(far: Far, open_log: OpenLog) -> None:
    """It appends nothing, so nothing would check what is known."""
    counting, other = handler(Streams(far)), handler(Streams(open_log()))
    for _ in range(2):
        await counting.handle(count(), A, COUNTER, call(), must_exist=False)
    await other.handle(count(5), A, COUNTER, call())
    assert (await counting.handle(count(), A, COUNTER, call(dry_run=True))).state == Counter(8)


async def test_of_many_at_once_on_what_each_knows_all_are_stored_once(open_log: OpenLog) -> None:
    """In two processes, on counters of their own and one till; what each knows stays what there is."""
    processes = [Streams(Far(open_log())) for _ in range(2)]

    async def send(number: int) -> None:
        counting = handler(processes[number % 2])
        for n in range(6):
            await counting.handle(count(pays=n % 2 == 0), f"counter-{number}", COUNTER, call(), must_exist=False)

    await asyncio.gather(*(send(number) for number in range(8)))
    log = open_log()
    assert len([one for one in await log.read(TILL) if isinstance(one.event, Paid)]) == 24
    for number in range(8):
        stream = f"counter-{number}"
        assert [one.version for one in await log.read(stream)] == [1, 2, 3, 4, 5, 6]
        kept, fresh = processes[number % 2].kept(stream, COUNTER), await Streams(log).fold(stream, COUNTER)
        assert kept == fresh
