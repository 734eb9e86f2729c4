"""What a case keeps of offers to several: each act once and by whose it was, and which terms of which offer were missed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from tests.casefile.cases import CaseContext
from tests.casefile.test_broadcasts_http import ACCEPT, Offered, offered
from tests.support.people import INES, LOTTE, Person


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
    recorded = {one["type"]: one["actor"]["sub"] for one in record if one["type"] in ("LegalBasisRecorded", "CaseReferred")}
    assert set(recorded.values()) == {INES.sub}, [one["type"] for one in record]
