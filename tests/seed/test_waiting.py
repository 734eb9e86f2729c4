"""F1 of the seed, and what is known to fail with waiting lists: nobody waits in silence, and the leads hear of it.

All days are counted by hand from the calendar of Belgium in 2026.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from services.referral.domain.ladder import WaitlistAlerted
from tests.casefile.cases import CaseContext
from tests.referral.broadcast_office import BroadcastOffice
from tests.referral.office import waitlist
from tests.referral.test_ladder import pass_until
from tests.support.broadcasts import BROADCASTS, broadcast, offers_of
from tests.support.dates import FRIDAY, end_of, on
from tests.support.people import HANNE, INES, KARIM, LOTTE, TOM, Person

LEADS: Final = [{"role": "AGENCY_TEAM_LEAD", "org": "vdab-gent"}, {"role": "NGO_LEAD", "org": "brugwerk"}]
WAIT: Final = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-04-01", "clientAgreed": True}


async def alerts(context: CaseContext, person: Person) -> list[Any]:
    """The waits that the person finds among their own work, as a lead."""
    items = (await context.running.read(person, "/v1/worklist", mine=True, limit=200))["items"]
    return [item for item in items if item["step"] == "MISSED_TERM" and item["about"] == "WAITLIST_ALERT"]


async def test_f1_a_wait_of_thirty_days_is_on_the_worklists_of_both_leads(context: CaseContext) -> None:
    """On the list since 12 January: told on 11 February, with whether the person was offered anything else."""
    case = await context.referred()
    await context.follow(case, LOTTE, "receive")
    await context.follow(case, LOTTE, "waitlist", WAIT)
    waiting = (await context.running.read(INES, case.offer))["waiting"]
    assert (waiting["since"], waiting["expectedBy"]) == ("2026-01-12T09:30:00Z", "2026-04-01")
    await context.running.at(on(11, 2))
    assert await alerts(context, TOM) == []
    await context.running.at(on(12, 2))
    await context.running.settle()
    for lead in (TOM, HANNE):
        (item,) = await alerts(context, lead)
        assert item["level"] == "L2"
        feed = (await context.running.read(lead, "/v1/feed", limit=200))["items"]
        (data,) = [one["data"] for one in feed if one["type"].endswith("waitlist_alerted.v1")]
        assert (data["since"], data["alternativeOffered"]) == ("2026-01-12T09:30:00Z", False)
        assert (data["considered"], data["notified"]) == ("JOB_COACHING", LEADS)
    items = (await context.running.read(INES, f"{case.path}/timeline"))["items"]
    (alert,) = [item for item in items if item["type"] == "WaitlistAlerted"]
    assert "NO_ALTERNATIVE" in alert["text"]
    for other in (INES, LOTTE, KARIM):
        assert await alerts(context, other) == []
    await context.follow(case, LOTTE, "accept", {"coordinator": LOTTE.sub})
    assert await alerts(context, TOM) == []


def test_k6_the_alert_of_a_long_wait_says_whether_an_alternative_was_offered() -> None:
    """Of two offers one waits: as long as the other one is open, there is an alternative, and then there is none."""
    for declined in (False, True):
        office = BroadcastOffice()
        office.open()
        office.receive_both()
        office.handle(waitlist(FRIDAY, expected_by=date(2026, 4, 1)))
        if declined:
            office.declines("R-2")
        found = [(at, event) for at, event in pass_until(office, on(1, 3)) if isinstance(event, WaitlistAlerted)]
        # 30 days after Friday 16 January: Sunday 15 February, to its last second.
        assert [(at, event.alternative_offered) for at, event in found] == [(end_of(15, 2), not declined)]


async def test_k6_an_organisation_does_not_learn_from_the_alert_that_others_were_asked(context: CaseContext) -> None:
    """It hears of its own wait alone; that the other offer lapsed on the same day is for the agency."""
    made = (await context.running.create(INES, BROADCASTS, broadcast())).json()
    own = offers_of(made)["brugwerk"]
    await context.running.done(LOTTE, own, "receive")
    await context.running.done(LOTTE, own, "waitlist", WAIT)
    await context.running.at(on(12, 2))
    await context.running.settle()
    feed = (await context.running.read(HANNE, "/v1/feed", limit=200))["items"]
    moves = [item["data"] for item in feed if item["type"].endswith("offer.moved.v1")]
    (alert,) = [move for move in moves if move["event"] == "WaitlistAlerted"]
    assert (alert["codes"], alert["reason"], alert["level"]) == ([], None, "L2")
    items = (await context.running.read(INES, f"/v1/cases/{made['case']}/timeline"))["items"]
    (item,) = [item for item in items if item["type"] == "WaitlistAlerted"]
    assert "NO_ALTERNATIVE" in item["text"]
