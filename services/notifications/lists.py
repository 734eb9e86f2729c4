"""Which messages a caller may see, in the order in which they came, and the messages themselves.

The index lists candidates for every reader, so the cost of a page depends on what it shows and not on what others may
see; the policy decides on each candidate.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.visibility import Parties
from services.chassis.access.identity import Caller
from services.chassis.index.index import IndexReader, Row, Value
from services.chassis.log.event_log import EventLog
from services.notifications.access import OVERSIGHT, POLICY, relations_to_message
from services.notifications.catalogue import MESSAGES
from services.notifications.domain.inbox import MessageTaken
from services.notifications.projection import (
    AUDIENCE,
    EVERYBODY,
    OVERSEERS,
    item_of_row,
    organisation_reader,
    parties_of,
)


@dataclass(frozen=True, slots=True)
class Page:
    """Positions of messages to show, in order, and the position after which the feed continues."""

    positions: tuple[int, ...]
    next: int
    more: bool
    """Whether it is full, so that there may be another one; otherwise it shows all that the index knows."""


async def page(
    reader: IndexReader,
    caller: Caller,
    action: str,
    *,
    after: int,
    limit: int,
    types: Collection[str] | None,
    known: int | None = None,
) -> Page:
    """The first `limit` messages after `after` that the caller may see, of the given types (None: of all).

    A page that is not full continues after everything that the index knows: now, or when the caller asked (`known`).
    """
    through = None if known is None else max(after, known)
    shown: list[int] = []
    place = after
    while True:
        wanted = limit - len(shown)
        found, now = await _candidates(reader, caller, action, after=place, limit=wanted, types=types)
        if through is None:
            through = max(after, now)
        # Another process may have filled the index since: its rows are on the next page, not on both.
        rows = [row for row in found if row.seq <= through]
        shown.extend(await _permitted(reader, caller, action, rows))
        if len(rows) < wanted:
            return Page(tuple(shown), through, more=False)
        place = rows[-1].seq
        if len(shown) == limit:
            return Page(tuple(shown), place, more=True)


def readers_of(caller: Caller, action: str) -> tuple[str, ...]:
    """The readers under which the index lists what the caller may see; `audience` names the same ones."""
    if POLICY.permits(caller, action, (OVERSIGHT,)):
        return (OVERSEERS,)
    return (organisation_reader(caller.org), EVERYBODY)


async def audience(reader: IndexReader, *, after: int, limit: int) -> tuple[dict[str, set[str]], int]:
    """The types by reader of the next `limit` messages after `after`, and the position up to which it looked.

    Two look-ups, however many streams are open. Like the index it decides nothing: it says who should ask for a page.
    """
    found, through = await reader.find_and_through(AUDIENCE.name, {"reader": OVERSEERS}, after=after, limit=limit)
    through = max(after, through)
    rows = [row for row in found if row.seq <= through]
    parties = await parties_of(reader, sorted({str(row.columns["case_id"]) for row in rows if row.columns["case_id"]}))
    types_by_reader: dict[str, set[str]] = {}
    for row in rows:
        readers = [OVERSEERS]
        if row.columns["case_id"] is None:
            readers.append(EVERYBODY)
        elif (those := parties.get(str(row.columns["case_id"]))) is not None:
            readers += [
                organisation_reader(organisation)
                for organisation in those.organisations
                if those.sees(organisation, item_of_row(row))
            ]
        for listed in readers:
            types_by_reader.setdefault(listed, set()).add(str(row.columns["type"]))
    return types_by_reader, rows[-1].seq if len(rows) == limit else through


async def _candidates(
    reader: IndexReader, caller: Caller, action: str, *, after: int, limit: int, types: Collection[str] | None
) -> tuple[list[Row], int]:
    where: dict[str, Sequence[Value]] = {"reader": readers_of(caller, action)}
    if types is not None and len(types) < len(MESSAGES):
        where["type"] = tuple(types)
    return await reader.find_and_through(AUDIENCE.name, where, after=after, limit=limit)


async def _permitted(reader: IndexReader, caller: Caller, action: str, rows: Sequence[Row]) -> list[int]:
    cases = {str(row.columns["case_id"]) for row in rows if row.columns["case_id"] is not None}
    parties = await parties_of(reader, sorted(cases))
    return [
        row.seq
        for row in rows
        if POLICY.permits(caller, action, _relations(caller, row, parties.get(str(row.columns["case_id"]), Parties())))
    ]


def _relations(caller: Caller, row: Row, parties: Parties) -> tuple[str, ...]:
    return relations_to_message(caller, None if row.columns["case_id"] is None else item_of_row(row), parties)


async def messages_at(log: EventLog, positions: Sequence[int]) -> list[dict[str, Any]]:
    """The messages at these positions of the log, in order."""
    return [taken.message for taken in await taken_at(log, positions)]


async def taken_at(log: EventLog, positions: Sequence[int]) -> list[MessageTaken]:
    """The same as they were taken in."""
    found: list[MessageTaken] = []
    for first, count in _runs(positions):
        after, last = first - 1, first + count - 1
        while after < last:
            read = await log.read_all(after, last - after)
            found.extend(recorded.event for recorded in read)
            after = read[-1].position
    return found


def _runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring positions are read together: (first, how many)."""
    runs: list[tuple[int, int]] = []
    for position in positions:
        if runs and position == sum(runs[-1]):
            first, count = runs[-1]
            runs[-1] = first, count + 1
        else:
            runs.append((position, 1))
    return runs
