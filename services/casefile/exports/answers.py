"""Exports for a caller: what it sees of a case, written beside the event loop, for as long as it waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Final

from services.casefile.access import CONSENT_WITHDRAWN
from services.casefile.exports.contents import Basis, Contents, contents_of
from services.casefile.exports.formats import NDJSON, Format
from services.casefile.exports.tables import Table
from services.casefile.history import known
from services.casefile.queries import Found, Moment, Queries
from services.casefile.reports.kept import newest
from services.chassis.access.identity import Caller
from services.chassis.audit.reader import AuditReader
from services.chassis.http.room_aside import room_aside

LOOK_SECONDS: Final = 0.2
"""How often is looked whether the caller still waits."""
MOST_EVENTS: Final = 10_000
"""Of a case, in one file: what is made of them is in memory until it was sent."""
TIMELINE: Final = "read-timeline"
RECORD: Final = "read-record"


class Gone(Exception):  # noqa: N818 - reads as what happened
    """The caller no longer waits for the file."""


class TooLong(Exception):  # noqa: N818 - reads as what it is
    """There are more events than a file over HTTP has."""


class Exports:
    """Writes exports, one at a time: its caller's turn comes when the one before is written."""

    def __init__(self, queries: Queries, reader: AuditReader) -> None:
        self._queries = queries
        self._reader = reader
        self._turn = asyncio.Semaphore(1)

    @staticmethod
    def act_of(kind: Format) -> str:
        """What somebody does who asks for a format: reads the timeline, or the raw record."""
        return RECORD if kind.name == NDJSON else TIMELINE

    async def through(self) -> int:
        """The last position of the log now. Who asks for it before they find the case misses nothing up to it."""
        return await self._queries.streams.log.head()

    async def file(
        self,
        looking: tuple[Caller, Found, Moment],
        through: int,
        kind: Format,
        table: Table,
        is_gone: Callable[[], Awaitable[bool]],
    ) -> bytes:
        """The file of a case for who looks at it, of the log up to a position.

        Raises NotInstalled, TooLong, Unavailable without room for what a format writes aside, and Gone where nobody
        waits any more.
        """
        kind.require()
        caller, found, at = looking
        sees_all = self._queries.seen_by(caller, found) is None
        if sees_all and at == Moment() and found.folded.version > MOST_EVENTS:
            # Nothing has to be read to know that.
            raise TooLong
        async with self._turn:
            if await is_gone():
                raise Gone
            contents = await self._contents(caller, found, at, through)
            given_up = threading.Event()

            def pulse() -> None:
                if given_up.is_set():
                    raise Gone

            def write() -> bytes:
                file = BytesIO()
                with room_aside():
                    kind.write(contents, table, file, pulse)
                return file.getvalue()

            writing = asyncio.create_task(asyncio.to_thread(write))
            try:
                while not (await asyncio.wait([writing], timeout=LOOK_SECONDS))[0]:
                    if await is_gone():
                        given_up.set()
                return await writing
            finally:
                # Also where this is cancelled: the thread ends with its next row.
                given_up.set()

    async def _contents(self, caller: Caller, found: Found, at: Moment, through: int) -> Contents:
        signed, last = await self._reader.signed(), await newest(self._queries.streams.log, through)
        records = await self._queries.records(found)
        if found.as_of_then:
            # Who sees what is decided by what was known then.
            records = [*known(records, at.as_of, at.known_at)]
        seen = await self._queries.visible(caller, found, records)
        if sum(1 for _ in known(seen, at.as_of, at.known_at)) > MOST_EVENTS:
            raise TooLong
        checkpoint = signed.note.decode() if signed is not None else ""
        basis = Basis(through, last, checkpoint, at.as_of, at.known_at)
        stopped = CONSENT_WITHDRAWN in found.relations
        seer = self._queries.seen_by(caller, found)
        return await asyncio.to_thread(contents_of, found.case_id, records, basis, seen_by=seer, stopped=stopped)
