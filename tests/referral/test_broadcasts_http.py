"""One person is offered to several organisations over HTTP: what each reads, who wins, what becomes of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.referral.context import ACCEPT, REFERRALS, ReferralContext
from tests.support.broadcasts import BROADCASTS, broadcast, offers_of, states_of
from tests.support.people import AUDITOR, CONTROL, INES, KARIM, LOTTE, PIETER, TOM
from tests.support.requests import another_person

TAKES: dict[str, Any] = {"brugwerk": LOTTE, "samenstap": KARIM}
BY_KARIM = {"coordinator": KARIM.sub}
DECLINES = {"reason": "CAPACITY_FULL"}


async def opened(context: ReferralContext, **changes: Any) -> tuple[str, dict[str, Any]]:
    """A broadcast to the demo's two organisations: its path, and what its agency reads."""
    answer = await context.running.create(INES, BROADCASTS, broadcast(**changes))
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"], answer.json()


async def received(context: ReferralContext) -> tuple[str, dict[str, str]]:
    """One that both have received: its path, and those of its offers."""
    path, made = await opened(context)
    offers = offers_of(made)
    for organisation, offer in offers.items():
        await context.running.done(TAKES[organisation], offer, "receive")
    return path, offers


async def test_each_offer_is_a_referral_of_its_own(context: ReferralContext) -> None:
    """Made at once, each with its own id, and read by its own organisation alone."""
    path, made = await opened(context)
    assert made["state"] == "OPEN"
    assert "winner" not in made
    assert states_of(made) == {"brugwerk": "SUBMITTED", "samenstap": "SUBMITTED"}
    offers = offers_of(made)
    assert len(set(offers.values())) == 2
    assert (await context.running.read(LOTTE, offers["brugwerk"]))["state"] == "SUBMITTED"
    assert (await context.running.get(LOTTE, offers["samenstap"])).status_code == 404
    assert await context.running.read(INES, path) == {**made, "version": made["version"]}


async def test_the_same_key_makes_one_broadcast(context: ReferralContext) -> None:
    """A repeat gets the first answer; with another body it is refused."""
    body = broadcast()
    first = await context.running.create(INES, BROADCASTS, body, key="once")
    again = await context.running.create(INES, BROADCASTS, body, key="once")
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await context.running.create(INES, BROADCASTS, broadcast(), key="once")
    assert other.status_code == 422
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_a_dry_run_makes_nothing(context: ReferralContext) -> None:
    """It says what would be there."""
    before = await context.snapshot()
    answer = await context.running.create(INES, BROADCASTS, broadcast(), dryRun="true")
    assert answer.status_code == 200
    assert answer.json()["dryRun"] is True
    assert "BroadcastOpened" in answer.json()["events"]
    assert await context.snapshot() == before


async def test_before_it_wins_an_organisation_does_not_read_whose_offer_it_is(context: ReferralContext) -> None:
    """Neither in the referral, its raw record, its legal basis nor in lists: no pseudonym, contact data or case."""
    body = broadcast()
    made = (await context.running.create(INES, BROADCASTS, body)).json()
    offer = offers_of(made)["brugwerk"]
    await context.running.done(LOTTE, offer, "receive")
    read = await context.running.read(LOTTE, offer)
    assert "case" not in read
    assert "client" not in read
    assert read["broadcast"] == made["id"]
    basis = f"/v1/legal-bases/{read['legalBasis']['id']}"
    secret = (made["case"], body["client"]["ref"], "Voorbeeld", "samenstap")
    for path, params in (
        (offer, {}),
        (f"{offer}/events", {}),
        (f"{offer}/texts", {}),
        (basis, {}),
        (REFERRALS, {}),
        (REFERRALS, {"expand": "full"}),
    ):
        text = (await context.running.get(LOTTE, path, **params)).text
        assert [word for word in secret if word in text] == [], path
    contact = await context.running.get(LOTTE, f"{offer}/contact")
    assert (contact.status_code, contact.json()["code"]) == (403, "OFFER_ANONYMOUS")
    assert (await context.running.get(INES, f"{offer}/contact")).status_code == 200


async def test_an_organisation_does_not_find_an_anonymous_offer_by_the_case(context: ReferralContext) -> None:
    """It may know the case from before: to ask for its referrals must not tell that this offer is of that person."""
    body = another_person()
    before = await context.submit(body)
    await context.running.done(LOTTE, before, "receive")
    await context.running.done(LOTTE, before, "decline", DECLINES)
    case = (await context.running.read(INES, before))["case"]
    made = (await context.running.create(INES, BROADCASTS, broadcast(client=body["client"]))).json()
    assert made["case"] == case
    known = await context.running.read(LOTTE, REFERRALS, case=case)
    assert [f"{REFERRALS}/{item['id']}" for item in known["items"]] == [before]
    text = (await context.running.get(LOTTE, offers_of(made)["brugwerk"])).text
    assert before.rpartition("/")[2] not in text
    everything = await context.running.read(INES, REFERRALS, case=case)
    assert len(everything["items"]) == 3


async def test_a_person_at_an_organisation_is_not_recognised_by_an_anonymous_offer(context: ReferralContext) -> None:
    """Who signs in there by the pseudonym would tell the organisation that it is the same person."""
    body = broadcast()
    made = (await context.running.create(INES, BROADCASTS, body)).json()
    offer = offers_of(made)["brugwerk"]
    basis = f"/v1/legal-bases/{(await context.running.read(INES, offer))['legalBasis']['id']}"
    there = replace(LOTTE, sub=body["client"]["ref"], role="MENTEE")
    here = replace(INES, sub=body["client"]["ref"], role="MENTEE")
    assert (await context.running.get(there, basis)).status_code == 404
    assert (await context.running.get(here, basis)).status_code == 200


async def test_the_first_to_accept_wins_and_reads_whose_offer_it_was(context: ReferralContext) -> None:
    """The others' referrals end WITHDRAWN, because another organisation was chosen."""
    path, offers = await received(context)
    await context.running.done(LOTTE, offers["brugwerk"], "accept", ACCEPT)
    read = await context.running.read(INES, path)
    assert (read["state"], read["winner"], read["why"]) == ("WON", "brugwerk", "FIRST_TO_ACCEPT")
    assert states_of(read) == {"brugwerk": "ACCEPTED", "samenstap": "WITHDRAWN"}
    won = await context.running.read(LOTTE, offers["brugwerk"])
    assert won["case"] == read["case"]
    assert won["client"]["ref"] == read["clientRef"]
    assert "broadcast" not in won
    assert (await context.running.get(LOTTE, f"{offers['brugwerk']}/contact")).status_code == 200
    lost = await context.running.read(KARIM, offers["samenstap"])
    assert (lost["state"], lost["reason"]) == ("WITHDRAWN", "OTHER_ORGANISATION_CHOSEN")
    assert "case" not in lost


async def test_to_try_an_acceptance_is_not_to_learn_whose_offer_it_is(context: ReferralContext) -> None:
    """A dry run says that it would be accepted: neither the person, the case, nor how many others there are."""
    path, offers = await received(context)
    read = await context.running.read(INES, path)
    tried = await context.running.done(LOTTE, offers["brugwerk"], "accept", ACCEPT, dryRun="true")
    assert (tried.json()["state"], tried.json()["events"]) == ("ACCEPTED", ["ReferralAccepted"])
    assert [word for word in (read["case"], read["clientRef"], "samenstap") if word in tried.text] == []
    assert (await context.running.read(INES, path))["state"] == "OPEN"


@pytest.mark.parametrize("stale", [True, False], ids=["an ETag from before", "the ETag of its end"])
async def test_an_acceptance_that_comes_too_late_is_told_that_the_offer_is_taken(
    context: ReferralContext,
    stale: bool,  # noqa: FBT001 - a case of the test
) -> None:
    """Also where the win made its ETag stale; and by whom, it is not told."""
    _, offers = await received(context)
    etag = await context.running.version(KARIM, offers["samenstap"])
    await context.running.done(LOTTE, offers["brugwerk"], "accept", ACCEPT)
    if not stale:
        etag = await context.running.version(KARIM, offers["samenstap"])
    late = await context.running.command(KARIM, offers["samenstap"], "accept", BY_KARIM, etag=etag)
    assert (late.status_code, late.json()["code"]) == (409, "OFFER_TAKEN")
    assert "brugwerk" not in late.text
    other = await context.running.command(KARIM, offers["samenstap"], "decline", DECLINES, etag=etag)
    assert other.status_code == 409
    for text in (other.text, (await context.running.get(KARIM, f"{offers['samenstap']}/events")).text):
        assert "brugwerk" not in text
        assert LOTTE.sub not in text


async def test_an_organisation_can_ask_wait_and_decline_while_another_decides(context: ReferralContext) -> None:
    """Each offer goes its own way, and its agency reads who answered what."""
    path, offers = await received(context)
    ask = {"codes": ["AVAILABILITY"]}
    wait = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-03-01", "clientAgreed": True}
    await context.running.done(LOTTE, offers["brugwerk"], "request-information", ask)
    await context.running.done(
        INES, offers["brugwerk"], "provide-information", {"answers": [{"code": "AVAILABILITY", "answer": "Mondays"}]}
    )
    await context.running.done(LOTTE, offers["brugwerk"], "waitlist", wait)
    await context.running.done(KARIM, offers["samenstap"], "decline", DECLINES)
    read = await context.running.read(INES, path)
    assert read["state"] == "OPEN"
    assert states_of(read) == {"brugwerk": "WAITLISTED", "samenstap": "DECLINED"}
    said = {
        offer["organisation"]: [(one["event"], one["codes"]) for one in offer["answers"]] for offer in read["offers"]
    }
    assert said == {
        "brugwerk": [
            ("ReferralReceived", []),
            ("InformationRequested", ["AVAILABILITY"]),
            ("InformationProvided", ["AVAILABILITY"]),
            ("ReferralWaitlisted", ["NO_SUITABLE_MENTOR"]),
        ],
        "samenstap": [("ReferralReceived", []), ("ReferralDeclined", ["CAPACITY_FULL"])],
    }


async def test_the_offers_count_as_one_live_referral_until_the_last_has_ended(context: ReferralContext) -> None:
    """A second referral of the person is refused with the broadcast that holds, and possible after the last decline."""
    body = broadcast()
    made = (await context.running.create(INES, BROADCASTS, body)).json()
    path, offers = f"{BROADCASTS}/{made['id']}", offers_of(made)
    single = {**another_person(), "client": body["client"]}
    for second in ((REFERRALS, single), (BROADCASTS, broadcast(client=body["client"]))):
        refused = await context.running.create(INES, *second)
        assert (refused.status_code, refused.json()["code"]) == (409, "REFERRAL_LIVE")
        assert refused.json()["detail"].startswith(f"broadcast {made['id']} of the same person")
        assert refused.json()["whoCanUnblock"] == "the agency, by withdraw of the broadcast"
    await context.running.done(LOTTE, offers["brugwerk"], "decline", DECLINES)
    assert (await context.running.create(INES, REFERRALS, single)).status_code == 409
    await context.running.done(KARIM, offers["samenstap"], "decline", DECLINES)
    assert (await context.running.read(INES, path))["state"] == "DECLINED"
    next_one = await context.running.create(INES, REFERRALS, single)
    assert next_one.status_code == 201
    assert next_one.json()["case"] == made["case"]
    assert next_one.json()["previousReferral"] == offers["samenstap"].rpartition("/")[2]


async def test_the_winners_referral_is_the_live_one(context: ReferralContext) -> None:
    """A second referral is refused with it."""
    body = broadcast()
    made = (await context.running.create(INES, BROADCASTS, body)).json()
    offer = offers_of(made)["brugwerk"]
    await context.running.done(LOTTE, offer, "receive")
    await context.running.done(LOTTE, offer, "accept", ACCEPT)
    refused = await context.running.create(INES, REFERRALS, {**another_person(), "client": body["client"]})
    assert refused.json()["code"] == "REFERRAL_LIVE"
    assert refused.json()["detail"].startswith(f"referral {offer.rpartition('/')[2]} of the same person")


async def test_the_agency_takes_all_offers_back(context: ReferralContext) -> None:
    """Once: a repeat with the same reason changes nothing, and after the end it is refused."""
    path, offers = await received(context)
    away = {"reason": "CLIENT_MOVED"}
    await context.running.done(INES, path, "withdraw", away)
    read = await context.running.read(INES, path)
    assert (read["state"], read["reason"]) == ("WITHDRAWN", "CLIENT_MOVED")
    for organisation, offer in offers.items():
        end = await context.running.read(TAKES[organisation], offer)
        assert (end["state"], end["reason"]) == ("WITHDRAWN", "CLIENT_MOVED")
    late = await context.running.command(LOTTE, offers["brugwerk"], "accept", ACCEPT)
    assert (late.status_code, late.json()["code"]) == (409, "STATE_DOES_NOT_ALLOW")
    head = await context.head()
    await context.running.done(INES, path, "withdraw", away, key=None)
    assert await context.head() == head
    refused = await context.running.command(INES, path, "withdraw", {"reason": "CLIENT_IN_TRAINING"})
    assert (refused.status_code, refused.json()["code"]) == (409, "BROADCAST_ENDED")


async def test_what_was_won_is_not_withdrawn(context: ReferralContext) -> None:
    """After acceptance the way back is the handback."""
    path, offers = await received(context)
    await context.running.done(LOTTE, offers["brugwerk"], "accept", ACCEPT)
    refused = await context.running.command(INES, path, "withdraw", {"reason": "CLIENT_MOVED"})
    assert (refused.status_code, refused.json()["code"]) == (409, "BROADCAST_ENDED")
    assert "brugwerk" in refused.json()["detail"]


async def test_a_withdrawal_names_the_version_that_was_read(context: ReferralContext) -> None:
    """An answer meanwhile makes it stale; without a version it is refused."""
    path, made = await opened(context)
    before = await context.running.version(INES, path)
    await context.running.done(LOTTE, offers_of(made)["brugwerk"], "receive")
    stale = await context.running.command(INES, path, "withdraw", {"reason": "CLIENT_MOVED"}, etag=before)
    assert stale.status_code == 412
    unnamed = await context.running.send(INES, "POST", f"{path}/withdraw", {"reason": "CLIENT_MOVED"})
    assert unnamed.status_code == 428


async def test_only_its_agency_and_the_auditor_read_a_broadcast(context: ReferralContext) -> None:
    """To whom else a person is offered is none of the organisations' business."""
    path, _ = await opened(context)
    for reader in (INES, TOM, AUDITOR):
        assert (await context.running.get(reader, path)).status_code == 200
    for stranger in (LOTTE, KARIM, PIETER):
        assert (await context.running.get(stranger, path)).status_code == 404
        refused = await context.running.send(
            stranger, "POST", f"{path}/withdraw", {"reason": "CLIENT_MOVED"}, etag='"1"'
        )
        assert refused.status_code == 404
    assert (await context.running.get(CONTROL, path)).status_code == 403
    (blocked,) = (await context.running.read(AUDITOR, path))["blockedActions"]
    assert (blocked["action"], blocked["code"]) == ("withdraw", "ROLE_NOT_ALLOWED")


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "one alone": ({"to": ["brugwerk"]}, "/to", "INVALID_VALUE"),
    "too many": ({"to": [f"org-{n}" for n in range(21)]}, "/to", "INVALID_VALUE"),
    "one twice": ({"to": ["brugwerk", "brugwerk"]}, "/to", "INVALID_VALUE"),
    "nobody known": ({"to": ["brugwerk", "nobody"]}, "/to/1", "ORGANISATION_UNKNOWN"),
    "no mentoring organisation": ({"to": ["vdab-gent", "brugwerk"]}, "/to/0", "ORGANISATION_KIND"),
    "no goal": ({"goals": []}, "/goals", "GOAL_REQUIRED"),
    "no consent": ({"legalBasis": None}, "/legalBasis", "REQUIRED"),
    "a draft": ({"draft": True}, "/draft", "INVALID_VALUE"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_broadcast_that_is_wrong_is_refused_at_its_field(context: ReferralContext, wrong: str) -> None:
    """And nothing is stored."""
    changes, pointer, code = WRONG[wrong]
    before = await context.snapshot()
    answer = await context.running.create(INES, BROADCASTS, broadcast(**changes))
    assert answer.status_code == 422, answer.text
    assert (pointer, code) in [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]], answer.text
    assert await context.snapshot() == before


async def test_a_consent_that_does_not_name_all_of_them_is_refused(context: ReferralContext) -> None:
    """The missing ones are named."""
    body = broadcast()
    body["legalBasis"]["recipients"] = ["brugwerk"]
    answer = await context.running.create(INES, BROADCASTS, body)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/legalBasis/recipients", "RECIPIENTS_MISSING")
    assert "samenstap" in fault["detail"]


async def test_a_single_recipient_beside_several_is_one_of_them(context: ReferralContext) -> None:
    """Who copies the consent of a single referral leaves it in; what holds are the several, so it says nothing else."""
    before = await context.snapshot()
    body, single = broadcast(), another_person()
    body["legalBasis"]["recipient"] = "somebody-else"
    single["legalBasis"]["recipients"] = ["brugwerk", "samenstap"]
    for path, wrong, pointer, code in (
        (BROADCASTS, body, "recipient", "INVALID_VALUE"),
        (REFERRALS, single, "recipients", "UNKNOWN_FIELD"),
    ):
        answer = await context.running.create(INES, path, wrong)
        assert answer.status_code == 422, answer.text
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == (f"/legalBasis/{pointer}", code)
    assert await context.snapshot() == before
    body["legalBasis"]["recipient"] = "brugwerk"
    assert (await context.running.create(INES, BROADCASTS, body)).status_code == 201


async def test_only_an_agency_offers_people(context: ReferralContext) -> None:
    """As with a single referral."""
    assert (await context.running.create(LOTTE, BROADCASTS, broadcast())).status_code == 403
