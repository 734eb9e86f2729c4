"""What a case keeps of offers to several: each act once and as whose it was, and which terms of which were missed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from tests.casefile.cases import CaseContext
from tests.casefile.test_broadcasts_http import ACCEPT, Offered, offered
from tests.support.dates import on
from tests.support.people import HANNE, INES, KARIM, LOTTE, TOM, Person


async def items_of(context: CaseContext, made: Offered, person: Person) -> list[dict[str, Any]]:
    """The case's timeline, item by item."""
    items: list[dict[str, Any]] = (await context.running.read(person, f"{made.case}/timeline"))["items"]
    return items


async def test_no_act_stands_twice_on_the_timeline(context: CaseContext) -> None:
    """Two messages may tell of one act, under the broadcast and under the case; the history has it once."""
    made = await offered(context)
    await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
    await context.running.settle()
    for reader in (INES, LOTTE):
        acts = Counter((item["type"], item["text"]) for item in await items_of(context, made, reader))
        assert [act for act, times in acts.items() if times > 1] == []
        assert ("ReferralAccepted", "brugwerk accepted the referral.") in acts


async def test_what_the_agency_did_is_not_the_winners_act(context: CaseContext) -> None:
    """The counsellor recorded the consent and made the offer, when it was sent; on record is who did it, too."""
    sent_at = context.running.clock.now()
    made = await offered(context)
    await context.running.at(sent_at + timedelta(hours=3))
    await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
    await context.running.settle()
    items = {item["type"]: item for item in await items_of(context, made, INES)}
    at = {"sent": items["BroadcastOpened"]["occurredAt"], "won": items["OfferWon"]["occurredAt"]}
    assert at["sent"] < at["won"]
    whose = {name: (items[name]["actor"]["sub"], items[name]["occurredAt"]) for name in items}
    assert whose["LegalBasisRecorded"] == whose["CaseReferred"] == whose["BroadcastOpened"] == (INES.sub, at["sent"])
    assert whose["OfferWon"] == whose["ReferralAccepted"] == (LOTTE.sub, at["won"])
    record = (await context.running.read(INES, f"{made.case}/events", limit=200))["items"]
    recorded = {one["type"]: one["actor"]["sub"] for one in record}
    assert (recorded["LegalBasisRecorded"], recorded["CaseReferred"]) == (INES.sub, INES.sub)


async def missed(context: CaseContext, made: Offered, person: Person) -> list[tuple[str, str, str]]:
    """What the case shows as missed: of whose offer, which term, and how far it has come."""
    shown = (await context.running.read(person, made.case))["missed"]
    return sorted((late["organisation"], late["deadline"].partition(":")[0], late["level"]) for late in shown)


async def late_work(context: CaseContext, made: Offered, person: Person) -> list[tuple[str, str, str]]:
    """The same of the person's own worklist: for whose act it waits, which one, and how far the term has come."""
    items = (await context.running.read(person, "/v1/worklist", limit=200, mine=True))["items"]
    ours = [item for item in items if item["case"] == made.case_id and item["step"] == "MISSED_TERM"]
    return sorted((item["awaiting"]["org"], item["awaiting"]["action"], item["level"]) for item in ours)


async def test_the_counsellor_finds_what_is_late_of_an_open_offer_and_the_leads_what_they_are_told(
    context: CaseContext,
) -> None:
    """Made and received on Monday 12 January: decisions are due on the 26th, and on 2 February the leads are told."""
    made = await offered(context)
    etag = (await context.running.get(INES, made.case)).headers["ETag"]
    await context.running.at(on(27, 1))
    both = [("brugwerk", "DECISION", "L1"), ("samenstap", "DECISION", "L1")]
    waits = [("brugwerk", "accept", "L1"), ("samenstap", "accept", "L1")]
    assert await missed(context, made, INES) == both
    assert await late_work(context, made, INES) == waits
    assert await late_work(context, made, TOM) == []
    assert (await context.running.get(INES, made.case)).headers["ETag"] != etag
    await context.running.done(KARIM, made.offers["samenstap"], "request-information", {"codes": ["AVAILABILITY"]})
    await context.running.settle()
    assert await late_work(context, made, INES) == waits[:1]
    await context.running.at(on(3, 2))
    for person in (INES, TOM):
        assert ("brugwerk", "accept", "L2") in await late_work(context, made, person)
    assert ("brugwerk", "DECISION", "L2") in await missed(context, made, TOM)
    # The agency owes the answer to samenstap's question since the 3rd, and its counsellor can give it from there.
    await context.running.at(on(4, 2))
    items = (await context.running.read(INES, "/v1/worklist", limit=200))["items"]
    (owed,) = [item for item in items if (item["awaiting"] or {}).get("action") == "provide-information"]
    assert [action["href"] for action in owed["actions"]] == [
        f"{made.offers['samenstap']}/provide-information",
        f"{made.path}/withdraw",
    ]
    for other in (LOTTE, HANNE, KARIM):
        assert made.case_id not in str(await context.running.read(other, "/v1/worklist", limit=200))
    await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
    await context.running.settle()
    for reader in (INES, TOM, LOTTE):
        assert (await context.running.read(reader, made.case))["missed"] == []
        assert await late_work(context, made, reader) == []


async def test_a_term_on_the_timeline_says_whose_offer_it_is_of(context: CaseContext) -> None:
    """To the agency; the one who wins reads of its own offer alone."""
    made = await offered(context)
    await context.running.at(on(3, 2))
    terms = ("DeadlineReminded", "DeadlineMissed", "DeadlineEscalated")
    told = [(item["type"], item["text"]) for item in await items_of(context, made, INES) if item["type"] in terms]
    for name in terms:
        texts = [text for kind, text in told if kind == name]
        assert len(set(texts)) == len(texts) >= 2
        assert all(("brugwerk" in text) != ("samenstap" in text) or name == "DeadlineEscalated" for text in texts)
    await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
    await context.running.settle()
    own = await items_of(context, made, LOTTE)
    assert {item["type"] for item in own} >= set(terms)
    assert "samenstap" not in str(own)
