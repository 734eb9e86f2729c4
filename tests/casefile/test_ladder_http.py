"""Who was told of a missed term finds it: on the worklist, in the case, on the timeline and in the feed; nobody else.

All days are counted by hand from the calendar of Belgium in 2026.
"""

from __future__ import annotations

from typing import Any, Final

from tests.casefile.cases import CaseContext, Told
from tests.support.broadcasts import BROADCASTS, broadcast, offers_of
from tests.support.dates import on
from tests.support.people import AN, AUDITOR, HANNE, INES, KARIM, LOTTE, TOM, Person
from tests.support.problems import assert_problem

LEADS: Final = [{"role": "AGENCY_TEAM_LEAD", "org": "vdab-gent"}, {"role": "NGO_LEAD", "org": "brugwerk"}]
BOARD: Final = [{"role": "AUDITOR", "org": None}]


async def receivers_of(context: CaseContext, person: Person, **asked: Any) -> list[tuple[str, str]]:
    """What the worklist has for the person as a lead: the term, and how far it has come."""
    items = (await context.running.read(person, "/v1/worklist", limit=200, **asked))["items"]
    return [(item["about"], item["level"]) for item in items if item["step"] == "MISSED_TERM"]


async def levels(context: CaseContext, person: Person, case: Told) -> list[tuple[str, list[dict[str, Any]]]]:
    """The levels on the timeline, with who was told."""
    items = (await context.running.read(person, f"{case.path}/timeline"))["items"]
    return [(item["level"], item["notified"]) for item in items if item["type"] == "DeadlineEscalated"]


async def fed(context: CaseContext, person: Person, name: str) -> list[dict[str, Any]]:
    """The data of what the feed has of that type for the person."""
    await context.running.settle()
    items = (await context.running.read(person, "/v1/feed", limit=200))["items"]
    return [item["data"] for item in items if item["type"].endswith(name)]


async def test_leads_find_what_nobody_answers_and_the_board_hears_of_it_later(context: CaseContext) -> None:
    """Receipt was due on 14 January: the leads are told on the 21st, the board on the 28th, and each of it once."""
    case = await context.referred()
    await context.running.at(on(21, 1))
    assert await receivers_of(context, TOM) == []
    assert (await context.running.read(INES, case.path))["missed"] == []
    await context.running.at(on(22, 1))
    for lead in (TOM, HANNE):
        assert await receivers_of(context, lead) == [("RECEIPT", "L2")]
        assert await receivers_of(context, lead, mine=True) == [("RECEIPT", "L2")]
        assert await levels(context, lead, case) == [("L2", LEADS)]
        (message,) = await fed(context, lead, "referral.deadline_escalated.v1")
        assert (message["deadline"], message["level"], message["notified"]) == ("RECEIPT", "L2", LEADS)
    for other in (INES, LOTTE, AN, KARIM):
        assert await receivers_of(context, other) == []
    (missed,) = (await context.running.read(HANNE, case.path))["missed"]
    assert (missed["deadline"], missed["step"], missed["level"]) == ("RECEIPT", "REFERRAL_ANSWER", "L2")
    assert missed["notified"] == LEADS
    assert_problem(await context.running.get(KARIM, case.path), 404)
    assert await fed(context, KARIM, "deadline_escalated.v1") == []
    await context.running.at(on(29, 1))
    assert await levels(context, AUDITOR, case) == [("L2", LEADS), ("L3", BOARD)]
    assert [one["notified"] for one in await fed(context, AUDITOR, "deadline_escalated.v1")] == [LEADS, BOARD]
    await context.follow(case, LOTTE, "receive")
    # The decision was due on the 26th, so its leads are told on 2 February.
    assert await receivers_of(context, TOM) == []
    await context.running.at(on(3, 2))
    assert await receivers_of(context, TOM) == [("DECISION", "L2")]


async def test_the_referral_says_how_far_its_missed_terms_have_come(context: CaseContext) -> None:
    """And what is still to come, with its instant."""
    case = await context.referred()
    await context.running.at(on(15, 1))
    expected: dict[str, Any] = {
        "deadline": "RECEIPT",
        "dueAt": "2026-01-14T22:59:59Z",
        "level": "L1",
        "toCome": [{"level": "L2", "at": "2026-01-21T22:59:59Z"}, {"level": "L3", "at": "2026-01-28T22:59:59Z"}],
    }
    assert (await context.running.read(LOTTE, case.offer))["missed"] == [expected]
    await context.running.at(on(22, 1))
    expected |= {"level": "L2", "toCome": [{"level": "L3", "at": "2026-01-28T22:59:59Z"}]}
    assert (await context.running.read(LOTTE, case.offer))["missed"] == [expected]
    await context.follow(case, LOTTE, "receive")
    assert (await context.running.read(LOTTE, case.offer))["missed"] == []


async def test_an_escalation_comes_to_the_level_of_the_term_that_it_is_about(context: CaseContext) -> None:
    """Accepted on 12 January: intake by 2 February, the other side asked at once, the leads told on the 9th."""
    case = await context.accepted()
    await context.running.done(LOTTE, case.path, "log-contact-attempt", {"channel": "PHONE", "reached": True})
    await context.running.at(on(3, 2))
    (escalation,) = (await context.running.read(INES, case.path))["escalations"]
    assert (escalation["reason"], escalation["level"], escalation["state"]) == ("DEADLINE_MISSED", "L1", "OPEN")
    etag = (await context.running.get(INES, case.path)).headers["ETag"]
    await context.running.at(on(10, 2))
    read = await context.running.get(INES, case.path)
    assert read.headers["ETag"] != etag
    assert read.json()["escalations"][0]["level"] == "L2"
    assert ("INTAKE", "L2") in await receivers_of(context, HANNE)
    own = (await context.running.read(LOTTE, "/v1/worklist"))["items"]
    assert [(item["step"], item["level"]) for item in own if item["step"] == "INTAKE"] == [("INTAKE", "L2")]
    assert "missed" not in (await context.running.get(await context.mentee_of(case), case.path)).json()
    await context.lead_on(case, "INTAKE", "MATCHING")
    after = await context.running.read(INES, case.path)
    assert (after["escalations"][0]["state"], after["missed"]) == ("RESOLVED", [])
    assert await receivers_of(context, HANNE) == []


async def test_what_stands_still_is_shown_with_its_reason(context: CaseContext) -> None:
    """A question stops the decision, and a pause of the trajectory what the pair owes; both say why and since when."""
    case = await context.referred()
    await context.follow(case, LOTTE, "receive")
    await context.follow(case, LOTTE, "request-information", {"codes": ["OCCUPATION"]})
    held = {"deadline": "DECISION", "dueAt": "2026-01-26T22:59:59Z", "reason": "QUESTION_OPEN"}
    assert (await context.running.read(INES, case.offer))["paused"] == [{**held, "since": "2026-01-12T09:30:00Z"}]
    (asked,) = await fed(context, INES, "information_requested.v1")
    assert asked["paused"] == [held]
    answers = [{"code": "OCCUPATION", "answer": "accountant"}]
    await context.follow(case, INES, "provide-information", {"answers": answers})
    assert (await context.running.read(INES, case.offer))["paused"] == []

    pair = await context.brought_to("SUSPENDED")
    paused = (await context.running.read(LOTTE, pair.path))["trajectory"]["paused"]
    assert {(one["deadline"], one["reason"]) for one in paused} == {
        ("AGREEMENT_END", "TRAJECTORY_SUSPENDED"),
        ("CHECK_IN", "TRAJECTORY_SUSPENDED"),
        ("SILENCE", "TRAJECTORY_SUSPENDED"),
    }
    (suspended,) = await fed(context, LOTTE, "trajectory_suspended.v1")
    assert {one["deadline"] for one in suspended["paused"]} == {"AGREEMENT_END", "CHECK_IN", "SILENCE"}


async def test_of_an_anonymous_offer_each_side_is_told_without_the_other_offers(context: CaseContext) -> None:
    """The organisation hears of its own offer, under the broadcast and without the case; the agency of both."""
    made = (await context.running.create(INES, BROADCASTS, broadcast())).json()
    await context.running.done(KARIM, offers_of(made)["samenstap"], "receive")
    await context.running.at(on(22, 1))
    own = [data for data in await fed(context, HANNE, "offer.moved.v1") if data["event"] == "DeadlineEscalated"]
    assert [(data["codes"], data["level"], data["notified"]) for data in own] == [(["RECEIPT"], "L2", LEADS)]
    assert made["case"] not in str(own)
    assert "samenstap" not in str(own)
    assert [one for one in await fed(context, KARIM, "offer.moved.v1") if one["event"] == "DeadlineEscalated"] == []
    case = Told(made["case"], "")
    assert await levels(context, TOM, case) == [("L2", LEADS)]
    assert_problem(await context.running.get(HANNE, case.path), 404)
