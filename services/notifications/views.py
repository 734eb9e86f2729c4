"""The feed: which messages a caller may see, in the order in which they came.

The index lists candidates for every reader, so that a page costs what it shows, however much there is for others. It
is kept exact as parties come and go; all the same it decides nothing: each item of a page is shown only if the policy
permits it for the parties as they are then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contracts.parties import Item, Part, Parties, Place, item_of, message_place
from services.chassis.access.identity import Caller
from services.chassis.index.index import Changes, IndexReader, Row, Table, Value
from services.chassis.log.metadata import Recorded
from services.notifications.access import OVERSIGHT, POLICY, relations_to_message
from services.notifications.catalogue import MESSAGES
from services.notifications.domain.inbox import MessageTaken, parties_with

INDEX_VERSION: Final = 2

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
"""One row per referral of a case: the parties, as `contracts.parties` folds them."""

TABLES: Final = (AUDIENCE, PARTS)

_EVERYBODY: Final = "everybody"
_OVERSEERS: Final = "overseers"
_ALL: Final = 1_000_000


def _organisation_reader(organisation: str) -> str:
    # The prefix keeps an organisation of any name apart from the two readers above.
    return f"organisation {organisation}"


@dataclass(frozen=True, slots=True)
class _Move:
    """Who had a part in a case before a message, and who has one after it."""

    before: Parties
    after: Parties


class FeedIndex:
    """Keeps the index of the feed. `look` folds the parties of the cases of a batch, `project` writes the rows.

    `reader` is the index that the projection fills.
    """

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader
        self._moves: dict[int, _Move] = {}
        self._earlier: dict[str, list[Row]] = {}

    async def look(self, batch: Sequence[Recorded]) -> None:
        """Finds out who has a part in which case, from message to message."""
        taken = [(one, event, event.case) for one in batch if isinstance(event := one.event, MessageTaken)]
        firsts = {case: one.version for one, _, case in reversed(taken) if case is not None}
        parties = parties_of(self._reader, [case for case, first in firsts.items() if first > 1])
        self._moves.clear()
        self._earlier = {case: [] for case in firsts}
        for one, event, case in taken:
            if case is None:
                continue
            before = parties.get(case, Parties())
            # The stream holds nothing else, so its version says as the how-manieth the message was taken.
            after = parties[case] = parties_with(before, event, one.version)
            self._moves[one.position] = _Move(before, after)
            if after != before and firsts[case] > 1 and not self._earlier[case]:
                self._earlier[case] = self._told_before(case)

    def _told_before(self, case: str) -> list[Row]:
        return self._reader.find(AUDIENCE.name, {"reader": _OVERSEERS, "case_id": case}, after=0, limit=_ALL)

    def project(self, recorded: Recorded, changes: Changes) -> None:
        """Takes one event of the log in."""
        event = recorded.event
        if not isinstance(event, MessageTaken):
            return
        key, position = str(recorded.position), recorded.position
        if event.case is None:
            for reader in (_EVERYBODY, _OVERSEERS):
                changes.put(AUDIENCE.name, f"{key} {reader}", position, reader=reader, type=event.type)
            return
        move = self._moves.pop(position)
        item = item_of(event.name, event.message["data"], message_place(event.recorded_at, recorded.version))
        columns = {"type": event.type, "case_id": event.case, **_item_columns(item)}
        changes.put(AUDIENCE.name, f"{key} {_OVERSEERS}", position, reader=_OVERSEERS, **columns)
        for organisation in move.after.organisations:
            if move.after.sees(organisation, item):
                reader = _organisation_reader(organisation)
                changes.put(AUDIENCE.name, f"{key} {reader}", position, reader=reader, **columns)
        if move.after != move.before:
            self._parties_changed(event.case, move, recorded, changes)
        self._earlier[event.case].append(Row(f"{key} {_OVERSEERS}", position, {"reader": _OVERSEERS, **columns}))

    def _parties_changed(self, case: str, move: _Move, recorded: Recorded, changes: Changes) -> None:
        before, after = move.before, move.after
        for part in after.parts:
            if part not in before.parts or after.agency != before.agency:
                columns = _part_columns(part, after.agency)
                changes.put(PARTS.name, f"{case} {part.referral}", recorded.position, case_id=case, **columns)
        for row in self._earlier[case]:
            item = _item(row)
            for organisation in after.organisations:
                reader = _organisation_reader(organisation)
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


def _item(row: Row) -> Item:
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


def parties_of(reader: IndexReader, cases: Sequence[str]) -> dict[str, Parties]:
    """The parties of some cases; a case that nobody was addressed with yet may be missing."""
    parts: dict[str, list[Row]] = {}
    for row in reader.find(PARTS.name, {"case_id": cases}, after=0, limit=_ALL) if cases else ():
        parts.setdefault(str(row.columns["case_id"]), []).append(row)
    return {
        case: Parties.of(
            next((str(row.columns["agency"]) for row in rows if row.columns["agency"] is not None), None),
            map(_part, rows),
        )
        for case, rows in parts.items()
    }


@dataclass(frozen=True, slots=True)
class Page:
    """Positions of messages to show, in order, and the position behind which the feed goes on."""

    positions: tuple[int, ...]
    next: int


def page(
    reader: IndexReader, caller: Caller, action: str, *, after: int, limit: int, types: Collection[str] | None
) -> Page:
    """The first `limit` messages behind `after` that the caller may see, of the given types (None: of all).

    A page that is not full goes on behind everything that the index knows.
    """
    through = max(after, reader.through())
    shown: list[int] = []
    place = after
    while True:
        wanted = limit - len(shown)
        found = _candidates(reader, caller, action, after=place, limit=wanted, types=types)
        # Another process may have filled the index since: what it has put there is on the next page, and not on both.
        rows = [row for row in found if row.seq <= through]
        shown.extend(_permitted(reader, caller, action, rows))
        if len(rows) < wanted:
            return Page(tuple(shown), through)
        place = rows[-1].seq
        if len(shown) == limit:
            return Page(tuple(shown), place)


def readers_of(caller: Caller, action: str) -> tuple[str, ...]:
    """As which readers the index lists what the caller may see; `audience` names the same ones."""
    if POLICY.permits(caller, action, (OVERSIGHT,)):
        return (_OVERSEERS,)
    return (_organisation_reader(caller.org), _EVERYBODY)


def audience(reader: IndexReader, *, after: int, limit: int) -> tuple[dict[str, set[str]], int]:
    """Who may find something in the next `limit` messages behind `after`: the types by reader; and through where.

    Two look-ups, however many listen. Like the index it decides nothing: it says who has a reason to ask for a page.
    """
    through = max(after, reader.through())
    found = reader.find(AUDIENCE.name, {"reader": _OVERSEERS}, after=after, limit=limit)
    rows = [row for row in found if row.seq <= through]
    parties = parties_of(reader, sorted({str(row.columns["case_id"]) for row in rows if row.columns["case_id"]}))
    told: dict[str, set[str]] = {}
    for row in rows:
        readers = [_OVERSEERS]
        if row.columns["case_id"] is None:
            readers.append(_EVERYBODY)
        elif (those := parties.get(str(row.columns["case_id"]))) is not None:
            readers += [_organisation_reader(one) for one in those.organisations if those.sees(one, _item(row))]
        for one in readers:
            told.setdefault(one, set()).add(str(row.columns["type"]))
    return told, rows[-1].seq if len(rows) == limit else through


def _candidates(
    reader: IndexReader, caller: Caller, action: str, *, after: int, limit: int, types: Collection[str] | None
) -> list[Row]:
    where: dict[str, Sequence[Value]] = {"reader": readers_of(caller, action)}
    if types is not None and len(types) < len(MESSAGES):
        where["type"] = tuple(types)
    return reader.find(AUDIENCE.name, where, after=after, limit=limit)


def _permitted(reader: IndexReader, caller: Caller, action: str, rows: Sequence[Row]) -> list[int]:
    cases = {str(row.columns["case_id"]) for row in rows if row.columns["case_id"] is not None}
    parties = parties_of(reader, sorted(cases))
    return [
        row.seq
        for row in rows
        if POLICY.permits(caller, action, _relations(caller, row, parties.get(str(row.columns["case_id"]), Parties())))
    ]


def _relations(caller: Caller, row: Row, parties: Parties) -> tuple[str, ...]:
    return relations_to_message(caller, None if row.columns["case_id"] is None else _item(row), parties)
