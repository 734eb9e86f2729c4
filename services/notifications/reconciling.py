"""Compares what an organisation has of its cases with what it was told: case by case, and by hashes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from services.chassis.deciding.streams import Streams
from services.chassis.http.request.positions import unknown_filter
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import IndexReader, Row
from services.notifications.digests import hash_over
from services.notifications.domain.inbox import inbox_stream, notices_stream
from services.notifications.domain.standing import several
from services.notifications.known_cases import KNOWN_CASES, KNOWN_REFERRALS, hash_of_row, key_of, open_cases
from services.notifications.night_rows import NIGHTS, pair_key
from services.notifications.projection import AUDIENCE, organisation_reader
from services.notifications.routes.reconciliation_shapes import MOST_CASES, Because, ListedCase

AT_ONCE: Final = 500
MOST_TRACED: Final = 200
"""Of one list: cases whose last event is looked for in what happened, so that the feed is read from there on. The
others are read from their beginning; the next list finds them."""

_FROM_THERE: Final = "read `feed`, and what follows by its `next`: it begins behind your last event of it"
_FROM_THE_BEGINNING: Final = (
    "read `feed`, and what follows by its `next`: it begins with the first event of it; skip what you have by its `id`"
)
_READ_IT: Final = "your last event is the right one: read it at `href`, and take its state from there"
_NOT_YOURS: Final = (
    "there is no such one, or you may no longer see it: delete it where its access ended, else look for a wrong id"
)
_TOGETHER: Final = "read `feed` until its `next` brings nothing more: all that differs is in it; skip what you have"

Cursor = Callable[[int], str | None]
"""The cursor of the feed behind a position, for the caller."""


class Reconciling:
    """Compares for callers."""

    def __init__(self, streams: Streams, index: IndexReader, caught_up: Callable[[], Awaitable[None]]) -> None:
        self._streams = streams
        self._index = index
        self._caught_up = caught_up

    async def compare(self, organisation: str, listed: Sequence[ListedCase], cursor: Cursor, *, complete: bool) -> Json:
        """What is the same, what is missing on either side, and what differs."""
        await self._caught_up()
        known = await self._known(organisation, listed)
        same, missing_here, different = list[Json](), list[Json](), list[Json]()
        places: list[int] = []
        for entry, row in zip(listed, known, strict=True):
            named = {"case": entry.case, "referral": entry.referral}
            there = {"state": entry.state, "lastEvent": entry.last_event}
            if row is None:
                missing_here.append({**named, **there, "catchUp": _catch_up(_NOT_YOURS)})
                continue
            here = {"state": row.columns["state"], "lastEvent": row.columns["event"]}
            if here == there or (here["state"] is None and here["lastEvent"] == there["lastEvent"]):
                same.append(named)
                continue
            because, place = await self._why(organisation, entry, row, traced=len(different) < MOST_TRACED)
            if place is not None:
                places.append(place)
            feed = cursor(place) if place is not None else None
            how = {Because.BEHIND: _FROM_THERE, Because.STATE: _READ_IT}.get(because, _FROM_THE_BEGINNING)
            caught = _catch_up(how, feed, _href(entry.case, entry.referral))
            different.append({**named, "because": because, "here": here, "there": there, "catchUp": caught})
        missing_there, more = await self._unlisted(organisation, listed, cursor, places) if complete else ([], False)
        together = _catch_up(_TOGETHER, cursor(min(places))) if places else None
        return {
            "same": same,
            "missingHere": missing_here,
            "missingThere": missing_there,
            "moreMissingThere": more,
            "different": different,
            "catchUp": together,
        }

    async def _known(self, organisation: str, listed: Sequence[ListedCase]) -> list[Row | None]:
        wanted = {
            KNOWN_CASES.name: [entry.case for entry in listed],
            KNOWN_REFERRALS.name: [e.referral for e in listed],
        }
        found: dict[str, Row] = {}
        for table, ids in wanted.items():
            for keys in _parts([key_of(known, organisation) for known in ids if known is not None]):
                found |= {f"{table} {key}": row for key, row in (await self._index.rows(table, keys)).items()}
        return [
            found.get(f"{KNOWN_CASES.name} {key_of(entry.case, organisation)}")
            if entry.case is not None
            else found.get(f"{KNOWN_REFERRALS.name} {key_of(str(entry.referral), organisation)}")
            for entry in listed
        ]

    async def _why(self, organisation: str, entry: ListedCase, row: Row, *, traced: bool) -> tuple[Because, int | None]:
        """Why it differs, and the position behind which what is missing comes."""
        if entry.last_event == row.columns["event"]:
            return Because.STATE, None
        if entry.last_event is not None and traced:
            position = await self._seen_at(organisation, str(row.columns["case_id"]), entry.last_event)
            if position is not None:
                return Because.BEHIND, position
        return (Because.UNKNOWN_EVENT if traced else Because.BEHIND), row.seq - 1

    async def _seen_at(self, organisation: str, case: str, event_id: str) -> int | None:
        for recorded in await self._streams.log.read(inbox_stream(case)):
            if recorded.event.message["id"] == event_id:
                key = f"{recorded.position} {organisation_reader(organisation)}"
                return recorded.position if await self._index.get(AUDIENCE.name, key) is not None else None
        return None

    async def _unlisted(
        self, organisation: str, listed: Sequence[ListedCase], cursor: Cursor, places: list[int]
    ) -> tuple[list[Json], bool]:
        cases = {entry.case for entry in listed} - {None}
        referrals = {entry.referral for entry in listed} - {None}
        missing: list[Json] = []
        async for row in open_cases(self._index, organisation):
            columns = row.columns
            if columns["case_id"] in cases or columns["latest"] in referrals:
                continue
            if len(missing) == MOST_CASES:
                return missing, True
            places.append(row.seq - 1)
            caught = _catch_up(_FROM_THE_BEGINNING, cursor(row.seq - 1), _href(str(columns["case_id"])))
            missing.append(
                {
                    "case": columns["case_id"],
                    # Offered to several at once, it has no one referral.
                    "referral": None if str(columns["latest"]).startswith(several("")) else columns["latest"],
                    "state": columns["state"],
                    "lastEvent": columns["event"],
                    "catchUp": caught,
                }
            )
        return missing, False

    async def digest(self, own: str, other: str | None) -> Json:
        """The hashes of the open cases of the caller's organisation, or of those that it has with another one."""
        await self._caught_up()
        agency: str | None = None
        organisation: str | None = None
        if other is not None:
            if not await self._is_known(other):
                raise unknown_filter("organisation", "the id of an existing organisation")
            # Nobody knows of oneself whether one leads the cases: the other one may lead some of them, and some not.
            agency, organisation = await self._sides(own, other)
        cases: list[Json] = []
        async for row in open_cases(self._index, organisation or own):
            columns = row.columns
            if agency in (None, columns["agency"]):
                case = {"case": columns["case_id"], "state": columns["state"], "lastEvent": columns["event"]}
                cases.append({**case, "hash": hash_of_row(row)})
        return {
            "agency": agency,
            "organisation": organisation,
            "cases": cases,
            "hash": hash_over({shown["case"]: shown["hash"] for shown in cases}),
            "nightly": await self._nightly(agency, organisation),
        }

    async def _is_known(self, organisation: str) -> bool:
        described = await self._streams.log.read(notices_stream(organisation), through=1)
        return bool(described) and described[0].event.name == "OrganisationDescribed"

    async def _sides(self, own: str, other: str) -> tuple[str, str]:
        """Which of two is the agency: the one whose cases the other one has, or had; else who asks is not."""
        led = await self._index.get(NIGHTS.name, pair_key(own, other))
        return (own, other) if led is not None else (other, own)

    async def _nightly(self, agency: str | None, organisation: str | None) -> Json | None:
        row = await self._index.get(NIGHTS.name, pair_key(agency or "", organisation or ""))
        if row is None or row.columns["digest"] is None:
            return None
        return {"madeAt": row.columns["made_at"], "cases": row.columns["cases"], "hash": row.columns["digest"]}


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def _catch_up(how: str, after: str | None = None, href: str | None = None) -> Json:
    feed = f"/v1/feed?after={after}" if after is not None else None
    return {"how": how, "after": after, "feed": feed, "href": href}


def _href(case: str | None, referral: str | None = None) -> str:
    return f"/v1/cases/{case}" if case is not None else f"/v1/referrals/{referral}"
