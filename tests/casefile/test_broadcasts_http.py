"""What the case, its timeline and the feed tell of offers to several organisations, and to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.casefile.cases import CaseContext
from tests.support.broadcasts import BROADCASTS, broadcast, offers_of
from tests.support.people import AUDITOR, HANNE, INES, KARIM, LOTTE, Person
from tests.support.requests import another_person

TAKES = {"brugwerk": LOTTE, "samenstap": KARIM}
ACCEPT = {"coordinator": LOTTE.sub}
DECLINES = {"reason": "CAPACITY_FULL"}


class Offered:
    """A broadcast that a test works with: its path and id, that of its case, and those of its offers."""

    def __init__(self, made: dict[str, Any]) -> None:
        self.id = str(made["id"])
        self.path = f"{BROADCASTS}/{self.id}"
        self.case = f"/v1/cases/{made['case']}"
        self.case_id = str(made["case"])
        self.client = str(made["clientRef"])
        self.offers = offers_of(made)


async def offered(context: CaseContext, **changes: Any) -> Offered:
    """A person who is offered to the demo's two organisations, which have both received it."""
    answer = await context.running.create(INES, BROADCASTS, broadcast(**changes))
    assert answer.status_code == 201, answer.text
    made = Offered(answer.json())
    for organisation, offer in made.offers.items():
        await context.running.done(TAKES[organisation], offer, "receive")
    await context.running.settle()
    return made


async def feed_of(context: CaseContext, person: Person) -> list[dict[str, Any]]:
    """All that a person finds in the feed about cases and offers."""
    items: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        page = await context.running.read(person, "/v1/feed", limit=200, **after)
        items += page["items"]
        if len(page["items"]) < 200:
            break
        after = {"after": page["next"]}
    return [item for item in items if ".organisation." not in item["type"] and ".programme." not in item["type"]]


async def timeline_of(context: CaseContext, made: Offered, person: Person) -> list[tuple[str, str]]:
    """The types and sentences of the case's timeline."""
    items = (await context.running.read(person, f"{made.case}/timeline"))["items"]
    return [(item["type"], item["text"]) for item in items]


async def test_the_case_is_referred_while_offers_are_open_and_back_with_the_last(context: CaseContext) -> None:
    """Not with the first: the lead decides again once nobody can accept any more."""
    made = await offered(context)
    case = await context.running.read(INES, made.case)
    assert (case["state"], case["broadcast"], case["organisation"], case["referral"]) == (
        "REFERRED",
        made.id,
        None,
        None,
    )
    assert [step["step"] for step in case["steps"]] == ["REFERRAL_ANSWER"]
    await context.running.done(LOTTE, made.offers["brugwerk"], "decline", DECLINES)
    await context.running.settle()
    assert (await context.running.read(INES, made.case))["state"] == "REFERRED"
    await context.running.done(KARIM, made.offers["samenstap"], "decline", DECLINES)
    await context.running.settle()
    case = await context.running.read(INES, made.case)
    assert (case["state"], case["broadcast"]) == ("OPENED", None)
    assert [(step["step"], step["owner"]["sub"]) for step in case["steps"]] == [("NEXT_SERVICE", INES.sub)]
    single = {**another_person(), "client": {"ref": made.client}}
    again = await context.running.create(INES, "/v1/referrals", single)
    assert again.status_code == 201, again.text
    await context.running.settle()
    assert (await context.running.read(INES, made.case))["organisation"] == "brugwerk"


async def test_offers_to_several_refer_an_open_case_again(context: CaseContext) -> None:
    """One that its lead has back."""
    body = another_person()
    before = await context.opened(body)
    made = await offered(context, client=body["client"])
    assert made.case == before.path
    assert (await context.running.read(INES, made.case))["state"] == "REFERRED"


async def test_a_win_hands_the_case_over_like_any_acceptance(context: CaseContext) -> None:
    """Responsibility moves with it, and the case can be led to its end."""
    made = await offered(context)
    await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
    await context.running.settle()
    case = await context.running.read(LOTTE, made.case)
    assert (case["state"], case["organisation"]) == ("INTAKE", "brugwerk")
    assert case["referral"] == made.offers["brugwerk"].rpartition("/")[2]
    assert {step["step"]: step["owner"]["sub"] for step in case["steps"]} == {
        "FIRST_CONTACT": LOTTE.sub,
        "INTAKE": LOTTE.sub,
    }
    for person, action, body in (
        (LOTTE, "conclude-intake", {"suitable": True, "goals": ["SOCIAL"], "expectations": ["honest feedback"]}),
    ):
        await context.running.done(person, made.case, action, body)
    assert (await context.running.read(LOTTE, made.case))["state"] == "MATCHING"
    assert (await context.running.get(KARIM, made.case)).status_code == 404


async def test_the_agency_and_the_auditor_read_who_was_asked_and_who_answered_what(context: CaseContext) -> None:
    """On the timeline, in order, and why one won."""
    made = await offered(context)
    await context.running.done(KARIM, made.offers["samenstap"], "decline", DECLINES)
    await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
    await context.running.settle()
    told = await timeline_of(context, made, INES)
    assert told == await timeline_of(context, made, AUDITOR)
    names = [name for name, _ in told]
    assert names[:3] == ["CaseOpened", "EligibilityConfirmed", "ParticipationChosen"]
    assert names[3:] == [
        "BroadcastOpened",
        "CaseOffered",
        "ReferralSubmitted",
        "ReferralSubmitted",
        "ReferralReceived",
        "ReferralReceived",
        "ReferralDeclined",
        "OfferWon",
        "LegalBasisRecorded",
        "CaseReferred",
        "ReferralAccepted",
        "ResponsibilityTransferred",
    ]
    sentences = " ".join(text for _, text in told)
    assert "samenstap declined the referral: CAPACITY_FULL." in sentences
    assert "brugwerk was the first to accept" in sentences


async def test_the_winner_reads_of_the_case_what_is_its_own(context: CaseContext) -> None:
    """From its win on, and its own offer before: nothing of whom else the person was offered to."""
    made = await offered(context)
    await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
    await context.running.settle()
    told = await timeline_of(context, made, LOTTE)
    assert [name for name, _ in told if name != "LegalBasisRecorded"] == [
        "ReferralSubmitted",
        "ReferralReceived",
        "OfferWon",
        "CaseReferred",
        "ReferralAccepted",
        "ResponsibilityTransferred",
    ]
    for text in (
        str(told),
        (await context.running.get(LOTTE, made.case)).text,
        str(await feed_of(context, LOTTE)),
    ):
        assert "samenstap" not in text


async def test_messages_about_an_offer_are_under_the_broadcast_and_name_nobody(context: CaseContext) -> None:
    """Subject and partition key are its id; the case and the pseudonym are nowhere, and only the parties find them."""
    made = await offered(context)
    await context.running.done(KARIM, made.offers["samenstap"], "decline", DECLINES)
    await context.running.settle()
    for person, other in ((LOTTE, "samenstap"), (KARIM, "brugwerk")):
        items = await feed_of(context, person)
        assert [item["type"] for item in items][:2] == ["org.caserelay.offer.made.v1", "org.caserelay.offer.moved.v1"]
        assert {(item["subject"], item["partitionkey"]) for item in items} == {(made.id, made.id)}
        text = str(items)
        assert [word for word in (made.case_id, made.client, other) if word in text] == []
    stranger = Person("x.y", "actiris-demo", "AGENCY_COUNSELLOR")
    assert await feed_of(context, stranger) == []
    agency = await feed_of(context, INES)
    about_offers = [item for item in agency if item["subject"] == made.id]
    assert len(about_offers) == 5
    assert {item["subject"] for item in agency} == {made.id, made.case_id}


async def test_who_lost_is_told_nothing_of_the_case_or_the_winner(context: CaseContext) -> None:
    """Only that its offer ended, and why; and the winner finds its acceptance under the case."""
    made = await offered(context)
    await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
    await context.running.settle()
    lost = await feed_of(context, KARIM)
    assert [item["data"].get("event") for item in lost] == [None, "ReferralReceived", "ReferralWithdrawn"]
    assert lost[-1]["data"]["reason"] == "OTHER_ORGANISATION_CHOSEN"
    assert [word for word in (made.case_id, made.client, "brugwerk", LOTTE.sub) if word in str(lost)] == []
    won = [item for item in await feed_of(context, LOTTE) if item["subject"] == made.case_id]
    types = [item["type"].removeprefix("org.caserelay.") for item in won]
    assert types.index("broadcast.won.v1") < types.index("referral.accepted.v1")
    assert "broadcast.opened.v1" not in types
    (told,) = [item["data"] for item in won if item["type"] == "org.caserelay.broadcast.won.v1"]
    assert told["clientRef"] == made.client


async def test_an_organisation_of_before_learns_nothing_of_new_offers_by_the_case(context: CaseContext) -> None:
    """It keeps reading its former part, though everything happens at one instant of the clock."""
    body = another_person()
    before = await context.opened(body)
    items = await context.running.read(LOTTE, f"{before.path}/timeline")
    made = await offered(context, client=body["client"])
    await context.running.done(KARIM, made.offers["samenstap"], "accept", {"coordinator": KARIM.sub})
    await context.running.settle()
    assert (await context.running.read(LOTTE, f"{before.path}/timeline"))["items"] == items["items"]
    under_case = [item for item in await feed_of(context, LOTTE) if item["subject"] == made.case_id]
    assert made.id not in str(under_case)
    assert made.offers["brugwerk"].rpartition("/")[2] not in str(under_case)


async def test_silence_ends_each_offer_and_then_the_broadcast(context: CaseContext) -> None:
    """Nobody answered within the term: EXPIRED, and the case is back with its lead."""
    made = await offered(context)
    expiry = (await context.running.read(INES, made.offers["brugwerk"]))["dueAt"]["expiry"]
    await context.running.at(context.running.clock.now() + timedelta(days=120))
    read = await context.running.read(INES, made.path)
    assert read["state"] == "EXPIRED"
    assert {offer["state"] for offer in read["offers"]} == {"EXPIRED"}
    assert read["endedAt"] == expiry
    assert (await context.running.read(INES, made.case))["state"] == "OPENED"


async def test_one_that_declined_and_one_that_kept_silent_are_declined_together(context: CaseContext) -> None:
    """At least one said no."""
    made = await offered(context)
    await context.running.done(LOTTE, made.offers["brugwerk"], "decline", DECLINES)
    await context.running.at(context.running.clock.now() + timedelta(days=120))
    assert (await context.running.read(INES, made.path))["state"] == "DECLINED"


async def test_the_access_to_an_offer_that_ended_ends_as_any_other(context: CaseContext) -> None:
    """Twelve weeks after the end it is read no more, in whichever service."""
    made = await offered(context)
    await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
    await context.running.at(context.running.clock.now() + timedelta(days=83))
    assert (await context.running.get(KARIM, made.offers["samenstap"])).status_code == 200
    assert await feed_of(context, KARIM) != []
    await context.running.at(context.running.clock.now() + timedelta(days=3))
    ended = await context.running.get(KARIM, made.offers["samenstap"])
    assert (ended.status_code, ended.json()["code"]) == (403, "ACCESS_ENDED")
    assert await feed_of(context, KARIM) == []
    assert (await context.running.get(LOTTE, made.offers["brugwerk"])).status_code == 200


async def test_a_withdrawn_consent_leaves_the_case_with_its_agency(context: CaseContext) -> None:
    """While offers are open, and after one was won."""
    for won in (False, True):
        made = await offered(context)
        if won:
            await context.running.done(LOTTE, made.offers["brugwerk"], "accept", ACCEPT)
        basis = (await context.running.read(KARIM, made.offers["samenstap"]))["legalBasis"]["id"]
        await context.running.done(KARIM, f"/v1/legal-bases/{basis}", "withdraw")
        await context.running.settle()
        case = await context.running.read(INES, made.case)
        assert (case["state"], case["organisation"]) == ("OPENED", None)
        assert [step["step"] for step in case["steps"]] == ["NEXT_SERVICE"]
        for person, organisation in ((LOTTE, "brugwerk"), (KARIM, "samenstap")):
            about = [item for item in await feed_of(context, person) if item["subject"] == made.id]
            assert [item["data"]["event"] for item in about] == ["LegalBasisWithdrawn"]
            assert (await context.running.read(person, made.offers[organisation]))["reason"] == "CONSENT_WITHDRAWN"


async def test_the_person_withdraws_from_all_offers_on_the_worklist(context: CaseContext) -> None:
    """Signed in at the agency, as long as offers are open; at an organisation there is nothing to find."""
    made = await offered(context)
    at_agency, elsewhere = (Person(made.client, org, "MENTEE") for org in ("vdab-gent", "brugwerk"))
    assert (await context.running.read(elsewhere, "/v1/worklist"))["items"] == []
    (item,) = (await context.running.read(at_agency, "/v1/worklist"))["items"]
    (withdraw,) = [action["href"] for action in item["actions"]]
    await context.running.done(at_agency, withdraw.rpartition("/")[0], "withdraw")
    await context.running.settle()
    assert (await context.running.read(INES, made.path))["reason"] == "CONSENT_WITHDRAWN"
    assert (await context.running.read(INES, made.case))["state"] == "OPENED"


async def test_a_case_with_open_offers_is_not_closed(context: CaseContext) -> None:
    """The refusal names the broadcast that stands in the way, and the worklist what the lead can do."""
    made = await offered(context)
    refused = await context.running.command(INES, made.case, "close", {"reason": "MOVED"})
    assert (refused.status_code, refused.json()["code"]) == (409, "REFERRAL_LIVE")
    assert made.id in refused.json()["detail"]
    work = (await context.running.read(INES, "/v1/worklist"))["items"]
    (item,) = [item for item in work if item["case"] == made.case_id]
    assert [action["href"] for action in item["actions"]] == [f"{made.path}/withdraw"]
    for person in (LOTTE, HANNE, KARIM):
        items = (await context.running.read(person, "/v1/worklist"))["items"]
        assert made.case_id not in str(items)


async def test_whoever_is_offered_a_person_again_reads_who_is_responsible_as_the_agency_does(
    context: CaseContext,
) -> None:
    """The person stopped the first time, and the agency offered to several again, which is for itself to know."""
    made = await offered(context)
    running, offer = context.running, made.offers["brugwerk"]
    await running.done(LOTTE, offer, "accept", ACCEPT)
    basis = (await running.read(INES, offer))["legalBasis"]["id"]
    stopped = await running.command(INES, f"/v1/legal-bases/{basis}", "withdraw")
    assert stopped.status_code == 200, stopped.text
    await running.settle()
    again = await offered(context, client={"ref": made.client})
    assert again.case == made.case
    await running.done(LOTTE, again.offers["brugwerk"], "accept", ACCEPT)
    await running.settle()
    agency, organisation = [await running.read(by, f"{made.case}/responsibility") for by in (INES, LOTTE)]
    assert [step["step"] for step in agency["steps"]] == ["FIRST_CONTACT", "INTAKE"]
    assert organisation == agency
    assert (await running.read(LOTTE, f"{made.case}/timeline"))["items"][-1]["responsible"]["sub"] == LOTTE.sub
