"""Over HTTP a case offers to everybody what docs/domain.md says that they may do, and blocks everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.casefile.cases import ANSWER, PROFILE, PROPOSAL, CaseContext, Told
from tests.support.domain_page import CASE_COMMANDS, LEGAL_BASIS_COMMANDS, possible, roles, states, table
from tests.support.people import HANNE, INES, KARIM, LOTTE, PROGRAMME, TOM, Person
from tests.support.problems import assert_problem
from tests.support.requests import AGREEMENT, another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile table")]

EVERY_STATE = sorted(states(CASE_COMMANDS))
ASK_TO_EXTEND = (LOTTE, "extend-agreement", {"months": 2})
PAUSE = (LOTTE, "suspend", {"reason": "HOLIDAY"})
RAISE = (LOTTE, "raise-escalation", {"reason": "OTHER"})
TAKE_BACK = (INES, "accept-handback", ANSWER)
SEND_BACK = (INES, "return-handback", {"missing": ["OPEN_NEEDS"]})
ASK_AN_EXCEPTION = (LOTTE, "request-exception", {"task": "MONEY", "justification": "the card was lost"})
COLLEAGUE = {"change": "COORDINATOR", "coordinator": "an.peeters"}
IN_TEN_DAYS = "in ten days"
REMATCH = (LOTTE, "end-match", {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True})
PROPOSE = (LOTTE, "propose-match", PROPOSAL)
REPORT_PROGRESS = (LOTTE, "report-progress", {"progress": {"SOCIAL": "+"}})
SIGN_FOR_TEN_DAYS = (LOTTE, "sign-agreement", {**AGREEMENT, "end": IN_TEN_DAYS})
ANOTHER_CHARTER = "another charter governs"
FURTHER: dict[str, tuple[tuple[str, tuple[tuple[Person, str, dict[str, Any]] | int | str, ...]], ...]] = {
    "INTAKE": (("INTAKE", ()), ("INTAKE", (11,)), ("INTAKE", (RAISE,))),
    "MATCHING": (
        ("MATCHING", ()),
        ("MATCHING", (RAISE, ASK_AN_EXCEPTION)),
        ("MATCHING", (31,)),
        ("MENTORING", (REMATCH,)),
        ("MENTORING", (ANOTHER_CHARTER, REMATCH)),
    ),
    "MATCH_PROPOSED": (
        ("MATCH_PROPOSED", ()),
        ("MATCH_PROPOSED", (RAISE, ASK_AN_EXCEPTION)),
        ("MATCH_PROPOSED", (14,)),
        ("CONFIRMED", ()),
        ("MENTORING", (REMATCH, PROPOSE)),
        ("MENTORING", (ANOTHER_CHARTER, REMATCH, PROPOSE)),
    ),
    "MENTORING": (
        ("MENTORING", ()),
        ("MENTORING", (RAISE, ASK_AN_EXCEPTION)),
        ("MENTORING", (15,)),
        ("MENTORING", (ASK_TO_EXTEND,)),
        ("MENTORING", (ANOTHER_CHARTER,)),
        ("CONFIRMED", (SIGN_FOR_TEN_DAYS, REPORT_PROGRESS, ASK_TO_EXTEND, 11)),
    ),
    "SUSPENDED": (
        ("MENTORING", (PAUSE,)),
        ("MENTORING", (RAISE, ASK_AN_EXCEPTION, PAUSE)),
        ("MENTORING", (PAUSE, 31)),
        ("MENTORING", (ASK_TO_EXTEND, PAUSE)),
        ("MENTORING", (ANOTHER_CHARTER, PAUSE)),
    ),
    "HANDBACK_DUE": (
        ("HANDBACK_DUE", ()),
        ("HANDBACK_DUE", (RAISE,)),
        ("HANDBACK_DUE", (14,)),
        ("HANDBACK_DUE", (85,)),
    ),
    "HANDBACK_REQUESTED": (
        ("HANDBACK_REQUESTED", ()),
        ("HANDBACK_REQUESTED", (RAISE,)),
        ("HANDBACK_REQUESTED", (14,)),
        ("HANDBACK_REQUESTED", (SEND_BACK,)),
        ("HANDBACK_REQUESTED", (SEND_BACK, 14)),
    ),
    "CLOSED": (("CLOSED", ()), ("HANDBACK_REQUESTED", (RAISE, TAKE_BACK))),
}
"""Where the state alone does not say what is possible: the ways to it from a name of `ROAD` on; a number is days."""


async def mentors_go_by(context: CaseContext, version: str) -> None:
    """The mentors of brugwerk have acknowledged a version of the charter, for whatever match comes next."""
    known = [mentor["ref"] for mentor in (await context.running.read(LOTTE, "/v1/mentors"))["items"]]
    for path in (f"/v1/mentors/{ref}" for ref in known if ref in ("M-41", "M-42")):
        etag = await context.running.version(LOTTE, path)
        put = await context.running.send(LOTTE, "PUT", path, {**PROFILE, "charterVersion": version}, etag=etag)
        assert put.is_success, put.text


async def second_try(context: CaseContext, *, accepted: bool, programme: str = PROGRAMME) -> Told:
    """A case that samenstap declined, and that brugwerk was then asked to take."""
    # A gap of the agency's own, which it has answered, and another one that waits.
    body = {**another_person("samenstap"), "whyMentoring": "SERVICE_GAP", "programme": programme}
    first = await context.referred(body)
    promise = {"gap": f"{first.id}.g1", "accepted": True, "action": "a course from May on", "due": "2029-06-29"}
    await context.running.done(INES, first.path, "answer-gap", promise)
    await context.follow(first, KARIM, "receive")
    await context.follow(first, KARIM, "decline", {"reason": "CAPACITY_FULL"})
    case = await context.referred(
        {**body, "to": "brugwerk", "legalBasis": {**body["legalBasis"], "recipient": "brugwerk"}}
    )
    if accepted:
        await context.follow(case, LOTTE, "receive")
        await context.follow(case, LOTTE, "accept", {"coordinator": LOTTE.sub})
        await context.running.done(LOTTE, case.path, "propose-change", COLLEAGUE)
    return case


async def gone_back_with_it(context: CaseContext, *, again: bool) -> Told:
    """A case that brugwerk handed back while somebody still has to see to something; referred to it `again`."""
    case = await second_try(context, accepted=True)
    await context.lead_on(case, "INTAKE", "HANDBACK_REQUESTED")
    for person, action, sent in (RAISE, (INES, "accept-handback", {**ANSWER, "decision": "RE_REFER"})):
        await context.running.done(person, case.path, action, sent)
    await context.running.settle()
    if not again:
        return case
    ref = (await context.running.read(INES, case.path))["clientRef"]
    return await context.referred(another_person(client={"ref": ref}))


async def brought_to(context: CaseContext, state: str) -> AsyncIterator[Told]:
    """A case in the state for every way to come to it, each before the next one is begun."""
    if state in ("REFERRED", "OPENED"):
        case = await second_try(context, accepted=False)
        if state == "OPENED":
            await context.follow(case, INES, "withdraw", {"reason": "OTHER_ORGANISATION_CHOSEN"})
        yield case
        yield await gone_back_with_it(context, again=state == "REFERRED")
        return
    for name, steps in FURTHER.get(state, ((state, ()),)):
        programme = await context.own_programme() if ANOTHER_CHARTER in steps else PROGRAMME
        case = await second_try(context, accepted=True, programme=programme)
        if state == "FINALISED":
            refusal = {"gap": f"{case.id}.g2", "accepted": False, "reason": "it is another body's"}
            await context.running.done(INES, case.path, "answer-gap", refusal)
        await context.lead_on(case, "INTAKE", name)
        for step in steps:
            if isinstance(step, int):
                await context.running.at(context.running.clock.now() + timedelta(days=step))
            elif isinstance(step, str):
                await context.other_charter(programme)
                await mentors_go_by(context, "v2")
            else:
                person, action, body = step
                if body.get("end") == IN_TEN_DAYS:
                    body = {**body, "end": (context.running.clock.now() + timedelta(days=10)).date().isoformat()}
                await context.running.done(person, case.path, action, body)
        yield case
        if ANOTHER_CHARTER in steps:
            # In the cases that follow another one governs.
            await mentors_go_by(context, "v1")


async def is_signed(context: CaseContext, case: Told, state: str) -> bool:
    """Whether the pair signed an agreement, and no other match is proposed since."""
    if state == "MATCHING":
        return bool((await context.running.read(INES, case.path))["trajectory"]["endedMatches"])
    if state == "OPENED":
        return any(over["trajectory"] for over in (await context.running.read(INES, case.path))["earlier"])
    return state not in {"REFERRED", "INTAKE", "MATCH_PROPOSED"}


async def everybody(context: CaseContext, case: Told) -> list[tuple[Person, str]]:
    """Anyone who has a part in the case, and the page's word for it."""
    ref = (await context.running.read(INES, case.path))["clientRef"]
    return [
        (INES, "counsellor"),
        (TOM, "counsellor"),
        (LOTTE, "coordinator"),
        (HANNE, "lead"),
        (KARIM, "former coordinator"),
        (Person("M-41", "brugwerk", "VOLUNTEER_MENTOR"), "mentor"),
        (Person("M-41", "brugwerk", "PROFESSIONAL_MENTOR"), "mentor"),
        (Person(ref, "vdab-gent", "MENTEE"), "mentee"),
    ]


def at_most(word: str, state: str) -> frozenset[str]:
    """What the page lets them do in a state; a lead is a coordinator, too."""
    words = ("coordinator", "lead") if word == "lead" else (word,)
    return frozenset().union(*(possible(CASE_COMMANDS, one, state) for one in words))


async def consents_offered(context: CaseContext, person: Person, case: Told) -> list[str]:
    """What the worklist offers of the consents for this case."""
    items = (await context.running.read(person, "/v1/worklist", limit=200))["items"]
    found = [one for item in items if item["case"] == case.id for one in item["actions"]]
    return [one["action"] for one in found if one["href"].startswith("/v1/legal-bases/")]


async def readers(context: CaseContext, case: Told) -> int:
    """How many consents let an organisation read the case: one for each referral to one that reads it."""
    read = [
        person.org for person in (KARIM, LOTTE) if (await context.running.get(person, case.path)).status_code == 200
    ]
    offers = (await context.running.read(INES, "/v1/referrals", case=case.id))["items"]
    return sum(read.count(offer["organisation"]) for offer in offers)


@pytest.mark.parametrize("state", EVERY_STATE)
async def test_everybody_is_offered_in_each_state_what_the_page_says(fresh: CaseContext, state: str) -> None:
    """Never more; and all of it in one situation or another. What is not offered is blocked, with a reason."""
    every, offered = {row.command for row in table(CASE_COMMANDS)}, dict[Person, set[str]]()
    (withdraw,) = table(LEGAL_BASIS_COMMANDS)
    async for case in brought_to(fresh, state):
        assert await fresh.state(case) == state
        for person, word in await everybody(fresh, case):
            answer = await fresh.running.get(person, case.path)
            assert person.role in roles()[word]
            if answer.status_code == 403:
                # The organisations' accesses end on one day, and nobody else's.
                assert_problem(answer, 403, "ACCESS_ENDED")
                assert word in ("coordinator", "lead", "former coordinator"), person
                assert await readers(fresh, case) == 0
                allowed = set[str]()
            elif answer.status_code == 404:
                # Without a match there is no mentor, and nobody else becomes a stranger.
                assert word == "mentor", person
                allowed = set[str]()
            elif word == "mentor" and (answer.json().get("trajectory") or {}).get("endedAt"):
                # What is over is read, and nothing can be done about it.
                assert (answer.json()["allowedActions"], answer.json()["blockedActions"]) == ([], [])
                allowed = set[str]()
            else:
                told = answer.json()
                own = [one["action"] for one in told["allowedActions"] if one["href"].startswith("/v1/legal-bases/")]
                consents = [withdraw.command] * (await readers(fresh, case) if word == "mentee" else 0)
                unsigned = word in ("mentor", "mentee") and not await is_signed(fresh, case, state)
                assert own == ([] if unsigned else consents), person
                assert await consents_offered(fresh, person, case) == consents, person
                allowed = {one["action"] for one in told["allowedActions"] if one["href"].startswith(case.path)}
                assert len(told["allowedActions"]) == len(own) + len(allowed)
                blocked = {one["action"] for one in told["blockedActions"]}
                # One of a pair that has not signed learns of the proposal alone.
                assert blocked == (set() if unsigned else every - allowed), person
            assert allowed <= at_most(word, state), person
            # The mentee, for one, is another person in every case.
            offered.setdefault(Person(word, person.org, person.role), set()).update(allowed)
    for person, found in offered.items():
        assert found == at_most(person.sub, state), person
