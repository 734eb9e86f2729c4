"""What the index keeps of some work is what its case says: in every situation, to all staff of both sides, at any time.

The index is filled once, at the time of the situation; then only the clock goes on.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import pytest
from msgspec.structs import replace

from contracts import referral as told
from contracts.codes import Role
from contracts.staff import COORDINATORS, COUNSELLORS
from services.casefile.actions import ACTIONS, RULES, decide, moving_on
from services.casefile.app import NAME
from services.casefile.context import CaseContexts
from services.casefile.domain.case import CASE
from services.casefile.domain.guards import blocked, steady_until
from services.casefile.domain.known_programme import ProgrammeLearnt, programme_stream
from services.casefile.domain.state import case_stream
from services.casefile.events import EVENT_TYPES
from services.casefile.projection import INDEX_VERSION, STEPS, TABLES, Listing
from services.casefile.queries import Queries
from services.casefile.work_items import WorkItems
from services.casefile.work_lists import WorkLists
from services.casefile.worklist import ERROR_CONFIRMATION, work_of_mentor, work_of_staff
from services.chassis.access.identity import Caller
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.projection import Projection
from services.chassis.log.event_log import Write
from services.chassis.memory_stores import MemoryStores
from services.chassis.modelling.decider import Actor
from tests.casefile import stories
from tests.casefile.casebook import RULES as PROGRAMME_RULES
from tests.casefile.casebook import Casebook
from tests.casefile.situations import Situation, situations
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import on

LATER: Final = tuple(
    timedelta(days=days, minutes=minutes)
    for days, minutes in ((0, 0), (0, 1), (1, 0), (8, 0), (27, 0), (28, 0), (29, 0), (61, 0), (185, 0), (400, 0))
)
"""Before and after the end of every term."""
PEOPLE: Final = tuple(
    Caller(sub, org, role)
    for org, roles, subs in (
        ("vdab-gent", COUNSELLORS, ("ines.debacker", "tom.maes", "els.peeters")),
        ("brugwerk", COORDINATORS, ("lotte.claes", "hanne.wouters")),
        ("samenstap", COORDINATORS, ("karim.haddad",)),
        # Roles of the other side at an organisation that has a part: they may do nothing there.
        ("vdab-gent", COORDINATORS, ("ines.debacker",)),
        ("brugwerk", COUNSELLORS, ("lotte.claes",)),
    )
    for role in sorted(roles)
    for sub in subs
)


def handed_over() -> Situation:
    """INTAKE: at both sides a colleague is asked to take over, and the agency to confirm an error."""
    story = stories.accepted()
    story.act(INES, "reassign-counsellor", {"counsellor": "tom.maes"})
    story.act(LOTTE, "reassign-coordinator", {"coordinator": "hanne.wouters"})
    return Situation("handed_over", story.book, story.now)


def error_reported() -> Situation:
    """REFERRED: Ines says that the referral was a mistake, which somebody else has to confirm."""
    story = stories.received()
    story.tell(told.ErrorReported, INES, on(14, 1))
    return Situation("error_reported", story.book, story.now)


SITUATIONS: Final = (*situations(), handed_over(), error_reported())


@dataclass
class Standing:
    """A clock that stands where it is put."""

    at: datetime

    def now(self) -> datetime:
        """Where it stands."""
        return self.at


class Indexed:
    """A casebook in a log, with the index of it."""

    def __init__(self, book: Casebook, at: datetime) -> None:
        stores = MemoryStores()
        self.book, self.clock = book, Standing(at)
        self.log = stores.event_log(NAME, EVENT_TYPES)
        self.streams = Streams(self.log)
        self.index = stores.index(NAME, TABLES, INDEX_VERSION)
        contexts = CaseContexts(self.index)
        self.items = WorkItems(self.streams, contexts, self.clock)
        self.queries = Queries(self.streams, contexts, Handler(self.streams, contexts, decide), self.clock)
        listing = Listing(self.streams, self.index, self.items.kept)
        self.projection = Projection(self.log, self.index, listing.project, listing.look)
        self.lists = WorkLists(self.queries, self.items, self.index, self.projection.catch_up, self.clock)

    async def fill(self) -> Indexed:
        """Takes everything in."""
        await self.learn("Europe/Brussels", 1, date(2025, 1, 1))
        for stream, records in self.book.records.items():
            events = [(recorded.event, recorded.meta) for recorded in records]
            if events:
                await self.log.append([Write(stream, 0, events)])
        await self.projection.catch_up()
        return self

    async def learn(self, zone: str, version: int, valid_from: date) -> None:
        """A version of the programme is published."""
        learnt = ProgrammeLearnt(
            programme="mtw-be-2026",
            version=version,
            valid_from=valid_from,
            rules=replace(PROGRAMME_RULES, time_zone=zone),
        )
        meta = EVENT_TYPES.metadata(
            event_id=f"programme-{version}",
            actor=CLOCK,
            occurred_at=on(1, 1),
            recorded_at=on(1, 1),
            correlation_id="correlation",
            causation_id=None,
        )
        await self.log.append([Write(programme_stream("mtw-be-2026"), version - 1, [(learnt, meta)])])

    async def compare(self, suspended: Collection[str] = ()) -> list[Any]:
        """What everybody is shown now; the same by the index, by the case's fold, and by the case as it is read."""
        found: list[Any] = []
        for person in PEOPLE:
            rows = await self.index.first(STEPS.name, "due", where={"actor": person.org}, limit=100)
            kept = await self.lists.work_shown(person, rows, suspended)
            here = person, self.clock.at
            assert all(item is not None for item in await self.items.read(rows)), here
            for row, item in zip(rows, kept, strict=True):
                folded = await self.lists.work_folded(person, row, suspended)
                assert item == folded, here
                if item is not None:
                    assert list(item) == list(folded or ()), here
                    found.append(item)
                    await self._as_the_case_says(person, item)
        return found

    async def _as_the_case_says(self, person: Caller, item: Any) -> None:
        case = await self.queries.find(person, item["case"], "read")
        allowed = (await self.queries.view(person, case))["allowedActions"]
        links = [link for link in allowed if link["action"] in moving_on(item["step"])]
        own = [link for link in item["actions"] if link["href"].startswith("/v1/cases/")]
        assert own == links if item["step"] != ERROR_CONFIRMATION else own == []
        due_at = datetime.fromisoformat(item["dueAt"]) if item["dueAt"] is not None else None
        assert item["overdue"] == (due_at is not None and due_at < self.clock.at)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
async def test_the_worklist_by_the_index_is_the_one_by_the_case(situation: Situation) -> None:
    """For every staff role of both sides, when the index took the case in and whenever later."""
    indexed = await Indexed(situation.book, situation.at).fill()
    for later in LATER:
        indexed.clock.at = situation.at + later
        for suspended in ((), ("brugwerk",)):
            await indexed.compare(suspended)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
async def test_after_each_command_there_is_a_row_for_all_work_that_there_is(situation: Situation) -> None:
    """A step that is done leaves no row behind, one that goes on keeps its own, and none is there twice."""
    indexed = await Indexed(Casebook(), situation.at).fill()
    for stream, records in situation.book.records.items():
        # What one command decided is stored together.
        for _, decided in itertools.groupby(records, lambda recorded: recorded.meta.recorded_at):
            events = list(decided)
            written = [(recorded.event, recorded.meta) for recorded in events]
            await indexed.log.append([Write(stream, events[0].version - 1, written)])
            await indexed.projection.catch_up()
            rows = await indexed.index.find(STEPS.name, {}, after=0, limit=100)
            found = [(row.columns["work"], row.columns["actor"], row.columns["person"]) for row in rows]
            case = (await indexed.streams.fold(case_stream(situation.book.case.case), CASE)).state
            there_is = (*work_of_staff(case), *work_of_mentor(case))
            assert sorted(found, key=str) == sorted(((one.key, one.actor, one.person) for one in there_is), key=str)


async def test_an_action_appears_and_goes_with_time_alone() -> None:
    """An outcome from its day on; what ends a pause until it has lasted for sixty days: to the microsecond."""
    shortly = timedelta(microseconds=1)
    followed = await Indexed((story := stories.exit_recorded()).book, story.now).fill()
    paused = await Indexed((story := stories.suspended()).book, story.now).fill()
    # Four weeks after 30 June, by the day in Brussels; sixty days after 2 March.
    day = datetime.fromisoformat("2026-07-28T00:00:00+02:00")
    trajectory = paused.book.case.trajectory
    assert trajectory is not None
    assert trajectory.suspension is not None
    until = trajectory.suspension.until
    for indexed, action, offered in (
        (followed, "record-outcome", {day - shortly: False, day: True}),
        (paused, "resume", {until: True, until + shortly: False}),
    ):
        for at, possible in offered.items():
            indexed.clock.at = at
            items = await indexed.compare()
            assert any(link["action"] == action for item in items for link in item["actions"]) is possible, (action, at)


async def test_where_days_end_elsewhere_by_now_the_item_is_made_of_the_case() -> None:
    """A version of the programme in another time zone comes into force: the day of an outcome begins with its own."""
    story = stories.exit_recorded()
    indexed = await Indexed(story.book, story.now).fill()
    await indexed.learn("Pacific/Auckland", 2, date(2026, 7, 20))
    (caller,) = (person for person in PEOPLE if (person.sub, person.role) == ("tom.maes", Role.AGENCY_TEAM_LEAD))
    rows = await indexed.index.first(STEPS.name, "due", where={"actor": caller.org}, limit=10)
    for at, holds, possible in (
        (on(15, 7), True, False),
        # In Auckland it is 28 July by then.
        (datetime.fromisoformat("2026-07-27T13:00:00+00:00"), False, True),
    ):
        indexed.clock.at = at
        assert [item is not None for item in await indexed.items.read(rows)] == [holds]
        (item,) = await indexed.lists.work_shown(caller, rows, ())
        assert item is not None
        assert ("record-outcome" in [link["action"] for link in item["actions"]]) is possible


def test_guards_answer_the_same_until_they_say_so() -> None:
    """Whatever a guard has of the time, `steady_until` knows of: no action changes before, some do afterwards."""
    changed = set()
    for situation in situations():
        for name, by in ((name, by) for name in ACTIONS for by in (INES, LOTTE)):
            context = replace(situation.book.context(at=situation.at), at=situation.at)
            end = steady_until(name, context)
            now = _code(name, context, by)
            for later in (*(situation.at + later for later in LATER), *((end,) if end is not None else ())):
                if end is None or later <= end:
                    assert _code(name, replace(context, at=later), by) == now, (name, situation.name, later)
            if end is not None and _code(name, replace(context, at=end + timedelta(microseconds=1)), by) != now:
                changed.add(name)
    assert changed == {"resume", "review-suspension", "reopen", "record-outcome"}


def _code(name: str, context: Any, by: Actor) -> str | None:
    refused = blocked(name, context, by)
    return refused.code if refused is not None else None


def test_nothing_on_the_worklist_rests_on_another_case_or_on_who_of_the_staff_asks() -> None:
    """The index keeps one item for a whole side, and does not write it again when another case moves."""
    for situation in situations():
        for name in (name for name, action in ACTIONS.items() if action.steps):
            context = situation.book.context(at=situation.at)
            beside = replace(context, other_open_case="another")
            for org, roles in (("vdab-gent", COUNSELLORS), ("brugwerk", COORDINATORS)):
                codes = {
                    _code(name, asked, Actor(sub=sub, role=role, org=org))
                    for asked in (context, beside)
                    for role in roles
                    for sub in ("ines.debacker", "lotte.claes", "somebody")
                }
                assert len(codes) == 1, (name, situation.name, codes)
    assert RULES.keys() == ACTIONS.keys()
