"""What the index knows of where each organisation's cases and referrals stand, so that lists can be compared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Final

from contracts.visibility import Parties
from services.chassis.index.index import Changes, IndexReader, Row, Table, Value
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.standing import (
    Standing,
    case_after,
    is_open,
    known_from,
    referral_after,
    referral_of,
)

KNOWN_CASES: Final = Table(
    "known_cases",
    columns=("organisation", "agency", "case_id", "referral", "state", "event", "open", "latest"),
    indexes=(
        ("open",),
        ("organisation", "open"),
        ("organisation", "agency"),
        ("organisation", "agency", "open"),
        ("organisation", "referral"),
    ),
)
"""One row per case and organisation, and one per referral and organisation, by what the organisation may see of it.

`seq` is the position of the first event of it that it may see, `event` the id of the last. `state` is as `Standing` has
it. `open` is 1 for an open case of the organisation. `referral` is there in the row of a referral, and `latest`, the
referral that the case was offered by last, in that of a case.
"""

AT_ONCE: Final = 1000
"""Rows of one look-up. No case has so many parties."""

Message = tuple[int, MessageTaken]
"""A message with its position in the log."""


def case_key(case: str, organisation: str) -> str:
    """The key of what an organisation knows of a case."""
    return f"{case} {organisation}"


def _referral_key(case: str, referral: str, organisation: str) -> str:
    return f"{case} {referral} {organisation}"


class KnownCases:
    """Keeps the rows of KNOWN_CASES: `look` reads what is known before a batch, and `take` writes what is after."""

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader
        self._held: dict[str, Standing] = {}

    async def look(self, taken: Sequence[MessageTaken], parties: Mapping[str, Parties]) -> None:
        """Reads what the organisations of these cases know before a batch of messages about them."""
        keys: set[str] = set()
        for event in taken:
            if event.case is None or event.case not in parties:
                continue
            named = referral_of(event)
            for organisation in parties[event.case].organisations:
                keys.add(case_key(event.case, organisation))
                if named is not None:
                    keys.add(_referral_key(event.case, named, organisation))
        rows = await self._reader.rows(KNOWN_CASES.name, sorted(keys)) if keys else {}
        self._held = {key: standing_of(row) for key, row in rows.items()}

    def take(
        self, message: Message, case: str, parties: Parties, organisations: Iterable[str], changes: Changes
    ) -> None:
        """One more message about a case, for the organisations that see it; its parties are as they were."""
        position, event = message
        named = referral_of(event)
        for organisation in organisations:
            key = case_key(case, organisation)
            if (standing := case_after(self._held.get(key), event)) is not None:
                self._put_case(key, position, standing, case, parties, organisation, changes)
            if named is not None:
                key = _referral_key(case, named, organisation)
                standing = referral_after(self._held.get(key), event)
                self._put_referral(key, position, standing, case, parties, organisation, changes)

    def make_again(
        self, case: str, parties: Parties, organisation: str, seen: Sequence[Message], all_: Sequence[Message],
        changes: Changes,
    ) -> None:  # fmt: skip
        """All that an organisation knows of a case, of which it may see other messages than before."""
        known = known_from(event for _, event in seen)
        key = case_key(case, organisation)
        self._forget(key, changes)
        if known.case is not None:
            self._put_case(key, seen[0][0], known.case, case, parties, organisation, changes)
        for named in {referral_of(event) for _, event in all_} - {None}:
            key = _referral_key(case, str(named), organisation)
            self._forget(key, changes)
            if (standing := known.referrals.get(str(named))) is not None:
                first = next(position for position, event in seen if referral_of(event) == named)
                self._put_referral(key, first, standing, case, parties, organisation, changes)

    def _forget(self, key: str, changes: Changes) -> None:
        if self._held.pop(key, None) is not None:
            changes.delete(KNOWN_CASES.name, key)

    def _put_case(
        self, key: str, first: int, standing: Standing, case: str, parties: Parties, organisation: str,
        changes: Changes,
    ) -> None:  # fmt: skip
        opened = 1 if is_open(standing.state, parties, organisation) else None
        self._put(key, first, standing, case, parties, organisation, changes, open=opened, latest=standing.referral)

    def _put_referral(
        self, key: str, first: int, standing: Standing, case: str, parties: Parties, organisation: str,
        changes: Changes,
    ) -> None:  # fmt: skip
        self._put(key, first, standing, case, parties, organisation, changes, referral=standing.referral)

    def _put(
        self, key: str, first: int, standing: Standing, case: str, parties: Parties, organisation: str,
        changes: Changes, **more: Value,
    ) -> None:  # fmt: skip
        self._held[key] = standing
        changes.put(
            KNOWN_CASES.name,
            key,
            first,
            organisation=organisation,
            agency=parties.agency,
            case_id=case,
            state=standing.state,
            event=standing.event,
            **more,
        )


async def rows_open(reader: IndexReader, table: Table, where: Mapping[str, Value]) -> AsyncIterator[Row]:
    """The rows of a table with these values that are `open`, in the order in which they began."""
    place = 0
    while True:
        rows = await reader.find(table.name, {**where, "open": 1}, after=place, limit=AT_ONCE)
        if len(rows) < AT_ONCE:
            for row in rows:
                yield row
            return
        # Those of the parties of one case may begin with one event: what may be cut in two comes again as a whole.
        last = rows[-1].seq
        for row in rows:
            if row.seq < last:
                yield row
        place = last - 1


def standing_of(row: Row) -> Standing:
    """What a row of KNOWN_CASES says of its case, or of its referral."""
    columns = row.columns
    referral = columns["referral"] if columns["referral"] is not None else columns["latest"]
    return Standing(str(columns["event"]), _text(columns["state"]), _text(referral))


def _text(value: Value) -> str | None:
    return str(value) if value is not None else None
