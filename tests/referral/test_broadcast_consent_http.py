"""The person says one yes to several organisations, and takes it back through any of them."""

from __future__ import annotations

from tests.referral.context import ACCEPT, ReferralContext
from tests.referral.test_broadcasts_http import BY_KARIM, TAKES, received
from tests.support.people import INES, KARIM, LOTTE


async def test_a_consent_withdrawn_through_any_organisation_ends_all_offers(context: ReferralContext) -> None:
    """The person said one yes, to all of them."""
    path, offers = await received(context)
    basis = f"/v1/legal-bases/{(await context.running.read(LOTTE, offers['brugwerk']))['legalBasis']['id']}"
    answer = await context.running.done(LOTTE, basis, "withdraw", {"channel": "PERSON"})
    made = await context.running.read(INES, path)
    assert made["case"] not in answer.text
    assert (made["state"], made["reason"]) == ("WITHDRAWN", "CONSENT_WITHDRAWN")
    for organisation, offer in offers.items():
        read = await context.running.read(TAKES[organisation], offer)
        assert (read["state"], read["reason"]) == ("WITHDRAWN", "CONSENT_WITHDRAWN")
        assert "legalBasis" not in read
    refused = await context.running.command(KARIM, offers["samenstap"], "accept", BY_KARIM)
    assert (refused.status_code, refused.json()["code"]) == (403, "LEGAL_BASIS_WITHDRAWN")


async def test_a_consent_withdrawn_through_one_that_lost_ends_what_goes_on_by_it(context: ReferralContext) -> None:
    """The winner's referral is over, and nobody reads on by any part of that yes."""
    _, offers = await received(context)
    await context.running.done(LOTTE, offers["brugwerk"], "accept", ACCEPT)
    basis = f"/v1/legal-bases/{(await context.running.read(KARIM, offers['samenstap']))['legalBasis']['id']}"
    await context.running.done(KARIM, basis, "withdraw")
    won = await context.running.read(INES, offers["brugwerk"])
    assert (won["state"], won["reason"]) == ("COMPLETED", "CONSENT_WITHDRAWN")
    assert (await context.running.read(LOTTE, offers["brugwerk"]))["reason"] == "CONSENT_WITHDRAWN"
    assert (await context.running.read(KARIM, offers["samenstap"]))["reason"] == "CONSENT_WITHDRAWN"
