"""The timeline says who was told of what: beside the case, which does not move by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.telling_codes import TellingState, ToldBy
from services.chassis.log.position import Position
from services.notifications.read_receipts import ReadReceipts
from tests.casefile.cases import CaseContext, Told
from tests.casefile.tellings import has_read
from tests.support.people import INES, KARIM, LOTTE, Person
from tests.support.requests import another_person

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def items(context: CaseContext, case: Told, person: Person = INES, **moment: str) -> dict[str, Any]:
    """The timeline's items by type; the last of each."""
    timeline = await context.running.read(person, f"{case.path}/timeline", **moment)
    return {item["type"]: item for item in timeline["items"]}


async def test_an_item_says_who_has_read_it_and_when(fresh: CaseContext) -> None:
    """By the cursor with which the organisation came back."""
    case = await fresh.referred()
    assert (await items(fresh, case))["ReferralSubmitted"]["told"] == []
    await has_read(fresh.running, LOTTE)
    now = fresh.running.clock.now().isoformat().replace("+00:00", "Z")
    told = [{"organisation": "brugwerk", "channel": "FEED", "state": "READ", "at": now}]
    assert (await items(fresh, case))["ReferralSubmitted"]["told"] == told


async def test_both_sides_of_a_case_read_the_same_of_who_was_told(fresh: CaseContext) -> None:
    """As they read the same items: each sees whether the other has heard."""
    case = await fresh.accepted()
    await has_read(fresh.running, LOTTE)
    await has_read(fresh.running, INES)
    submitted = {name: (await items(fresh, case, name))["ReferralSubmitted"]["told"] for name in (INES, LOTTE)}
    assert [telling["organisation"] for telling in submitted[INES]] == ["brugwerk", "vdab-gent"]
    assert submitted[LOTTE] == submitted[INES]


async def test_every_item_says_who_was_told_to_those_who_work_on_the_case(fresh: CaseContext) -> None:
    """`[]` where nobody was: a client need not ask whether the member is there; after the stop it reads none of it."""
    case = await fresh.brought_to("MENTORING")
    for person in (INES, LOTTE):
        shown = (await fresh.running.read(person, f"{case.path}/timeline"))["items"]
        assert shown
        assert [item["told"] for item in shown] == [[]] * len(shown)
    await has_read(fresh.running, LOTTE)
    shown = (await fresh.running.read(INES, f"{case.path}/timeline"))["items"]
    assert all("told" in item for item in shown)
    assert any(item["told"] for item in shown)
    basis = (await fresh.running.read(INES, case.offer))["legalBasis"]["id"]
    await fresh.running.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
    await fresh.running.settle()
    shown = (await fresh.running.read(LOTTE, f"{case.path}/timeline"))["items"]
    assert shown
    assert not any("told" in item for item in shown)


async def test_who_had_the_case_before_is_not_shown_to_who_has_it_now(fresh: CaseContext) -> None:
    """Nor does the one before learn of the one after."""
    body = another_person()
    case = await fresh.opened(body)
    again = {**body, "to": "samenstap", "previousReferral": case.offer.rpartition("/")[2]}
    again["legalBasis"] = {**body["legalBasis"], "recipient": "samenstap"}
    assert (await fresh.running.create(INES, "/v1/referrals", again)).status_code == 201
    for person in (LOTTE, KARIM):
        await has_read(fresh.running, person)
    for person in (LOTTE, KARIM):
        shown = (await items(fresh, case, person)).values()
        found = {telling["organisation"] for item in shown for telling in item["told"]}
        assert found == {person.org}


async def test_who_waits_for_what_was_noted_reads_it(fresh: CaseContext) -> None:
    """`waitFor` takes a position in the log of the service that tells, which this one follows."""
    case = await fresh.referred()
    await fresh.running.settle()
    notifications = fresh.running.service("notifications")
    receipts: ReadReceipts = fresh.running.apps["notifications"].state.receipts
    head = await notifications.log.head()
    receipts.note_organisation("brugwerk", ToldBy.FEED, TellingState.READ, None, head)
    await receipts.flush()
    noted = Position("notifications", await notifications.log.head()).token()
    assert (await items(fresh, case, waitFor=noted))["ReferralSubmitted"]["told"]


async def test_being_told_moves_neither_version_nor_etag(fresh: CaseContext) -> None:
    """Nobody's command is refused because somebody has read something."""
    case = await fresh.referred()
    before = await fresh.running.get(INES, case.path)
    await has_read(fresh.running, LOTTE)
    after = await fresh.running.get(INES, case.path)
    assert (after.headers["ETag"], after.json()) == (before.headers["ETag"], before.json())


async def test_it_is_shown_as_it_was_known_at_the_time(fresh: CaseContext) -> None:
    """Before it was read nobody had read it, by the time when it happened as by that when it was known."""
    case = await fresh.referred()
    before = fresh.running.clock.now()
    await fresh.running.at(before + timedelta(hours=2))
    await has_read(fresh.running, LOTTE)
    for parameter in ("asOf", "knownAt"):
        then = await items(fresh, case, INES, **{parameter: (before + timedelta(hours=1)).isoformat()})
        assert then["ReferralSubmitted"]["told"] == [], parameter
        now = await items(fresh, case, INES, **{parameter: (before + timedelta(hours=3)).isoformat()})
        assert now["ReferralSubmitted"]["told"][0]["state"] == "READ", parameter
