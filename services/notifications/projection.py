"""What the feed searches: the messages that each reader may find, and the parties of each case.

It is kept exact as parties come and go, but decides nothing: `lists.py` shows an item only if the policy
permits it for the parties as they are then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from contracts.visibility import Item, Part, Parties, Place, item_of, message_place
from services.chassis.index.index import Changes, IndexReader, Row, Table, Value
from services.chassis.log.metadata import Recorded
from services.notifications.domain.inbox import InboxEvent, MessageTaken, parties_with

VERSION: Final = 2

AUDIENCE: Final = Table(
    "audience",
    columns=("reader", "type", "case_id", "organisation", "referral", "is_stop", "at", "taken"),
    indexes=(("reader",), ("reader", "type"), ("reader", "case_id")),
)
"""One row per message and reader; `seq` is the message's position in the log. `at` and `taken` are its place."""

PARTS: Final = Table(
    "parts",
    columns=(
        "case_id",
        "referral",
        "agency",
        "organisation",
        "since_at",
        "since_taken",
        "until_at",
        "until_taken",
        "stopped",
        "expired",
    ),
    indexes=(("case_id",),),
)
"""One row per referral of a case: the parties, as `contracts.visibility` folds them."""

TABLES: Final = (AUDIENCE, PARTS)

EVERYBODY: Final = "everybody"
"""The reader of messages about no case."""
OVERSEERS: Final = "overseers"
"""The reader of everything."""
ALL_ROWS: Final = 1_000_000


def organisation_reader(organisation: str) -> str:
    """The reader of what one organisation may find."""
    # The prefix keeps an organisation of any name apart from the two readers above.
    return f"organisation {organisation}"


@dataclass(frozen=True, slots=True)
class _Move:
    """The parties of a case before a message and after it."""

    before: Parties
    after: Parties


class Listing:
    """Keeps the index of the feed. `look` folds the parties of the cases of a batch, `project` writes the rows.

    `reader` is the index that the projection fills.
    """

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader
        self._moves: dict[int, _Move] = {}
        self._earlier: dict[str, list[Row]] = {}

    async def look(self, batch: Sequence[Recorded]) -> None:
        """Folds the parties of each case, message by message."""
        taken = [
            (recorded, event, event.case) for recorded in batch if isinstance(event := recorded.event, MessageTaken)
        ]
        firsts = {case: recorded.version for recorded, _, case in reversed(taken) if case is not None}
        parties = await parties_of(self._reader, [case for case, first in firsts.items() if first > 1])
        self._moves.clear()
        self._earlier = {case: [] for case in firsts}
        for recorded, event, case in taken:
            if case is None:
                continue
            before = parties.get(case, Parties())
            # The stream holds nothing else, so its version is the message's number in it.
            after = parties[case] = parties_with(before, event, recorded.version)
            self._moves[recorded.position] = _Move(before, after)
            if after != before and firsts[case] > 1 and not self._earlier[case]:
                self._earlier[case] = await self._earlier_messages(case)

    async def _earlier_messages(self, case: str) -> list[Row]:
        return await self._reader.find(AUDIENCE.name, {"reader": OVERSEERS, "case_id": case}, after=0, limit=ALL_ROWS)

    def project(self, recorded: Recorded, changes: Changes) -> None:
        """Takes in one event of the log."""
        event: InboxEvent = recorded.event
        match event:
            case MessageTaken():
                self._taken(event, recorded, changes)
            case _:
                assert_never(event)

    def _taken(self, event: MessageTaken, recorded: Recorded, changes: Changes) -> None:
        key, position = str(recorded.position), recorded.position
        if event.case is None:
            for reader in (EVERYBODY, OVERSEERS):
                changes.put(AUDIENCE.name, f"{key} {reader}", position, reader=reader, type=event.type)
            return
        move = self._moves.pop(position)
        item = item_of(event.name, event.message["data"], message_place(event.recorded_at, recorded.version))
        columns = {"type": event.type, "case_id": event.case, **_item_columns(item)}
        changes.put(AUDIENCE.name, f"{key} {OVERSEERS}", position, reader=OVERSEERS, **columns)
        for organisation in move.after.organisations:
            if move.after.sees(organisation, item):
                reader = organisation_reader(organisation)
                changes.put(AUDIENCE.name, f"{key} {reader}", position, reader=reader, **columns)
        if move.after != move.before:
            self._parties_changed(event.case, move, recorded, changes)
        self._earlier[event.case].append(Row(f"{key} {OVERSEERS}", position, {"reader": OVERSEERS, **columns}))

    def _parties_changed(self, case: str, move: _Move, recorded: Recorded, changes: Changes) -> None:
        before, after = move.before, move.after
        for part in after.parts:
            if part not in before.parts or after.agency != before.agency:
                columns = _part_columns(part, after.agency)
                changes.put(PARTS.name, f"{case} {part.referral}", recorded.position, case_id=case, **columns)
        for row in self._earlier[case]:
            item = item_of_row(row)
            for organisation in after.organisations:
                reader = organisation_reader(organisation)
                if after.sees(organisation, item):
                    changes.put(AUDIENCE.name, f"{row.seq} {reader}", row.seq, **{**row.columns, "reader": reader})
                else:
                    changes.delete(AUDIENCE.name, f"{row.seq} {reader}")


def _item_columns(item: Item) -> dict[str, Value]:
    at, taken = item.place
    return {
        "organisation": item.organisation,
        "referral": item.referral,
        "is_stop": int(item.is_stop),
        "at": at,
        "taken": taken,
    }


def item_of_row(row: Row) -> Item:
    """The message of a row of AUDIENCE, as the rule about parties sees it."""
    columns: Any = row.columns
    return Item(
        place=(columns["at"], columns["taken"]),
        organisation=columns["organisation"],
        referral=columns["referral"],
        is_stop=bool(columns["is_stop"]),
    )


def _part_columns(part: Part, agency: str | None) -> dict[str, Value]:
    since_at, since_taken = part.since or (None, None)
    until_at, until_taken = part.until or (None, None)
    return {
        "referral": part.referral,
        "agency": agency,
        "organisation": part.organisation,
        "since_at": since_at,
        "since_taken": since_taken,
        "until_at": until_at,
        "until_taken": until_taken,
        "stopped": int(part.stopped),
        "expired": int(part.expired),
    }


def _part(row: Row) -> Part:
    columns: Any = row.columns

    def place(name: str) -> Place | None:
        at = columns[f"{name}_at"]
        return None if at is None else (at, columns[f"{name}_taken"])

    return Part(
        referral=columns["referral"],
        organisation=columns["organisation"],
        since=place("since"),
        until=place("until"),
        stopped=bool(columns["stopped"]),
        expired=bool(columns["expired"]),
    )


async def parties_of(reader: IndexReader, cases: Sequence[str]) -> dict[str, Parties]:
    """The parties of some cases; a case about which nobody was addressed yet may be missing."""
    parts: dict[str, list[Row]] = {}
    for row in await reader.find(PARTS.name, {"case_id": cases}, after=0, limit=ALL_ROWS) if cases else ():
        parts.setdefault(str(row.columns["case_id"]), []).append(row)
    return {
        case: Parties.of(
            next((str(row.columns["agency"]) for row in rows if row.columns["agency"] is not None), None),
            map(_part, rows),
        )
        for case, rows in parts.items()
    }
