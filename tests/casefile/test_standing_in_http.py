"""What a substitute finds and does: the work of the one who is away, on their behalf, and told as well."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.casefile.cases import CaseContext, Told
from tests.support.broadcasts import BROADCASTS, broadcast
from tests.support.people import AN, HANNE, INES, LOTTE, OPERATOR, TOM, VOLUNTEER, Person
from tests.support.problems import assert_problem
from tests.support.requests import INTAKE, another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile standing in")]

PAUL = Person("paul.stand-in", "vdab-gent", "AGENCY_COUNSELLOR")


async def away(context: CaseContext, absent: Person, substitute: Person, **body: Any) -> None:
    """Somebody is away from now on, for some weeks."""
    body = {"substitute": substitute.sub, "until": "2026-12-01T00:00:00Z", **body}
    named = await context.running.send(absent, "PUT", f"/v1/absences/{absent.sub}", body)
    assert named.status_code == 200, named.text


async def items(context: CaseContext, case: Told, person: Person = INES) -> list[dict[str, Any]]:
    """The timeline of a case."""
    found: list[dict[str, Any]] = (await context.running.read(person, f"{case.path}/timeline"))["items"]
    return found


async def mine(context: CaseContext, person: Person) -> list[dict[str, Any]]:
    """What waits for somebody by name."""
    found: list[dict[str, Any]] = (await context.running.read(person, "/v1/worklist", mine="true"))["items"]
    return found


async def test_what_waits_for_one_who_is_away_waits_for_both(fresh: CaseContext) -> None:
    """For coordinator and counsellor alike; for another colleague it does not, nor for anybody after a release."""
    case = await fresh.accepted()
    await fresh.opened()
    for absent, substitute, other in ((LOTTE, AN, HANNE), (INES, PAUL, TOM)):
        own = await mine(fresh, absent)
        assert own
        assert await mine(fresh, substitute) == []
        await away(fresh, absent, substitute)
        assert [(item["case"], item["step"]) for item in await mine(fresh, substitute)] == [
            (item["case"], item["step"]) for item in own
        ]
        assert await mine(fresh, absent) == own
        assert await mine(fresh, other) == []
        await fresh.running.done(absent, f"/v1/absences/{absent.sub}", "release")
        assert await mine(fresh, substitute) == []
    assert case.id


async def test_what_a_substitute_does_stands_as_on_behalf_of_the_one_who_is_away(fresh: CaseContext) -> None:
    """On the timeline with its sentence, in the record and in the feed; the work stays whose it was."""
    case = await fresh.accepted()
    await away(fresh, LOTTE, AN)
    done = await fresh.running.done(AN, case.path, "conclude-intake", INTAKE)
    assert {step["owner"]["sub"] for step in done.json()["steps"]} == {LOTTE.sub}
    for reader in (INES, LOTTE):
        item = (await items(fresh, case, reader))[-1]
        assert (item["type"], item["actor"]) == (
            "IntakeConcluded",
            {
                "role": "NGO_COORDINATOR",
                "org": "brugwerk",
                "sub": AN.sub,
                "onBehalfOf": LOTTE.sub,
                "onBehalfReason": "ABSENCE",
                "substituteFor": LOTTE.sub,
            },
        )
        assert item["text"].endswith("By an.peeters on behalf of lotte.claes, who is away.")
        assert item["responsible"]["sub"] == LOTTE.sub
    recorded = (await fresh.running.read(INES, f"{case.path}/events"))["items"][-1]
    assert recorded["actor"]["onBehalfOf"] == LOTTE.sub
    assert recorded["actor"]["onBehalfReason"] == "ABSENCE"
    await fresh.running.settle()
    feed = (await fresh.running.read(INES, "/v1/feed", limit=200))["items"]
    (told,) = (message for message in feed if message["type"] == "org.caserelay.case.intake_concluded.v1")
    assert told["data"]["actor"]["onBehalfOf"] == LOTTE.sub
    assert told["data"]["actor"]["onBehalfReason"] == "ABSENCE"


async def test_others_act_in_their_own_name(fresh: CaseContext) -> None:
    """One who was not named, the absent one who acts all the same, and the substitute before the time and after it."""
    case = await fresh.accepted()
    start = fresh.running.clock.now() + timedelta(hours=2)
    end = start + timedelta(hours=1)
    await away(fresh, LOTTE, AN, **{"from": start.isoformat(), "until": end.isoformat()})
    for moment, person, behalf in (
        (start - timedelta(seconds=1), AN, None),
        (start, AN, LOTTE.sub),
        (start + timedelta(seconds=1), HANNE, None),
        (start + timedelta(seconds=2), LOTTE, None),
        (end, AN, None),
    ):
        await fresh.running.at(moment)
        await fresh.running.done(person, case.path, "log-contact-attempt", {})
        assert (await items(fresh, case))[-1]["actor"].get("onBehalfOf") == behalf, (moment, person)


async def test_a_substitute_may_do_what_their_own_role_may_and_no_more(fresh: CaseContext) -> None:
    """Who stands in for a lead is no lead; and a colleague of one side acts for nobody of the other."""
    case = await fresh.brought_to("EXCEPTION_REQUESTED")
    await away(fresh, HANNE, AN)
    decision = {"exception": "X1", "granted": True, "reason": "once"}
    refused = await fresh.running.command(AN, case.path, "decide-exception", decision)
    assert_problem(refused, 403, "ROLE_NOT_ALLOWED")
    etag = (await fresh.running.get(HANNE, f"/v1/absences/{HANNE.sub}")).headers["ETag"]
    body = {"substitute": VOLUNTEER.sub, "until": "2026-12-01T00:00:00Z"}
    mentor = await fresh.running.send(HANNE, "PUT", f"/v1/absences/{HANNE.sub}", body, etag=etag)
    assert_problem(mentor, 422, "SUBSTITUTE_IS_MENTOR", at="/substitute")


async def test_a_substitute_who_passes_on_a_word_names_whose_it_was_and_who_is_away(fresh: CaseContext) -> None:
    """The yes is the mentee's; that the coordinator is away stands beside it, and in what follows from it."""
    case = await fresh.brought_to("MATCH_PROPOSED")
    await away(fresh, LOTTE, AN)
    no = {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "BY_PHONE"}
    await fresh.running.done(AN, case.path, "reject-match", no)
    actor = (await items(fresh, case))[-1]["actor"]
    person = (await fresh.running.read(INES, case.path))["clientRef"]
    assert (actor["onBehalfOf"], actor["onBehalfReason"], actor["substituteFor"]) == (person, "BY_PHONE", LOTTE.sub)
    log = fresh.running.service("casefile").log
    (freed,) = (one for one in await log.read_all(0, 10_000) if type(one.event).__name__ == "MentorReleased")
    assert (freed.meta.actor.on_behalf_of, freed.meta.actor.on_behalf_reason) == (LOTTE.sub, "ABSENCE")
    await fresh.running.done(AN, case.path, "propose-match", {"mentorRef": "M-41", "criteria": ["SECTOR"]})
    word = {"by": "MENTOR", "onBehalfReason": "BY_PIGEON"}
    assert_problem(await fresh.running.command(AN, case.path, "confirm-match", word), 422, at="/onBehalfReason")
    word = {"by": "MENTOR", "onBehalfReason": "ABSENCE"}
    assert_problem(await fresh.running.command(AN, case.path, "confirm-match", word), 422, at="/onBehalfReason")


async def test_what_a_substitute_does_in_the_referral_service_stands_so_as_well(fresh: CaseContext) -> None:
    """A counsellor's answer to questions, and a withdrawal; what came before the time stays the colleague's own."""
    case = await fresh.referred(another_person())
    await fresh.follow(case, LOTTE, "receive")
    for round_, behalf in enumerate((None, INES.sub)):
        await fresh.follow(case, LOTTE, "request-information", {"codes": ["OCCUPATION"]})
        answers = {"answers": [{"code": "OCCUPATION", "answer": "accountant"}]}
        await fresh.follow(case, PAUL, "provide-information", answers)
        actor = (await items(fresh, case))[-1]["actor"]
        assert (actor["sub"], actor.get("onBehalfOf")) == (PAUL.sub, behalf)
        if not round_:
            await fresh.running.at(fresh.running.clock.now() + timedelta(minutes=1))
            await away(fresh, INES, PAUL)
            await fresh.running.at(fresh.running.clock.now() + timedelta(minutes=1))
    await fresh.follow(case, PAUL, "withdraw", {"reason": "CLIENT_MOVED"})
    late = [item["actor"].get("onBehalfOf") for item in (await items(fresh, case)) if item["actor"]["sub"] == PAUL.sub]
    assert late[0] is None
    assert set(late[1:]) == {INES.sub}
    assert {item["type"] for item in (await items(fresh, case))[-2:]} == {"ReferralWithdrawn", "ReferralReturned"}


async def test_a_substitute_answers_for_a_colleague_who_is_asked_to_take_over(fresh: CaseContext) -> None:
    """The request is on the substitute's worklist; who is away becomes responsible by it, and not the substitute."""
    case = await fresh.accepted()
    await fresh.running.done(LOTTE, case.path, "reassign-coordinator", {"coordinator": HANNE.sub})
    await away(fresh, HANNE, AN)
    assert [item["step"] for item in await mine(fresh, AN)] == ["COORDINATOR_HANDOVER"]
    every = (await fresh.running.read(AN, "/v1/worklist"))["items"]
    assert "COORDINATOR_HANDOVER" in [item["step"] for item in every]
    done = await fresh.running.done(AN, case.path, "reassign-coordinator", {"coordinator": HANNE.sub})
    assert {step["owner"]["sub"] for step in done.json()["steps"]} == {HANNE.sub}
    assert (await items(fresh, case))[-1]["actor"]["onBehalfOf"] == HANNE.sub
    own = await fresh.running.done(AN, case.path, "reassign-coordinator")
    assert {step["owner"]["sub"] for step in own.json()["steps"]} == {AN.sub}
    assert "onBehalfOf" not in (await items(fresh, case))[-1]["actor"]


async def test_who_has_the_case_asks_a_colleague_and_does_not_answer_for_them_as_well(fresh: CaseContext) -> None:
    """Lotte stands in for Hanne, whom she asks: sent once more it is the same request, and hands nothing over."""
    case = await fresh.accepted()
    await away(fresh, HANNE, LOTTE)
    for _ in range(2):
        asked = await fresh.running.done(LOTTE, case.path, "reassign-coordinator", {"coordinator": HANNE.sub})
        assert {step["owner"]["sub"] for step in asked.json()["steps"]} == {LOTTE.sub}
    assert [item["type"] for item in (await items(fresh, case))].count("CoordinatorProposed") == 1


async def test_who_asks_a_colleague_for_whom_they_stand_in_has_answered_for_that_one(fresh: CaseContext) -> None:
    """Lotte has the case, and An asks Hanne, for whom she stands in: at once, and sent once more it changes nothing."""
    case = await fresh.accepted()
    await away(fresh, HANNE, AN)
    for _ in range(2):
        done = await fresh.running.done(AN, case.path, "reassign-coordinator", {"coordinator": HANNE.sub})
        assert {step["owner"]["sub"] for step in done.json()["steps"]} == {HANNE.sub}
    types = [item["type"] for item in await items(fresh, case)]
    assert (types.count("CoordinatorProposed"), types.count("CoordinatorReassigned")) == (0, 1)
    assert (await items(fresh, case))[-1]["actor"]["onBehalfOf"] == HANNE.sub


async def test_the_colleague_whom_an_acceptance_named_takes_over_by_a_substitutes_act(fresh: CaseContext) -> None:
    """As by the first command of their own."""
    case = await fresh.referred()
    await fresh.follow(case, LOTTE, "receive")
    await fresh.follow(case, LOTTE, "accept", {"coordinator": HANNE.sub})
    await away(fresh, HANNE, AN)
    await fresh.running.done(AN, case.path, "log-contact-attempt", {})
    last = (await items(fresh, case))[-2:]
    assert [(item["type"], item["actor"].get("onBehalfOf")) for item in last] == [
        ("CoordinatorReassigned", HANNE.sub),
        ("ContactAttempted", HANNE.sub),
    ]
    assert last[-1]["responsible"]["sub"] == HANNE.sub


async def test_who_is_responsible_acts_for_nobody_else(fresh: CaseContext) -> None:
    """Not even for the colleague who is to take over, is away, and named just this person as the substitute."""
    case = await fresh.referred()
    await fresh.follow(case, LOTTE, "receive")
    await fresh.follow(case, LOTTE, "accept", {"coordinator": HANNE.sub})
    await away(fresh, HANNE, LOTTE)
    await fresh.running.done(LOTTE, case.path, "log-contact-attempt", {})
    last = (await items(fresh, case))[-1]
    assert (last["type"], last["actor"].get("onBehalfOf")) == ("ContactAttempted", None)
    assert last["responsible"]["sub"] == LOTTE.sub


async def test_the_second_person_that_an_error_takes_is_the_substitute_as_such(fresh: CaseContext) -> None:
    """Who reported it is away: another person confirms, and not in the name of the one who reported."""
    case = await fresh.referred()
    await fresh.follow(case, INES, "mark-error", {"justification": "another person's file"})
    await away(fresh, INES, TOM)
    await fresh.follow(case, TOM, "confirm-error")
    (confirmed,) = (item for item in await items(fresh, case) if item["type"] == "ReferralEnteredInError")
    assert (confirmed["actor"]["sub"], confirmed["actor"].get("onBehalfOf")) == (TOM.sub, None)


async def test_reminders_missed_terms_and_escalations_go_to_both(fresh: CaseContext) -> None:
    """They name the substitute of the one who is away, on the timeline and in the feed; of who is there, nobody."""
    case = await fresh.accepted()
    await away(fresh, LOTTE, AN)
    await fresh.running.at(datetime(2026, 2, 4, 9, tzinfo=UTC))
    substitutes: dict[str, set[str]] = {}
    for item in (await fresh.running.read(INES, f"{case.path}/events", limit=200))["items"]:
        named = {party["sub"] for party in item["data"].get("substitutes", ())}
        substitutes.setdefault(item["type"], set()).update(named)
    told = {kind: named for kind, named in substitutes.items() if named}
    assert told == {"DeadlineReminded": {AN.sub}, "DeadlineMissed": {AN.sub}}
    texts = [item["text"] for item in await items(fresh, case) if item["type"] == "DeadlineReminded"]
    assert any(text.endswith("It goes to an.peeters as well, standing in.") for text in texts)
    await away(fresh, INES, PAUL)
    await fresh.running.done(HANNE, case.path, "raise-escalation", {"reason": "OTHER"})
    await fresh.running.settle()
    feed = (await fresh.running.read(INES, "/v1/feed", limit=200))["items"]
    raised = [message["data"] for message in feed if message["type"] == "org.caserelay.case.escalation_raised.v1"]
    assert [party["sub"] for party in raised[-1]["substitutes"]] == [AN.sub]
    assert "substitutes" in json.dumps(raised[-1])


async def test_a_level_of_the_ladder_that_goes_to_the_contacts_goes_to_their_substitutes(fresh: CaseContext) -> None:
    """Where the programme says so; what goes to leads alone names nobody."""
    later = {**PROGRAMME_VERSION, "validFrom": "2026-01-12", "ladder": {"L2": ["LEADS", "CASE_CONTACTS"]}}
    published = await fresh.running.send(OPERATOR, "PUT", f"/v1/programmes/{PROGRAMME}/versions/2", later)
    assert published.is_success, published.text
    await fresh.running.settle()
    case = await fresh.accepted()
    await away(fresh, LOTTE, AN)
    await away(fresh, INES, PAUL)
    # First contact is missed on the 22nd, the leads of both sides are told five working days later, the board later on.
    await fresh.running.at(datetime(2026, 4, 1, 9, tzinfo=UTC))
    recorded = (await fresh.running.read(INES, f"{case.path}/events", limit=200))["items"]
    levels: dict[str, set[str]] = {}
    for event in recorded:
        if event["type"] == "DeadlineEscalated" and event["data"]["step"] == "FIRST_CONTACT":
            named = {party["sub"] for party in event["data"].get("substitutes", ())}
            levels.setdefault(event["data"]["level"], set()).update(named)
    assert levels == {"L2": {AN.sub, PAUL.sub}, "L3": set()}


async def told_of_terms(context: CaseContext, case: Told) -> dict[tuple[str, str], set[str]]:
    """Who is named as standing in, by what is told of which term of the referral."""
    found: dict[tuple[str, str], set[str]] = {}
    for event in (await context.running.read(INES, f"{case.path}/events", limit=200))["items"]:
        data = event["data"]
        if data.get("notified") and "sourceEventId" in data:
            named = {party["sub"] for party in data.get("substitutes", ())}
            found.setdefault((data["name"], data["codes"][0]), set()).update(named)
    return found


async def test_what_the_referral_service_tells_of_a_term_goes_to_both(fresh: CaseContext) -> None:
    """The counsellor who owes answers is away: a reminder, the missed term and the levels name who stands in."""
    later = {**PROGRAMME_VERSION, "validFrom": "2026-01-12", "ladder": {"L2": ["LEADS", "CASE_CONTACTS"]}}
    published = await fresh.running.send(OPERATOR, "PUT", f"/v1/programmes/{PROGRAMME}/versions/2", later)
    assert published.is_success, published.text
    await fresh.running.settle()
    case = await fresh.referred(another_person())
    await fresh.follow(case, LOTTE, "receive")
    await fresh.follow(case, LOTTE, "request-information", {"codes": ["OCCUPATION"]})
    await away(fresh, INES, PAUL)
    await fresh.running.at(datetime(2026, 2, 9, 9, tzinfo=UTC))
    told = await told_of_terms(fresh, case)
    assert {kind for kind, term in told if term == "INFORMATION"} == {
        "DeadlineReminded",
        "DeadlineMissed",
        "DeadlineEscalated",
    }
    assert all(named == {PAUL.sub} for (_, term), named in told.items() if term == "INFORMATION")
    texts = [item["text"] for item in await items(fresh, case) if item["type"] == "DeadlineReminded"]
    assert texts
    assert all(text.endswith("It goes to paul.stand-in as well, standing in.") for text in texts)


async def test_what_goes_to_the_organisation_its_lead_or_the_board_names_nobody_of_the_agency(
    fresh: CaseContext,
) -> None:
    """Of what the organisation owes the agency's contact hears when it is missed: to two offers as to one."""
    case = await fresh.referred(another_person())
    made = (await fresh.running.create(INES, BROADCASTS, broadcast())).json()
    of_several = Told(made["case"], "")
    await away(fresh, INES, PAUL)
    await fresh.running.at(datetime(2026, 2, 9, 9, tzinfo=UTC))
    for each in (case, of_several):
        told = await told_of_terms(fresh, each)
        assert {kind for kind, named in told.items() if named} == {
            ("DeadlineMissed", "RECEIPT"),
            ("DeadlineMissed", "DECISION"),
        }
        assert {*told} >= {(name, "RECEIPT") for name in ("DeadlineReminded", "DeadlineEscalated")}
