"""Whom nobody could tell for a day is the other side's to see to: where that one set up a way that lies still."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.casefile.tellings import has_read
from tests.support.people import INES, LOTTE, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = timedelta(hours=24)


async def used_to_read(context: CaseContext, person: Person) -> None:
    """The person's system polls the feed, today and tomorrow."""
    await context.referred()
    await has_read(context.running, person)
    await context.running.at(context.running.clock.now() + DAY)
    await context.referred()
    await has_read(context.running, person)


async def escalations(context: CaseContext, case: Told, person: Person = INES) -> list[dict[str, Any]]:
    """Those of a case that say that somebody was not told."""
    held = (await context.running.read(person, case.path))["escalations"]
    return [one for one in held if one["reason"] == "NOT_TOLD"]


async def later(context: CaseContext, by: timedelta) -> None:
    """So much time passes."""
    await context.running.at(context.running.clock.now() + by)


async def test_who_stops_reading_is_the_leads_to_see_to_after_a_day(fresh: CaseContext) -> None:
    """Not a moment before, and as of its own instant: with whom, since when and why."""
    await used_to_read(fresh, LOTTE)
    case = await fresh.referred()
    came = fresh.running.clock.now()
    await later(fresh, DAY - timedelta(seconds=1))
    assert await escalations(fresh, case) == []
    await later(fresh, timedelta(hours=30))
    (raised,) = await escalations(fresh, case)
    stamp = came.isoformat().replace("+00:00", "Z")
    assert (raised["state"], raised["unreached"], raised["unreachedSince"]) == ("OPEN", "brugwerk", stamp)
    assert raised["whyUnreached"] == "FEED_NOT_READ"
    assert raised["openedAt"] == (came + DAY).isoformat().replace("+00:00", "Z")
    steps = (await fresh.running.read(INES, f"{case.path}/responsibility"))["steps"]
    (owner,) = [step["owner"] for step in steps if step["step"] == "ESCALATION"]
    assert (owner["org"], owner["sub"]) == (INES.org, INES.sub)


async def test_it_is_settled_by_itself_when_the_organisation_reads_again(fresh: CaseContext) -> None:
    """Nobody has to close what has come right."""
    await used_to_read(fresh, LOTTE)
    case = await fresh.referred()
    await later(fresh, 2 * DAY)
    assert [one["state"] for one in await escalations(fresh, case)] == ["OPEN"]
    await has_read(fresh.running, LOTTE)
    (settled,) = await escalations(fresh, case)
    assert (settled["state"], settled["resolution"]) == ("RESOLVED", "REACHED")
    steps = (await fresh.running.read(INES, f"{case.path}/responsibility"))["steps"]
    assert "ESCALATION" not in [step["step"] for step in steps]


async def test_it_is_raised_once_for_an_organisation_as_long_as_it_is_open(fresh: CaseContext) -> None:
    """What comes meanwhile waits with it; a person of the other side may resolve it by hand."""
    await used_to_read(fresh, LOTTE)
    case = await fresh.referred()
    await later(fresh, DAY + timedelta(hours=1))
    (raised,) = await escalations(fresh, case)
    await fresh.running.done(INES, case.path, "resolve-escalation", {"escalation": raised["id"], "resolution": "TALK"})
    await later(fresh, 3 * DAY)
    assert [(one["state"], one["resolution"]) for one in await escalations(fresh, case)] == [("RESOLVED", "TALK")]


async def test_who_has_set_up_no_way_is_not_missed(fresh: CaseContext) -> None:
    """Who uses the pages alone, and who looked into the feed once, had nothing that could have failed."""
    await fresh.referred()
    await has_read(fresh.running, LOTTE)
    case = await fresh.referred()
    await later(fresh, 3 * DAY)
    assert await escalations(fresh, case) == []


async def test_who_reads_every_day_is_never_missed(fresh: CaseContext) -> None:
    """Whatever came in between."""
    await used_to_read(fresh, LOTTE)
    cases = []
    for _ in range(4):
        cases.append(await fresh.referred())
        await later(fresh, timedelta(hours=20))
        await has_read(fresh.running, LOTTE)
    await later(fresh, 2 * DAY)
    for case in cases:
        assert await escalations(fresh, case) == []


async def test_who_has_read_it_a_moment_before_is_not_missed(fresh: CaseContext) -> None:
    """Although what was read is only gathered yet, and not noted."""
    await used_to_read(fresh, LOTTE)
    case = await fresh.referred()
    await fresh.running.settle()
    page = await fresh.running.read(LOTTE, "/v1/feed", limit=200)
    await fresh.running.read(LOTTE, "/v1/feed", limit=200, after=page["next"])
    await later(fresh, 2 * DAY)
    assert await escalations(fresh, case) == []


async def test_who_acts_in_the_case_knows_of_it(fresh: CaseContext) -> None:
    """Although the feed was not read: the organisation accepted on a page."""
    await used_to_read(fresh, LOTTE)
    case = await fresh.accepted()
    await later(fresh, 2 * DAY)
    assert await escalations(fresh, case) == []


async def test_an_agency_that_cannot_be_told_is_the_coordinators_to_see_to(fresh: CaseContext) -> None:
    """The side that sent it is asked: the agency does not read that a handback waits for it."""
    case = await fresh.brought_to("HANDBACK_DUE")
    await used_to_read(fresh, INES)
    done = await fresh.brought_to("HANDBACK_REQUESTED")
    await later(fresh, DAY + timedelta(hours=1))
    (raised,) = await escalations(fresh, done, LOTTE)
    assert raised["unreached"] == INES.org
    steps = (await fresh.running.read(LOTTE, f"{done.path}/responsibility"))["steps"]
    (owner,) = [step["owner"] for step in steps if step["step"] == "ESCALATION" and step["owner"]["org"] == LOTTE.org]
    assert owner["sub"] == LOTTE.sub
    assert case.id != done.id
