"""The event log in PostgreSQL, in the table layout of the `eventsourcing` library's recorder.

One statement of ours stores a batch (migrations/service): it takes an advisory lock, compares versions, draws
positions and announces the append, and the lock is released after its commit is visible. So positions become visible
in their order whichever process writes, and no table lock stands in the way of VACUUM.

The records of the vault go with the events that refer to them, in the same statement, when the vault is a schema of the
same database: there is no moment at which one is there without the other.

A connection that is lost during a commit leaves open whether it was stored. The batch is then simply sent again: what
is there already shows as a conflict with one's own event, which its id tells from somebody else's.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from services.chassis.engines.group_commit import AwaitedGroupCommit
from services.chassis.engines.postgres import Database, as_a_log, connect, is_lost, persist, prepare
from services.chassis.engines.postgres_wakeup import PostgresWakeup
from services.chassis.engines.store_health import StoreHealth
from services.chassis.log.event_log import NOTHING_READ, Conflict, Row, Write
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Recorded
from services.chassis.log.postgres_append import Append, Appending, Encoded
from services.chassis.vault.vault import Deposit

READERS: Final = 4
READS_AT_ONCE: Final = 200
REMEMBERED: Final = 1024
"""How many of the newest events that this process appended are kept in memory."""
_FOREVER: Final = 2**62

_COLUMNS: Final = "notification_id, originator_id, originator_version, topic, state"
_READ_STREAMS: Final = f"""
SELECT n, {_COLUMNS}
FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[]) WITH ORDINALITY
  AS asked (stream, after, through, most, n)
JOIN LATERAL (
  SELECT {_COLUMNS} FROM stored_events
  WHERE originator_id = asked.stream AND originator_version > asked.after AND originator_version <= asked.through
  ORDER BY originator_version LIMIT asked.most
) AS found ON true
ORDER BY n, originator_version"""  # noqa: S608 - constants
_READ_ALL: Final = f"SELECT {_COLUMNS} FROM stored_events WHERE notification_id > %b ORDER BY notification_id LIMIT %b"  # noqa: S608 - constants


class _Apart(Exception):  # noqa: N818 - reads as what happened
    """Events and records could not be stored together; each of the two stores can say what is wrong with it."""


class _StreamRead(NamedTuple):
    stream: str
    after: int
    through: int = _FOREVER
    most: int = _FOREVER


class PostgresEventLog:
    """An `EventLog` in one schema, which may be written by several processes at once.

    `vault` is the schema, in the same database, of the records that it can store together with events.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        types: EventTypes,
        health: StoreHealth | None = None,
        *,
        vault: Database | None = None,
    ) -> None:
        self._health = health or StoreHealth("log")
        as_a_log(database, self._health)
        self.name = name
        self._database = database
        self._vault = vault
        self._appending = Appending(vault)
        self.types = types
        self.remote = True
        self._connection: AsyncConnection[Any] | None = None
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._wakeup = PostgresWakeup(database, self.head)
        self._writer: AwaitedGroupCommit[Append, int] = AwaitedGroupCommit(self._commit)
        # Many short questions at once cost more round trips than time in the database; they share one.
        # A list folds as many streams as it shows.
        self._reads: AwaitedGroupCommit[list[_StreamRead], list[list[Recorded]]] = AwaitedGroupCommit(
            self._read_streams, READS_AT_ONCE
        )
        self._recent: OrderedDict[int, Recorded] = OrderedDict()

    async def append(
        self, writes: Sequence[Write], *, read: Mapping[str, int] = NOTHING_READ, records: Deposit | None = None
    ) -> int:
        """See `EventLog.append`."""
        events: list[Encoded] = []
        for write in writes:
            for version, (event, meta) in enumerate(write.events, start=write.expected_version + 1):
                topic, state = self.types.encode(event, meta)
                events.append(Encoded(write.stream, version, topic, state, event, meta))
        if not events:
            msg = "an append needs at least one event"
            raise ValueError(msg)
        if records is not None and (self._vault is None or records.place != self._vault):
            await records.keep()
            records = None
        sealed = records.sealed() if records is not None else []
        return await self._writer.submit(Append(events, list(read.items()), records, sealed))

    async def _commit(self, batch: Sequence[Append]) -> list[int | Exception]:
        try:
            positions = await self._stored(batch)
        except _Apart:
            return await self._commit_apart(batch)
        reads = [stream for command in batch for stream, _ in command.read]
        answers: list[int | Exception] = []
        for command, last in zip(batch, positions, strict=True):
            if last is None:
                answers.append(Conflict(command.streams))
            elif last < 0:
                answers.append(Conflict(command.streams, stale=reads[-last - 1]))
            else:
                answers.append(last)
                self._remember(command.events, last)
                if command.deposit is not None:
                    command.deposit.stored()
        self._wakeup.reached(max((last for last in positions if last is not None), default=0))
        return answers

    async def _commit_apart(self, batch: Sequence[Append]) -> list[int | Exception]:
        # The vault first, whose errors then have its name, and concern the command of the record alone.
        kept = await asyncio.gather(*(_keep(command.deposit) for command in batch))
        left = [
            command._replace(deposit=None, records=[])
            for command, failure in zip(batch, kept, strict=True)
            if failure is None
        ]
        stored = iter(await self._commit(left) if left else ())
        return [next(stored) if failure is None else failure for failure in kept]

    async def _stored(self, batch: Sequence[Append]) -> list[int | None]:
        """Of each command its last position; None for a conflict, -n where the n-th of all reads was stale."""
        sent_before = False

        async def store() -> list[int | None]:
            nonlocal sent_before
            connection = await self._writing()
            again, sent_before = sent_before, True
            try:
                positions = await self._appending.send(connection, batch)
                if again:
                    positions = [
                        last if last is not None and last > 0 else await self._stored_as(connection, command, last)
                        for command, last in zip(batch, positions, strict=True)
                    ]
            except psycopg.Error as failure:
                if is_lost(failure):
                    await connection.close()
                elif not again and any(command.records for command in batch):
                    raise _Apart from failure
                raise
            return positions

        return await persist(store, health=self._health)

    async def _writing(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._database)
            # The server may be another one now, which lacks what the last one had: only what it tells is true.
            self._recent.clear()
            self._wakeup.forget()
        return self._connection

    async def _stored_as(self, connection: AsyncConnection[Any], command: Append, otherwise: int | None) -> int | None:
        # Is the event at this place the one that was sent before the connection was lost?
        last = command.events[-1]
        async with connection.cursor(binary=True) as cursor:
            await cursor.execute(_READ_STREAMS, ([last.stream], [last.version - 1], [last.version], [1]))
            row = await cursor.fetchone()
        if row is None:
            return otherwise
        _, position, _, _, topic, state = row
        if topic != last.topic:
            return otherwise
        _, meta = self.types.decode(topic, state)
        return int(position) if meta.event_id == last.meta.event_id else otherwise

    def _remember(self, command: list[Encoded], last: int) -> None:
        # What was just written is about to be indexed and published: it need not be decoded for that, twice.
        for position, encoded in enumerate(command, start=last - len(command) + 1):
            self._recent[position] = Recorded(
                position, encoded.stream, encoded.version, encoded.topic, encoded.event, encoded.meta, encoded.state
            )
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)

    async def _reading(self) -> AsyncConnectionPool[AsyncConnection[Any]]:
        async with self._opening:
            if self._pool is None:
                self._pool = AsyncConnectionPool(
                    self._database.conninfo,
                    min_size=1,
                    max_size=READERS,
                    open=False,
                    timeout=2.0,
                    kwargs={"autocommit": True},
                    configure=prepare,
                )
                await self._pool.open()
        return self._pool

    async def _fetch(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        async def fetch() -> list[tuple[Any, ...]]:
            pool = await self._reading()
            async with pool.connection() as connection, connection.cursor(binary=True) as cursor:
                await cursor.execute(statement, values, prepare=True)
                return await cursor.fetchall()

        return await persist(fetch, health=self._health)

    async def read(
        self, stream: str, *, after: int = 0, through: int | None = None, most: int | None = None
    ) -> list[Recorded]:
        """See `EventLog.read`."""
        (found,) = await self._reads.submit([_StreamRead(stream, after, _given(through), _given(most))])
        return found

    async def read_tails(self, tails: Sequence[tuple[str, int]], *, most: int | None = None) -> list[list[Recorded]]:
        """See `EventLog.read_tails`."""
        reads = [_StreamRead(stream, after, most=_given(most)) for stream, after in tails]
        return await self._reads.submit(reads) if reads else []

    async def _read_streams(self, batch: Sequence[list[_StreamRead]]) -> list[list[list[Recorded]] | Exception]:
        # Commands of the same moment rest on the same few programmes and organisations: each is asked for once.
        reads = list(dict.fromkeys(read for questions in batch for read in questions))
        columns = [list(column) for column in zip(*reads, strict=True)]
        rows: dict[int, list[tuple[Any, ...]]] = {}
        try:
            lines = await self._fetch(_READ_STREAMS, columns)
        except psycopg.DataError as failure:
            # A name that the database cannot even read is no other reader's matter.
            if len(batch) == 1:
                return [failure]
            return [answer for questions in batch for answer in await self._read_streams([questions])]
        for n, *row in lines:
            rows.setdefault(n, []).append(tuple(row))
        found = {read: rows[n] for n, read in enumerate(reads, start=1) if n in rows}
        answers: list[list[list[Recorded]] | Exception] = []
        for questions in batch:
            try:
                answers.append([[self._recorded(*row) for row in found.get(read, ())] for read in questions])
            except Exception as failure:  # noqa: BLE001 - a stream that cannot be decoded is no other reader's matter
                answers.append(failure)
        return answers

    async def beginnings(self, after: int, limit: int) -> list[tuple[int, str]]:
        """See `EventLog.beginnings`."""
        rows = await self._fetch(
            "SELECT notification_id, originator_id FROM stored_events"
            " WHERE notification_id > %s AND originator_version = 1 ORDER BY notification_id LIMIT %s",
            (after, limit),
        )
        return [(int(position), str(stream)) for position, stream in rows]

    async def read_all(self, after: int, limit: int) -> list[Recorded]:
        """See `EventLog.read_all`."""
        found: list[Recorded] = []
        # What is remembered need not be sent again. Position follows on position, so nothing can be between.
        while len(found) < limit and (event := self._recent.get(after + len(found) + 1)) is not None:
            found.append(event)
        if not found:
            found = [self._recorded(*row) for row in await self._fetch(_READ_ALL, (after, limit))]
        return found

    async def stored(self, first: int, limit: int) -> list[Row]:
        """See `EventLog.stored`."""
        return [(*row,) for row in await self._fetch(_READ_ALL, (first - 1, limit))]

    def mark(self) -> object:
        """See `EventLog.mark`."""
        # Only a question to the database could tell, and that is what a mark is meant to save.
        return object()

    async def head(self) -> int:
        """See `EventLog.head`."""
        ((head,),) = await self._fetch("SELECT max(notification_id) FROM stored_events")
        return int(head or 0)

    async def wait(self, after: int, timeout: float) -> bool:
        """See `EventLog.wait`."""
        return await self._wakeup.wait(after, timeout)

    async def close(self) -> None:
        """See `EventLog.close`."""
        await self._writer.drain()
        await self._reads.drain()
        await self._wakeup.close()
        if self._connection is not None:
            await self._connection.close()
        if self._pool is not None:
            await self._pool.close()

    def _recorded(self, position: int, stream: str, version: int, topic: str, state: bytes) -> Recorded:
        if (recent := self._recent.get(position)) is not None:
            return recent
        event, meta = self.types.decode(topic, state)
        return Recorded(position, stream, version, topic, event, meta, state)


def _given(number: int | None) -> int:
    return number if number is not None else _FOREVER


async def _keep(deposit: Deposit | None) -> Exception | None:
    try:
        if deposit is not None:
            await deposit.keep()
    except Exception as failure:  # noqa: BLE001 - it is its own command's matter
        return failure
    return None
