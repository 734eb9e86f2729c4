"""The index of the feed: exact whatever happens, and a page costs what it shows."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import referral
from contracts.casefile.closing import CaseReopened
from contracts.casefile.consent_withdrawal import NgoAccessRevoked
from contracts.casefile.deadlines import NgoAccessExpired
from contracts.codes import Role
from contracts.message import CaseMessage, Message, as_json
from contracts.visibility import Parties, facts_of, item_of, message_place
from services.chassis.access.identity import Caller
from services.chassis.index.index import Row
from services.chassis.index.sqlite import SQLiteIndex
from services.chassis.log.event_log import Write
from services.chassis.memory_stores import MemoryStores
from services.chassis.modelling.decider import Actor
from services.chassis.time.clock import SystemClock
from services.notifications.catalogue import MESSAGES
from services.notifications.domain.inbox import MessageTaken, inbox_stream
from services.notifications.events import EVENT_TYPES
from services.notifications.known_cases import key_of
from services.notifications.lists import page
from services.notifications.projection import TABLES, VERSION, Listing
from services.notifications.waiting_rows import WaitingRows
from services.notifications.ways import Ways
from tests.chassis.indexing import changing
from tests.notifications.messages import AGENCY, BRUGWERK, SAMENSTAP, START, Story, described

SYSTEM = Actor(sub="notifications", role="SYSTEM", org="caserelay")
READERS = {
    AGENCY: Caller("ines.debacker", AGENCY, Role.AGENCY_COUNSELLOR),
    BRUGWERK: Caller("lotte.claes", BRUGWERK, Role.NGO_COORDINATOR),
    SAMENSTAP: Caller("karim.haddad", SAMENSTAP, Role.NGO_COORDINATOR),
    "rekenhof-demo": Caller("demo.auditor", "rekenhof-demo", Role.AUDITOR),
    "caserelay-demo": Caller("demo.operator", "caserelay-demo", Role.OPERATOR),
    "elsewhere": Caller("somebody", "elsewhere", Role.NGO_LEAD),
}


class Filled:
    """An index, and what was put into it, one log position after the other."""

    def __init__(self, index: SQLiteIndex) -> None:
        self.index = index
        self._log = MemoryStores().event_log("notifications", EVENT_TYPES)
        self._feed = Listing(index, self._log, WaitingRows(index, Ways([]), SystemClock()))
        self._versions: dict[str | None, int] = {}
        self.taken: list[tuple[int, Message]] = []

    def take(self, messages: Sequence[Message]) -> None:
        """Takes messages in, all in one transaction."""
        asyncio.run(self.taking(messages))

    async def taking(self, messages: Sequence[Message]) -> None:
        """The same, while somebody reads."""
        known = len(self.taken)
        for message in messages:
            await self._record(message)
        batch = await self._log.read_all(known, len(messages))
        async with changing(self.index, through=len(self.taken)) as changes:
            await self._feed.look(batch)
            for recorded in batch:
                self._feed.project(recorded, changes)

    async def _record(self, message: Message) -> None:
        case = message.case if isinstance(message, CaseMessage) else None
        version = self._versions[case] = self._versions.get(case, 0) + 1
        self.taken.append((version, message))
        at = message.recorded_at if isinstance(message, CaseMessage) else START
        event = MessageTaken(
            source="/services/referral",
            sequence=len(self.taken),
            type=message.TYPE,
            name=message.NAME,
            case=case,
            recorded_at=at,
            audience=(),
            message={"id": f"event-{len(self.taken)}", "type": message.TYPE, "data": as_json(message)},
        )
        meta = EVENT_TYPES.metadata(event_id="e", actor=SYSTEM, occurred_at=at, recorded_at=at, correlation_id="e")
        await self._log.append([Write(inbox_stream(f"{case}"), version - 1, [(event, meta)])])

    def expected(self, org: str, *, of: str | None = None) -> list[int]:
        """The positions that an organisation sees, found the slow way: by folding everything about each case."""
        parties: dict[str, Parties] = {}
        for version, message in self.taken:
            if isinstance(message, CaseMessage):
                data = as_json(message)
                for fact in facts_of(message.NAME, data, message_place(message.recorded_at, version)):
                    parties[message.case] = parties.get(message.case, Parties()).take(fact)
        found = []
        for position, (version, message) in enumerate(self.taken, start=1):
            if of is not None and of != message.TYPE:
                continue
            if not isinstance(message, CaseMessage) or org == "rekenhof-demo":
                found.append(position)
                continue
            data = as_json(message)
            item = item_of(message.NAME, data, message_place(message.recorded_at, version))
            if parties.get(message.case, Parties()).sees(org, item):
                found.append(position)
        return found

    def known(self, org: str) -> dict[str, tuple[int, str]]:
        """Of each case that an organisation knows: where what it sees of it begins, and the id of the last."""
        keys = [key_of(case, org) for case in self._versions if case is not None]
        rows = asyncio.run(self.index.rows("known_cases", keys)).values()
        return {str(row.columns["case_id"]): (row.seq, str(row.columns["event"])) for row in rows}

    def expected_known(self, org: str) -> dict[str, tuple[int, str]]:
        """The same, by what the organisation sees of its feed."""
        found: dict[str, tuple[int, str]] = {}
        for position in self.expected(org):
            _, message = self.taken[position - 1]
            if isinstance(message, CaseMessage):
                first, _ = found.get(message.case, (position, ""))
                found[message.case] = first, f"event-{position}"
        return found

    def shown(self, org: str, limit: int, *, of: str | None = None) -> list[int]:
        """The positions that pages of a size show, one page after the other."""
        found: list[int] = []
        after = 0
        while True:
            types = None if of is None else (of,)
            got = asyncio.run(page(self.index, READERS[org], "read-feed", after=after, limit=limit, types=types))
            assert len(got.positions) <= limit
            assert got.next >= max((after, *got.positions))
            found.extend(got.positions)
            if len(got.positions) < limit:
                assert got.next == len(self.taken)
                return found
            after = got.next


@contextmanager
def filled(directory: Path) -> Iterator[Filled]:
    """An empty index in a directory."""
    index = SQLiteIndex(directory / "index.db", TABLES, VERSION)
    try:
        yield Filled(index)
    finally:
        index.close()


class Overtaken:
    """An index that another process goes on to fill just when somebody begins to read."""

    def __init__(self, index: SQLiteIndex, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._index = index
        self._meanwhile = meanwhile
        self.get, self.rows, self.find, self.first = index.get, index.rows, index.find, index.first

    async def through(self) -> int:
        """How far it was filled a moment ago."""
        known = await self._index.through()
        await self._meanwhile()
        return known

    async def find_and_through(self, *asked: Any, **bounds: Any) -> tuple[list[Row], int]:
        """Rows, some of which were not there yet when it was asked how far it was filled."""
        through = await self.through()
        return await self._index.find(*asked, **bounds), through


async def test_what_is_indexed_while_a_page_is_read_is_on_the_next_one_only(tmp_path: Path) -> None:
    """Who reads on from page to page is told nothing twice, also by a replica whose index another one fills."""
    with filled(tmp_path) as feed:
        story, reader = Story("case-1"), READERS[BRUGWERK]
        await feed.taking([story.submitted(BRUGWERK)])
        news = iter([[story.of_case(CaseReopened)], []])
        overtaken = Overtaken(feed.index, lambda: feed.taking(next(news)))
        first = await page(overtaken, reader, "read-feed", after=0, limit=10, types=None)
        second = await page(overtaken, reader, "read-feed", after=first.next, limit=10, types=None)
        assert (first.positions, second.positions) == ((1,), (2,))


_KINDS = ("submitted", "declined", "completed", "withdrawn", "stop", "revoked", "expired", "note", "noticed")
_moves = st.lists(
    st.tuples(st.sampled_from(_KINDS), st.sampled_from([BRUGWERK, SAMENSTAP]), st.sampled_from(["case-1", "case-2"])),
    max_size=25,
)


def _message(story: Story, kind: str, org: str) -> Message:
    own = {"referral": f"{story.case}-{org}", "organisation": org}
    match kind:
        case "submitted":
            return story.submitted(org)
        case "declined":
            return story.declined(org)
        case "completed":
            return story.of_referral(referral.ReferralCompleted, org, closure="HANDBACK_ACCEPTED", loop_closed_at=START)
        case "withdrawn":
            return story.of_referral(referral.ReferralWithdrawn, org, reason="CLIENT_MOVED")
        case "stop":
            return story.of_referral(referral.LegalBasisWithdrawn, org, legal_basis="LB-1", withdrawn_at=START)
        case "revoked":
            return story.of_case(NgoAccessRevoked, **own, reason="CONSENT_WITHDRAWN")
        case "expired":
            return story.of_case(NgoAccessExpired, **own)
        case "note":
            return story.of_case(CaseReopened)
        case _:
            return described(org)


@settings(max_examples=60, deadline=None)
@given(_moves, st.randoms(use_true_random=False), st.integers(1, 7), st.sampled_from([0, 60]))
def test_pages_show_exactly_what_the_rule_permits(
    moves: list[tuple[str, str, str]], shuffled: Random, limit: int, pace: int
) -> None:
    """Whatever happens, in whatever order it is told, with a running or a frozen clock: the feed is the rule."""
    stories = {case: Story(case, pace=pace) for case in ("case-1", "case-2")}
    messages = [_message(stories[case], kind, org) for kind, org, case in moves]
    shuffled.shuffle(messages)
    with TemporaryDirectory() as directory, filled(Path(directory)) as feed:
        # In batches of any size: several messages of a case may come at once.
        while messages:
            many = shuffled.randint(1, 6)
            feed.take(messages[:many])
            messages = messages[many:]
        for org in READERS:
            assert feed.shown(org, limit) == feed.expected(org)
            kind = CaseReopened.TYPE
            assert feed.shown(org, limit, of=kind) == feed.expected(org, of=kind)
        for org in (AGENCY, BRUGWERK, SAMENSTAP):
            assert feed.known(org) == feed.expected_known(org)


@pytest.mark.parametrize("types", [None, (referral.ReferralSubmitted.TYPE,), tuple(MESSAGES)])
def test_a_page_looks_only_at_what_is_for_its_reader(tmp_path: Path, types: tuple[str, ...] | None) -> None:
    """Every look-up runs along an index in the order of the feed: nothing is scanned, and nothing is sorted."""
    with filled(tmp_path) as feed:
        story = Story("case-1")
        feed.take([story.submitted(BRUGWERK), described(BRUGWERK)])
        asked: list[str] = []
        feed.index._db.set_trace_callback(asked.append)
        asyncio.run(page(feed.index, READERS[BRUGWERK], "read-feed", after=0, limit=200, types=types))
        feed.index._db.set_trace_callback(None)
        plans = [
            str(step[3])
            for query in asked
            for step in feed.index._db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
            if "progress" not in query and "parts" not in query
        ]
    assert plans
    assert all(plan.startswith("SEARCH audience USING INDEX") and "seq>?" in plan for plan in plans)


def test_others_messages_cost_a_reader_nothing(tmp_path: Path) -> None:
    """Behind thousands of messages for another organisation, one's own is found in a few steps of the database."""
    with filled(tmp_path) as feed:
        for n in range(20):
            story = Story(f"case-{n}")
            feed.take([story.submitted(SAMENSTAP), *(story.of_case(CaseReopened) for _ in range(200))])
        feed.take([Story("mine", start=START + timedelta(days=1)).submitted(BRUGWERK)])
        steps = _steps(feed.index._db, lambda: _page(feed, BRUGWERK))
        assert _page(feed, BRUGWERK) == (len(feed.taken),)
        assert _page(feed, SAMENSTAP, limit=200) == tuple(range(1, 201))
    assert steps < 50


def _page(feed: Filled, org: str, limit: int = 50) -> tuple[int, ...]:
    return asyncio.run(page(feed.index, READERS[org], "read-feed", after=0, limit=limit, types=None)).positions


def _steps(db: sqlite3.Connection, work: Callable[[], object]) -> int:
    """How many hundreds of instructions the database executed."""
    count = 0

    def another_hundred() -> int:
        nonlocal count
        count += 1
        return 0

    db.set_progress_handler(another_hundred, 100)
    work()
    db.set_progress_handler(None, 100)
    return count
