"""The ways by which an organisation is told, and whether one of them has reached it.

Only a way that the organisation set up can fail. Who has none of them uses the pages and the worklist: nobody can say
whether those were looked at, and nothing could have reached anybody.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from contracts.telling_codes import NotToldReason, ToldBy
from services.chassis.index.index import Changes, IndexReader, Row, Table
from services.chassis.log.metadata import Recorded
from services.notifications.domain.reading import ReadingMoved

READERS: Final = Table(
    "readers",
    columns=("organisation", "channel", "state", "types", "through", "first", "last"),
    indexes=(("organisation",),),
)
"""One row per stream of `domain/reading.py`: `types` is a JSON array or null, `first` and `last` are days."""
MOST: Final = 1000
"""Rows of an organisation that are looked at."""
STILL_USED: Final = timedelta(days=30)
"""A feed that nobody has read for so long is no way of its organisation any more."""


class Waits(NamedTuple):
    """What an organisation is to be told of: an event of a case at a position of the log, of a CloudEvents type."""

    organisation: str
    case: str
    event: str
    type: str
    position: int
    since: datetime


class SetUp(Protocol):
    """What some organisations had set up when it was looked at, each its own."""

    def failing(self, organisation: str, kind: str, since: datetime) -> NotToldReason | None:
        """Why this would not have told of a message of that kind since then; None where it is not set up."""


class Way(Protocol):
    """One way, as its organisation has set it up."""

    async def reached(self, waits: Waits) -> bool:
        """Whether the organisation was told of it by this way."""

    async def set_up(self, organisations: Collection[str]) -> SetUp:
        """What these organisations have set up of it: one look, however many they are."""

    async def expected(self, waits: Waits) -> datetime | None:
        """Until when it is too early to say that this way has failed; None where it is not."""


class FeedWay:
    """What an organisation fetches itself: the feed and the stream that it used to read, and its topic."""

    def __init__(self, index: IndexReader) -> None:
        self._index = index

    async def reached(self, waits: Waits) -> bool:
        """See `Way.reached`."""
        rows = (await rows_of(self._index, READERS, (waits.organisation,)))[waits.organisation]
        return any(_covers(row, waits.type) and _number(row, "through") >= waits.position for row in rows)

    async def set_up(self, organisations: Collection[str]) -> SetUp:
        """See `Way.set_up`."""
        return _Feeds(await rows_of(self._index, READERS, organisations))

    async def expected(self, _waits: Waits) -> datetime | None:
        """See `Way.expected`. A feed is read at any hour."""
        return None


class _Feeds:
    """The feeds, streams and topics that organisations used to read."""

    def __init__(self, rows: Mapping[str, Sequence[Row]]) -> None:
        self._rows = rows

    def failing(self, organisation: str, kind: str, since: datetime) -> NotToldReason | None:
        """See `SetUp.failing`. A feed counts once it was read on two days: a single look is no habit."""
        used = [row for row in self._rows[organisation] if _covers(row, kind) and _is_used(row, since)]
        if not used:
            return None
        own_topic = all(row.columns["channel"] == ToldBy.KAFKA for row in used)
        return NotToldReason.CHANNEL_STOPPED if own_topic else NotToldReason.FEED_NOT_READ


class _Together:
    """What organisations have set up of all ways."""

    def __init__(self, each: Sequence[SetUp]) -> None:
        self._each = each

    def failing(self, organisation: str, kind: str, since: datetime) -> NotToldReason | None:
        """See `SetUp.failing`; by the first way that is set up."""
        for way in self._each:
            if (reason := way.failing(organisation, kind, since)) is not None:
                return reason
        return None


class Ways:
    """All ways together."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways

    async def why_not(self, waits: Waits) -> NotToldReason | None:
        """Why the organisation was told by none of its ways; None where it was, or where it has none."""
        if any([await way.reached(waits) for way in self._ways]):
            return None
        set_up = await self.set_up((waits.organisation,))
        return set_up.failing(waits.organisation, waits.type, waits.since)

    async def expected(self, waits: Waits) -> datetime | None:
        """Until when it is too early to say that all of them have failed; None where it is not."""
        expected = [await way.expected(waits) for way in self._ways]
        return min((until for until in expected if until is not None), default=None)

    async def set_up(self, organisations: Collection[str]) -> SetUp:
        """What these organisations have set up of all of them."""
        return _Together([await way.set_up(organisations) for way in self._ways])


async def rows_of(index: IndexReader, table: Table, organisations: Iterable[str]) -> dict[str, list[Row]]:
    """The rows of a table by the organisation that they name, for each of these; of each the first `MOST`."""
    names = sorted({*organisations})
    found = dict[str, list[Row]]((organisation, []) for organisation in names)
    # More at a time than a page, and PostgreSQL may plan to read the whole table.
    rows = await index.find(table.name, {"organisation": names}, after=0, limit=MOST) if names else []
    if len(rows) == MOST and len(names) > 1:
        # One that has so many must not hide what the others have.
        for half in (names[::2], names[1::2]):
            found |= await rows_of(index, table, half)
        return found
    for row in rows:
        found[str(row.columns["organisation"])].append(row)
    return found


def note_reader(recorded: Recorded, event: ReadingMoved, changes: Changes) -> None:
    """The row of a reader after one more event."""
    day = str(event.at.date())
    if recorded.version == 1:
        changes.put(READERS.name, recorded.stream, recorded.position, first=day)
    changes.put(
        READERS.name,
        recorded.stream,
        recorded.position,
        organisation=event.organisation,
        channel=event.channel,
        state=event.state,
        types=json.dumps(event.types),
        through=event.through,
        last=day,
    )


def _number(row: Row, column: str) -> int:
    value: Any = row.columns[column]
    return int(value)


def _covers(row: Row, kind: str) -> bool:
    types = json.loads(str(row.columns["types"]))
    return types is None or kind in types


def _is_used(row: Row, since: datetime) -> bool:
    first, last = str(row.columns["first"]), str(row.columns["last"])
    return first < last and last >= str((since - STILL_USED).date())
