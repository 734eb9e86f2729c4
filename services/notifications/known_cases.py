"""What the index knows of where each organisation's cases and referrals stand, so that lists can be compared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Final

from contracts.visibility import Parties
from services.chassis.index.index import Changes, IndexReader, Row, Table, Value
from services.notifications.digests import hash_of_case
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
    "known_cases", columns=("agency", "case_id", "state", "event", "open", "latest", "since"), indexes=(("open",),)
)
"""One row per case and organisation, by what the organisation may see of it.

`seq` is the position of the first event of it that it may see, `event` the id of the last. `state` is as `Standing` has
it, with `since`, and `latest` is the referral that the case was offered by last. `open` is the organisation, while the
case is one of its open ones.
"""

KNOWN_REFERRALS: Final = Table("known_referrals", columns=("case_id", "state", "event"))
"""One row per referral and organisation, in the same way. An anonymous offer goes on in the row where it won."""

AT_ONCE: Final = 1000
"""Rows of one look-up."""

Message = tuple[int, MessageTaken]
"""A message with its position in the log."""


def key_of(known: str, organisation: str) -> str:
    """The key of what an organisation knows of a case, or of a referral, by its id."""
    return f"{known} {organisation}"


class KnownCases:
    """Keeps the rows: `look` reads what is known before a batch, and `take` writes what is after."""

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader
        self._cases: dict[str, Standing] = {}
        self._referrals: dict[str, Standing] = {}

    async def look(self, taken: Sequence[MessageTaken], parties: Mapping[str, Parties]) -> None:
        """Reads what the organisations of these cases know before a batch of messages about them."""
        cases: set[str] = set()
        referrals: set[str] = set()
        for event in taken:
            if event.case is None:
                continue
            named = referral_of(event)
            for organisation in parties.get(event.case, Parties()).organisations:
                cases.add(key_of(event.case, organisation))
                if named is not None:
                    referrals.add(key_of(named, organisation))
        self._cases = await self._held(KNOWN_CASES, cases)
        self._referrals = await self._held(KNOWN_REFERRALS, referrals)

    async def _held(self, table: Table, keys: set[str]) -> dict[str, Standing]:
        rows = await self._reader.rows(table.name, sorted(keys)) if keys else {}
        return {key: _standing(row) for key, row in rows.items()}

    def take(
        self, message: Message, case: str, parties: Parties, organisations: Iterable[str], changes: Changes
    ) -> None:
        """One more message about a case, for the organisations that see it."""
        position, event = message
        named = referral_of(event)
        for organisation in organisations:
            known = case_after(self._cases.get(key_of(case, organisation)), event)
            if known is not None:
                self._put_case(position, known, case, parties, organisation, changes)
            if named is not None:
                known = referral_after(self._referrals.get(key_of(named, organisation)), event)
                self._put_referral(position, known, named, case, organisation, changes)

    def make_again(
        self,
        case: str,
        parties: Parties,
        organisation: str,
        seen: Sequence[Message],
        every: Sequence[Message],
        changes: Changes,
    ) -> None:
        """All that an organisation knows of a case, of which it may see other messages of `every` than before."""
        known = known_from(event for _, event in seen)
        key = key_of(case, organisation)
        if self._cases.pop(key, None) is not None:
            changes.delete(KNOWN_CASES.name, key)
        if known.case is not None:
            self._put_case(seen[0][0], known.case, case, parties, organisation, changes)
        for named in {referral for _, event in every if (referral := referral_of(event)) is not None}:
            key = key_of(named, organisation)
            # Those of earlier messages may not have been looked at; one that is not there is deleted in vain.
            self._referrals.pop(key, None)
            changes.delete(KNOWN_REFERRALS.name, key)
            if (standing := known.referrals.get(named)) is not None:
                first = next(position for position, event in seen if referral_of(event) == named)
                self._put_referral(first, standing, named, case, organisation, changes)

    def _put_case(
        self, first: int, known: Standing, case: str, parties: Parties, organisation: str, changes: Changes
    ) -> None:
        key = key_of(case, organisation)
        self._cases[key] = known
        changes.put(
            KNOWN_CASES.name,
            key,
            first,
            agency=parties.agency,
            case_id=case,
            state=known.state,
            event=known.event,
            open=organisation if is_open(known.state, parties, organisation) else None,
            latest=known.referral,
            since=known.since,
        )

    def _put_referral(
        self, first: int, known: Standing, referral: str, case: str, organisation: str, changes: Changes
    ) -> None:
        key = key_of(referral, organisation)
        self._referrals[key] = known
        changes.put(KNOWN_REFERRALS.name, key, first, case_id=case, state=known.state, event=known.event)


async def open_cases(reader: IndexReader, organisation: str) -> AsyncIterator[Row]:
    """The open cases of an organisation, in the order in which they began for it."""
    place = 0
    while True:
        # No two of its cases begin with one event.
        rows = await reader.find(KNOWN_CASES.name, {"open": organisation}, after=place, limit=AT_ONCE)
        for row in rows:
            yield row
        if len(rows) < AT_ONCE:
            return
        place = rows[-1].seq


def hash_of_row(row: Row) -> str:
    """The hash of a row of KNOWN_CASES."""
    return hash_of_case(str(row.columns["case_id"]), str(row.columns["state"]), str(row.columns["event"]))


def _standing(row: Row) -> Standing:
    columns = row.columns
    return Standing(
        str(columns["event"]), _text(columns["state"]), _text(columns.get("latest")), _text(columns.get("since"))
    )


def _text(value: Value) -> str | None:
    return str(value) if value is not None else None
