"""A long stream is folded from its latest snapshot, and becomes what it would become from its first event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from services.chassis.deciding import snapshots as module
from services.chassis.deciding.folded import Folded, Kept
from services.chassis.deciding.snapshots import BYTES_PER_EVENT, EVERY, LARGEST, Codec, Snapshots
from services.chassis.deciding.streams import READ_AT_ONCE, Streams
from services.chassis.log.event_log import EventLog, Write
from services.chassis.log.metadata import Recorded
from services.chassis.log.snapshots import Snapshot, SnapshotStore
from services.chassis.log.snapshots_memory import MemorySnapshots
from services.chassis.modelling.decider import Entity
from services.chassis.store_opener import StoreOpener
from tests.chassis.conftest import OpenLog
from tests.chassis.counters import (
    COUNTER,
    PAYMENTS,
    Counted,
    Counter,
    LookedAt,
    Paid,
    call,
    count,
    evolve,
    handler,
    metadata,
)

LONG = 1_000
A = "counter-a"


class Rows:
    """A log that counts the events that it hands out."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.read_rows = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def read(self, stream: str, **more: Any) -> list[Recorded]:
        """As the log does."""
        found = await self._log.read(stream, **more)
        self.read_rows += len(found)
        return found

    async def read_tails(self, tails: Sequence[tuple[str, int]], **more: Any) -> list[list[Recorded]]:
        """As the log does."""
        found = await self._log.read_tails(tails, **more)
        self.read_rows += sum(map(len, found))
        return found


async def lengthen(log: EventLog, by: int, stream: str = A, first: int = 0) -> None:
    """Writes so many events, of every kind that a fold takes note of."""
    events: list[tuple[Any, Any]] = []
    for number in range(first, first + by):
        about: dict[str, Any] = {}
        if number % 3 == 0:
            about = {"idempotency_key": f"key-{number}", "fingerprint": f"2:{number}"}
        elif number % 3 == 1:
            about = {"causation_id": f"message-{number}"}
        event = LookedAt() if number % 5 == 4 else Counted(by=number)
        events.append((event, metadata(f"e-{stream}-{number}", **about)))
    await log.append([Write(stream, first, events)])


async def fresh(
    log: EventLog, store: SnapshotStore | None, stream: str = A, entity: Entity[Any] = COUNTER
) -> tuple[Folded[Any], int]:
    """The stream as a process folds it that has just started, and how many events it read for that."""
    rows = Rows(log)
    streams = Streams(rows, store)
    folded = await streams.fold(stream, entity)
    await streams.close()
    return folded, rows.read_rows


async def kept(log: EventLog, store: SnapshotStore, stream: str = A) -> Snapshot:
    """The snapshot that comes of a fold of the stream as it is."""
    streams = Streams(log, store)
    await streams.fold(stream, COUNTER)
    await streams.written()
    codec = Codec.of(COUNTER)
    assert codec is not None
    found = await store.latest(stream, codec.topic)
    assert found is not None
    return found


@pytest.fixture
async def store(stores: StoreOpener) -> AsyncIterator[SnapshotStore]:
    """Where the snapshots are."""
    opened = stores.snapshots("counters")
    yield opened
    await opened.close()


async def test_a_long_stream_is_read_from_its_snapshot_on(log: EventLog, store: SnapshotStore) -> None:
    """Of a thousand events the first page tells that it is long, and the last ones are all that is missing."""
    await lengthen(log, LONG - 100)
    assert (await kept(log, store)).version == LONG - 100
    await lengthen(log, 100, first=LONG - 100)
    folded, read = await fresh(log, store)
    assert read == READ_AT_ONCE + 1 + 100
    assert folded == (await fresh(log, None))[0]
    assert folded.version == LONG


async def test_of_a_short_stream_no_snapshot_is_made_or_asked_for(log: EventLog, store: SnapshotStore) -> None:
    """There it would cost more than it saves."""
    await lengthen(log, EVERY - 1)
    streams = Streams(log, store)
    await streams.fold(A, COUNTER)
    await streams.written()
    codec = Codec.of(COUNTER)
    assert codec is not None
    assert await store.latest(A, codec.topic) is None


async def test_a_stream_that_grows_while_its_fold_is_kept_gets_further_snapshots(
    log: EventLog, store: SnapshotStore
) -> None:
    """One for some hundreds of events, and not one for each that comes."""
    codec = Codec.of(COUNTER)
    assert codec is not None
    streams, versions = Streams(log, store), list[int]()
    for first in range(0, LONG, 50):
        await lengthen(log, 50, first=first)
        await streams.fold(A, COUNTER)
        await streams.written()
        if (found := await store.latest(A, codec.topic)) is not None and found.version not in versions:
            versions.append(found.version)
    assert versions == [300, 600, 900]


@pytest.mark.parametrize(("size", "apart"), [(10, EVERY), (2**20, 2**20 // BYTES_PER_EVENT), (LARGEST + 1, 0)])
async def test_a_large_snapshot_waits_for_more_events(log: EventLog, size: int, apart: int) -> None:
    """To write it must not cost more than it saves: so many events by its bytes; and none that is too large."""
    versions = list[int]()

    class Noting(MemorySnapshots):
        async def keep(self, snapshot: Snapshot) -> None:
            versions.append(snapshot.version)

    snapshots = Snapshots(log, Noting({}))
    for version in range(EVERY - 5, 5 * EVERY + 1, 5):
        snapshots.note(A, Kept(COUNTER, Folded(Counter(), version, moved_by="x" * size)))
        await snapshots.written()
    assert all(0 <= after - before - apart < 5 + 1 for before, after in pairwise(versions))
    assert len(versions) == (0 if not apart else 1 + 4 * EVERY // (apart + 4))
    await snapshots.close()


async def test_commands_go_on_behind_a_snapshot(open_log: OpenLog, store: SnapshotStore) -> None:
    """A repeat is known by what the snapshot says, and a new command is appended to the right version."""
    log = open_log()
    await lengthen(log, LONG)
    await kept(log, store)
    streams = Streams(open_log(), store)
    counting = handler(streams)
    repeated = await counting.handle(count(), A, COUNTER, call(causation_id="message-1"))
    assert (repeated.replayed, repeated.version) == (True, LONG)
    outcome = await counting.handle(count(7), A, COUNTER, call())
    assert outcome.version == LONG + 1
    assert (await streams.fold(A, COUNTER)).state == outcome.state
    await streams.close()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda state: state[:-10],
    "empty": lambda _: b"",
    "one letter": lambda state: state.replace(b'"total":', b'"totaI":'),
    "another number": lambda state: state.replace(b'"version":1', b'"version":2'),
    "no JSON": lambda state: state[:32] + b"\xff" * 40,
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
async def test_a_damaged_snapshot_costs_time_and_nothing_else(damage: str, log: EventLog, store: SnapshotStore) -> None:
    """It is not believed: the stream is read from its first event."""
    await lengthen(log, LONG)
    snapshot = await kept(log, store)
    damaged = DAMAGES[damage](snapshot.state)
    assert damaged != snapshot.state
    # An older one gives way to a newer one, so it says that it is newer.
    await store.keep(snapshot._replace(state=damaged, version=snapshot.version + 1))
    folded, read = await fresh(log, store)
    assert (folded, read) == ((await fresh(log, None))[0], LONG)


async def test_a_snapshot_that_other_code_made_is_ignored(log: EventLog, store: SnapshotStore) -> None:
    """Also where today's code could read it: rules change without the state's class. Today's takes its place."""
    await lengthen(log, LONG)
    snapshot = await kept(log, store)
    await store.keep(snapshot._replace(made_by="yesterday's", version=snapshot.version + 5))
    folded, read = await fresh(log, store)
    assert (folded, read) == ((await fresh(log, None))[0], LONG)
    assert (await kept(log, store)).made_by == snapshot.made_by


def test_the_fingerprint_is_of_code_and_of_where_the_fold_begins(tmp_path: Any) -> None:
    """One more letter in a file beside the fold is another fingerprint, and so is another initial state."""
    (tmp_path / "rules.py").write_text("LIMIT = 1\n")
    before = module.code_of(str(tmp_path / "rules.py"))
    module.code_of.cache_clear()
    (tmp_path / "rules.py").write_text("LIMIT = 2\n")
    assert module.code_of(str(tmp_path / "rules.py")) != before
    one, other = Codec.of(Entity(Counter(), evolve)), Codec.of(Entity(Counter(total=1), evolve))
    assert one is not None
    assert other is not None
    assert one.made_by != other.made_by


async def test_a_snapshot_of_a_history_that_the_log_does_not_have_is_ignored(
    log: EventLog, store: SnapshotStore
) -> None:
    """A log that was restored goes on otherwise: at the same places stand other events, or none."""
    await lengthen(log, LONG)
    snapshot = await kept(log, store)
    codec = Codec.of(COUNTER)
    assert codec is not None
    folded = codec.read(snapshot)
    assert folded is not None
    others: list[dict[str, Any]] = [
        {"event_id": "another"},
        {"position": folded.position + 1},
        {"version": LONG + 5},
    ]
    for other in others:
        state = codec.written(A, replace(folded, **other))
        assert state is not None
        await store.keep(snapshot._replace(version=snapshot.version + 10, made_by="", state=b""))
        await store.keep(snapshot._replace(state=state))
        assert (await fresh(log, store))[0] == (await fresh(log, None))[0], other


async def test_each_way_of_folding_a_stream_has_its_own_snapshot(log: EventLog, store: SnapshotStore) -> None:
    """The same events are something else to another fold."""
    await log.append(
        [Write(A, 0, [(Paid(counter="z") if n % 2 else Counted(by=2), metadata(f"e-{n}")) for n in range(LONG)])]
    )
    for _ in range(2):
        streams = Streams(log, store)
        assert (await streams.fold(A, COUNTER)).state == Counter(total=LONG)
        assert (await streams.fold(A, PAYMENTS)).state == LONG // 2
        await streams.written()


async def test_where_snapshots_cannot_be_kept_streams_are_folded_all_the_same(
    log: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, without a word of what they hold."""

    class Broken:
        async def latest(self, stream: str, topic: str) -> Snapshot | None:
            raise OSError(stream, topic)

        async def keep(self, snapshot: Snapshot) -> None:
            raise OSError(snapshot)

        async def close(self) -> None:
            """Nothing to let go of."""

    await lengthen(log, LONG)
    streams = Streams(log, Broken())
    assert (await streams.fold(A, COUNTER)).version == LONG
    await streams.written()
    await streams.close()
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the snapshot of a stream cannot be read", "a snapshot of a stream cannot be written"]
    assert A not in caplog.text


async def test_who_asks_for_a_stream_does_not_wait_for_its_snapshot(log: EventLog) -> None:
    """It is written once the answer is out, also by a store that takes for ever."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        async def latest(self, stream: str, topic: str) -> Snapshot | None:
            """None yet."""

        async def keep(self, _: Snapshot) -> None:
            begun.set()
            await go_on.wait()

        async def close(self) -> None:
            """Nothing to let go of."""

    await lengthen(log, LONG)
    streams = Streams(log, Slow())
    assert (await streams.fold(A, COUNTER)).version == LONG
    assert not begun.is_set()
    await begun.wait()
    await lengthen(log, 1, first=LONG)
    assert (await streams.fold(A, COUNTER)).version == LONG + 1
    go_on.set()
    await streams.close()


def test_what_is_too_large_or_comes_back_otherwise_is_not_kept() -> None:
    """Then every fold begins with the first event, as it did before there were snapshots."""
    codec = Codec.of(COUNTER)
    assert codec is not None
    assert codec.written(A, Folded(Counter(), moved_by="x" * (LARGEST + 1))) is None
    assert codec.written(A, Folded(Counted(by=1))) is None
    assert codec.written(A, Folded(Counter(total=1))) is not None


async def test_what_is_read_event_by_event_does_not_come_from_snapshots(log: EventLog, store: SnapshotStore) -> None:
    """Histories and audits ask the log itself, which has every event."""
    await lengthen(log, LONG)
    await kept(log, store)
    assert [one.version for one in await log.read(A)] == list(range(1, LONG + 1))
    streams = Streams(log, store)
    assert (await streams.fold_through(A, COUNTER, 700)).version == 700
    await streams.close()
