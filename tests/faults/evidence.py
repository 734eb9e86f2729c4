"""What a system holds after it was mistreated, read as its users read it and from its files, and compared."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import psycopg

from services.cli import SERVICE_NAMES
from services.notifications.catalogue import MESSAGES
from tests.faults.caller import Caller
from tests.faults.load import Acknowledged
from tests.support.people import AUDITOR, INES, LOTTE

Json = dict[str, Any]

AT_ONCE: Final = 8
"""Records and timelines that are read side by side."""
PUBLISHED: Final = frozenset(model.NAME for model in MESSAGES.values())
"""The items of a timeline that are told to the parties too; the others stay between the agency and the auditors."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Referrals by id with their records, timelines by case, the feeds of three readers, and what /readyz says."""

    referrals: Mapping[str, Json]
    records: Mapping[str, Sequence[Json]]
    timelines: Mapping[str, Sequence[Json]]
    feeds: Mapping[str, Sequence[Json]]
    ready: Mapping[str, Json]

    @classmethod
    async def gathered(cls, people: Caller) -> Self:
        """All of it, once nobody lags behind."""
        ready = await people.settled()
        listed = await people.listed(INES, "/v1/referrals")
        referrals = {one["id"]: one for one in listed}
        assert len(referrals) == len(listed), "a referral is listed twice"
        records = await _each(referrals, lambda one: people.listed(INES, f"/v1/referrals/{one}/events"))
        cases = {one["case"] for one in listed}
        timelines = await _each(cases, lambda case: people.listed(INES, f"/v1/cases/{case}/timeline"))
        feeds = {reader.org: (await people.feed(reader))[0] for reader in (INES, LOTTE, AUDITOR)}
        return cls(referrals=referrals, records=records, timelines=timelines, feeds=feeds, ready=ready)

    def holds_what_was_acknowledged(self, told: Acknowledged) -> None:
        """Each acknowledged command is one event of its referral, one item of a timeline, one message in each feed."""
        on_timelines = Counter(item["event"] for items in self.timelines.values() for item in items)
        in_feeds = {reader: Counter(event["id"] for event in feed) for reader, feed in self.feeds.items()}
        assert told.commands
        for referral, expected in told.events.items():
            found = {event["type"]: event["event"] for event in self.records[referral]}
            assert Counter(event["type"] for event in self.records[referral]) >= Counter(expected)
            for kind in expected:
                assert on_timelines[found[kind]] == 1
                assert [counted[found[kind]] for counted in in_feeds.values()] == [1] * len(in_feeds)

    def holds_nothing_twice(self) -> None:
        """Every event is recorded, shown and told once, and within a case in the order of its source."""
        for events in self.records.values():
            assert [event["version"] for event in events] == list(range(1, len(events) + 1))
            assert all(count == 1 for count in Counter(event["type"] for event in events).values())
        for items in self.timelines.values():
            _once(item["event"] for item in items)
            positions = [item["position"] for item in items]
            assert positions == sorted(set(positions))
        for feed in self.feeds.values():
            _once(event["id"] for event in feed)
            places: dict[tuple[str, str], list[int]] = defaultdict(list)
            for event in feed:
                places[event["source"], event["subject"]].append(int(event["sequence"]))
            assert all(place == sorted(set(place)) for place in places.values())

    def agrees_everywhere(self) -> None:
        """Record, timeline and feeds tell one story; an acceptance has moved responsibility once."""
        recorded: dict[str, set[str]] = defaultdict(set)
        for referral, events in self.records.items():
            recorded[self.referrals[referral]["case"]] |= {event["event"] for event in events}
        for reader, feed in self.feeds.items():
            told: dict[str, set[str]] = defaultdict(set)
            for event in feed:
                if event["subject"] in self.timelines:
                    told[event["subject"]].add(event["id"])
            for case, items in self.timelines.items():
                published = {item["event"] for item in items if item["type"] in PUBLISHED}
                assert recorded[case] <= published, case
                differ = told[case] ^ published
                assert not differ, (reader, case, [one for one in (*items, *feed) if _id(one) in differ])
        for referral, one in self.referrals.items():
            case = one["case"]
            moved = [item for item in self.timelines[case] if item["type"] == "ResponsibilityTransferred"]
            accepted = [event for event in self.records[referral] if event["type"] == "ReferralAccepted"]
            assert len(moved) == len(accepted), (case, moved)

    def has_one_live_referral_per_person(self, told: Acknowledged) -> None:
        """Whatever became of a command that nobody was answered for, it opened no second live referral."""
        persons = Counter(one["clientRef"] for one in self.referrals.values())
        assert all(count == 1 for count in persons.values())
        assert told.ghosts <= set(persons)
        assert len(self.timelines) == len(self.referrals), "two referrals share a case"

    async def answers_a_repeat_as_before(self, people: Caller, told: Acknowledged, chance: random.Random) -> None:
        """A create sent once more under its key is answered with the referral it made, and makes nothing."""
        for key in chance.sample(sorted(told.answers), min(20, len(told.answers))):
            answer = await people.send(INES, "POST", "/v1/referrals", told.bodies[key], key=key)
            assert answer.status_code == 201, answer.text
            assert answer.headers["Idempotency-Replayed"] == "true"
            assert (answer.json()["id"], answer.json()["state"]) == (told.answers[key], "SUBMITTED")


async def _each(keys: Iterable[str], read: Callable[[str], Awaitable[Sequence[Json]]]) -> dict[str, Sequence[Json]]:
    some, found = asyncio.Semaphore(AT_ONCE), dict[str, Sequence[Json]]()

    async def one(key: str) -> None:
        async with some:
            found[key] = await read(key)

    await asyncio.gather(*map(one, keys))
    return found


def _id(one: Json) -> str:
    return str(one.get("event") or one["id"])


def _once(ids: Any) -> None:
    twice = [one for one, count in Counter(ids).items() if count > 1]
    assert not twice


def _rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()


def files_are_sound(directory: Path) -> None:
    """SQLite finds no fault in any file."""
    files = sorted(directory.glob("*.db"))
    assert files
    for file in files:
        assert _rows(file, "PRAGMA integrity_check") == [("ok",)], file


def streams_are_contiguous(directory: Path) -> None:
    """The versions of each stream of each log run from 1 without a gap, and no event id is there twice."""
    for log in directory.glob("*-log.db"):
        gaps = _rows(
            log,
            "SELECT originator_id FROM stored_events GROUP BY originator_id"
            " HAVING MIN(originator_version) <> 1 OR MAX(originator_version) <> COUNT(*)",
        )
        assert not gaps, log
        query = "SELECT COUNT(*), COUNT(DISTINCT json_extract(state, '$.meta.event_id')) FROM stored_events"
        ((events, distinct),) = _rows(log, query)
        assert events == distinct, log
        # Only who oversees makes the log of who read what longer.
        assert events or log.name == "access-log.db", log


def vault_holds(directory: Path, referrals: Collection[str]) -> None:
    """There is a record for the contact data of every referral: the one that its event refers to."""
    kept = {
        ref for (ref,) in _rows(directory / "referral-vault.db", "SELECT ref FROM records WHERE length(record) > 0")
    }
    referred = dict(
        _rows(
            directory / "referral-log.db",
            "SELECT json_extract(state, '$.data.offer.referral_id'), json_extract(state, '$.data.packet.contact_ref')"
            " FROM stored_events WHERE json_extract(state, '$.data.packet.contact_ref') IS NOT NULL",
        )
    )
    assert set(referrals) <= referred.keys()
    assert {referred[referral] for referral in referrals} <= kept


def logs_in_database_are_sound(url: str) -> None:
    """In each log the versions of each stream run from 1 without a gap, and no event id is there twice."""
    with psycopg.connect(url) as asking:
        for service in SERVICE_NAMES:
            table = f"caserelay_{service}.stored_events"
            gaps = asking.execute(
                f"SELECT originator_id FROM {table} GROUP BY originator_id HAVING min(originator_version) <> 1"  # noqa: S608 - one of three names
                " OR max(originator_version) <> count(*)"
            ).fetchall()
            assert not gaps, service
            # Positions may have gaps: a server that was killed has drawn some in vain.
            ((events, distinct),) = asking.execute(
                "SELECT count(*), count(DISTINCT convert_from(state, 'UTF8')::json -> 'meta' ->> 'event_id')"  # noqa: S608 - as above
                f" FROM {table}"
            ).fetchall()
            assert events == distinct > 0, service
