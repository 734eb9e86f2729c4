"""What a referral has to say: every guard of the packet at its place, drafts, and the person's one live referral."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.referral.context import ACCEPT, COMMANDS, REFERRALS, ReferralContext
from tests.support.dates import MONDAY
from tests.support.people import INES, KARIM, LOTTE, OPERATOR, PIETER, PROGRAMME, TOM
from tests.support.problems import assert_problem, pointers
from tests.support.requests import new_key, samira, yonas

LATER = "2026-01-12T09:30:31Z"
CHOICE = samira()["participationChoice"]
BASIS = samira()["legalBasis"]
CRITERIA = samira()["eligibility"]
NATIONAL_NUMBER = "85.07.30-033.28"
"""The library's own example of a valid one; it is nobody's here."""

GUARDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no such programme": ({"programme": "nowhere"}, "/programme", "PROGRAMME_UNKNOWN"),
    "no organisation": ({"to": None}, "/to", "REQUIRED"),
    "no such organisation": ({"to": "nobody"}, "/to", "ORGANISATION_UNKNOWN"),
    "addressed to an agency": ({"to": "vdab-gent"}, "/to", "ORGANISATION_KIND"),
    "no person": ({"client": None}, "/client", "REQUIRED"),
    "no contact language": ({"contactLanguage": None}, "/contactLanguage", "REQUIRED"),
    "no languages": ({"languages": []}, "/languages", "REQUIRED"),
    "no region": ({"region": None}, "/region", "REQUIRED"),
    "no goal": ({"goals": []}, "/goals", "GOAL_REQUIRED"),
    "unknown goal": ({"goals": ["FINANCIAL"]}, "/goals/0", "INVALID_VALUE"),
    "no argument": ({"whyMentoring": None}, "/whyMentoring", "REQUIRED"),
    "no alternative": ({"alternativeConsidered": None}, "/alternativeConsidered", "REQUIRED"),
    "too many occupations": ({"occupations": [{"isco": "2411"}] * 4}, "/occupations", "TOO_MANY"),
    "no such level": (
        {"languages": [{"tag": "nl", "level": "B3", "evidence": "TESTED"}]},
        "/languages/0/level",
        "INVALID_VALUE",
    ),
    "no such language tag": ({"contactLanguage": "Arabic language"}, "/contactLanguage", "INVALID_VALUE"),
    "criterion missing": (
        {"eligibility": {"RIGHT_TO_WORK": True, "NO_CONCURRENT_PROGRAMME": True}},
        "/eligibility/REGISTERED_JOBSEEKER",
        "CRITERION_MISSING",
    ),
    "ineligible": ({"eligibility": {**CRITERIA, "RIGHT_TO_WORK": False}}, "/eligibility/RIGHT_TO_WORK", "INELIGIBLE"),
    "unknown criterion": ({"eligibility": {**CRITERIA, "TALL": True}}, "/eligibility/TALL", "CRITERION_UNKNOWN"),
    "criterion as a word": (
        {"eligibility": {**CRITERIA, "RIGHT_TO_WORK": "yes"}},
        "/eligibility/RIGHT_TO_WORK",
        "INVALID_VALUE",
    ),
    "no choice": ({"participationChoice": None}, "/participationChoice", "REQUIRED"),
    "choice to come": (
        {"participationChoice": {**CHOICE, "chosenAt": LATER}},
        "/participationChoice/chosenAt",
        "IN_THE_FUTURE",
    ),
    "choice without zone": (
        {"participationChoice": {**CHOICE, "chosenAt": "2026-01-12T09:10:00"}},
        "/participationChoice/chosenAt",
        "INVALID_VALUE",
    ),
    "no basis": ({"legalBasis": None}, "/legalBasis", "REQUIRED"),
    "basis for another": (
        {"legalBasis": {**BASIS, "recipient": "samenstap"}},
        "/legalBasis/recipient",
        "LEGAL_BASIS_RECIPIENT",
    ),
    "basis to come": ({"legalBasis": {**BASIS, "givenAt": LATER}}, "/legalBasis/givenAt", "IN_THE_FUTURE"),
    "no such day": (
        {"legalBasis": {**BASIS, "givenAt": "2026-02-30T09:00:00Z"}},
        "/legalBasis/givenAt",
        "INVALID_VALUE",
    ),
    "unknown basis": ({"legalBasis": {**BASIS, "kind": "BECAUSE"}}, "/legalBasis/kind", "INVALID_VALUE"),
    "unknown previous one": (
        {"previousReferral": "00000000-0000-4000-8000-000000000000"},
        "/previousReferral",
        "PREVIOUS_REFERRAL_UNKNOWN",
    ),
}


@pytest.mark.parametrize("what", GUARDS)
async def test_an_unmet_guard_is_422_at_its_place(context: ReferralContext, what: str) -> None:
    """The refusal points to the field; nothing is stored, not even in the vault."""
    changes, pointer, code = GUARDS[what]
    before = await context.snapshot()
    answer = await context.running.create(INES, REFERRALS, samira(**changes))
    assert_problem(answer, 422)
    assert pointers(answer).get(pointer) == code, answer.text
    assert await context.snapshot() == before


async def test_everything_wrong_is_said_at_once(context: ReferralContext) -> None:
    """All unmet guards are listed, in the order of the body."""
    body = samira(goals=[], region=None, legalBasis={**BASIS, "recipient": "samenstap"}, whyMentoring=None)
    answer = await context.running.create(INES, REFERRALS, body)
    assert list(pointers(answer)) == ["/region", "/goals", "/whyMentoring", "/legalBasis/recipient"]


async def test_only_mentoring_to_work_is_referred_to(context: ReferralContext) -> None:
    """A programme of another kind, and one that is not in force yet, take no referrals."""
    version = (await context.running.read(INES, f"/v1/programmes/{PROGRAMME}"))["versions"][0]
    for programme, changes, code in (
        ("buddies", {"kind": "BUDDY"}, "PROGRAMME_KIND"),
        ("next-year", {"validFrom": "2027-01-01"}, "PROGRAMME_NOT_IN_FORCE"),
    ):
        body = {**{name: value for name, value in version.items() if name != "version"}, **changes}
        published = await context.running.send(OPERATOR, "PUT", f"/v1/programmes/{programme}/versions/1", body)
        assert published.status_code == 200, published.text
        answer = await context.running.create(INES, REFERRALS, samira(programme=programme))
        assert_problem(answer, 422)
        assert pointers(answer)["/programme"] == code


@pytest.mark.parametrize("number", [NATIONAL_NUMBER, "85073003328", "8507 3003 328", "number 85073003328 of Samira"])
async def test_a_national_number_is_refused_wherever_it_stands(context: ReferralContext, number: str) -> None:
    """In any text outside `contact`, the names of fields and numbers included; the answer does not repeat it."""
    before = await context.snapshot()
    for body, pointer in (
        (samira(occupations=[{"isco": "2411", "esco": "http://example.org/85073003328"}]), "/occupations/0/esco"),
        (samira(client={"ref": "85073003328"}), "/client/ref"),
        (samira(region=number), "/region"),
        ({**samira(), number: 1}, None),
        (samira(goals=[number]), "/goals/0"),
        (samira(note={"deep": [85073003328]}), None),
    ):
        answer = await context.running.create(INES, REFERRALS, body)
        assert_problem(answer, 422)
        assert "85073003328" not in answer.text
        assert number not in answer.text
        assert pointer is None or pointer in pointers(answer)
    assert await context.snapshot() == before
    allowed = samira(contact={"name": f"Samira {NATIONAL_NUMBER}", "phone": "+32 470 00 11 22", "email": None})
    assert (await context.running.create(INES, REFERRALS, allowed)).status_code == 201


async def test_a_national_number_in_a_command_is_refused(context: ReferralContext) -> None:
    """Free texts and coordinators too, escaped or not; in the path and the query it is not repeated either."""
    path = await context.received()
    before = await context.snapshot()
    for action, body, pointer in (
        ("decline", {"reason": "OTHER", "text": f"is {NATIONAL_NUMBER}"}, "/text"),
        ("decline", {"reason": "OTHER", "suggestion": f"is {NATIONAL_NUMBER}"}, "/suggestion"),
        ("accept", {"coordinator": NATIONAL_NUMBER}, "/coordinator"),
    ):
        answer = await context.running.command(LOTTE, path, action, body)
        assert_problem(answer, 422, "NATIONAL_NUMBER")
        assert pointers(answer) == {pointer: "NATIONAL_NUMBER"}
        assert NATIONAL_NUMBER not in answer.text
    escaped = b'{"reason": "OTHER", "text": "\\u0038\\u0035\\u003073003328"}'
    etag = (await context.running.get(LOTTE, path)).headers["ETag"]
    answer = await context.running.send(LOTTE, "POST", f"{path}/decline", content=escaped, etag=etag)
    assert_problem(answer, 422, "NATIONAL_NUMBER")
    for answer in (
        await context.running.get(LOTTE, f"{REFERRALS}/85073003328"),
        await context.running.get(LOTTE, REFERRALS, state="85073003328"),
        await context.running.send(INES, "POST", REFERRALS, samira(), key="85073003328"),
    ):
        assert 400 <= answer.status_code < 500
        assert "85073003328" not in answer.text
    assert await context.snapshot() == before


async def test_an_escaped_national_number_in_a_create_is_refused(context: ReferralContext) -> None:
    """However a digit is written, and in whatever encoding the text comes."""
    body = samira(client={"ref": "85073003328"})
    plain = json.dumps(body)
    for content in (
        plain.replace("85073003328", "\\u003850730\\u0030" + "3328").encode(),
        plain.encode("utf-16"),
        plain.encode("utf-16-le"),
        plain.encode("utf-32"),
    ):
        answer = await context.running.send(INES, "POST", REFERRALS, content=content, key=new_key())
        assert 400 <= answer.status_code < 500, content[:40]
        assert "85073003328" not in answer.text


async def test_one_person_has_one_live_referral(context: ReferralContext) -> None:
    """A second one in the programme is 409 and names the live one, also to another organisation and from a draft."""
    first = await context.submit(samira())
    before = await context.snapshot()
    for body in (samira(), samira("samenstap"), samira(draft=True)):
        problem = assert_problem(await context.running.create(INES, REFERRALS, body), 409)
        assert first.rpartition("/")[2] in problem["detail"], problem
    assert await context.snapshot() == before
    other_agency = await context.running.create(PIETER, REFERRALS, samira())
    assert other_agency.status_code == 201, "the same pseudonym of another agency is another person"


async def test_of_many_submissions_of_one_person_one_wins(context: ReferralContext) -> None:
    """However many come at once: one 201, and 409 naming it for all others."""
    answers = await context.race(*(context.running.create(INES, REFERRALS, samira()) for _ in range(40)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 39
    (winner,) = (answer.json()["id"] for answer in answers if answer.status_code == 201)
    for answer in answers:
        if answer.status_code == 409:
            assert winner in assert_problem(answer, 409)["detail"]
    assert len((await context.running.read(INES, REFERRALS))["items"]) == 1


async def test_one_key_sent_many_times_at_once_creates_once(context: ReferralContext) -> None:
    """One makes it; who comes while that runs is told when to come again, and then gets the one answer."""
    key = new_key()
    made: list[httpx.Response] = []
    waiting = 30
    while waiting:
        answers = await context.race(
            *(context.running.create(INES, REFERRALS, samira(), key=key) for _ in range(waiting))
        )
        made += [answer for answer in answers if answer.status_code == 201]
        told = [answer for answer in answers if answer.status_code != 201]
        for answer in told:
            assert_problem(answer, 409, "IDEMPOTENCY_KEY_IN_USE")
            assert int(answer.headers["Retry-After"]) > 0
        waiting = len(told)
    assert len({answer.json()["id"] for answer in made}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in made) == 1


async def test_after_a_decline_the_person_is_referred_again_in_the_same_case(context: ReferralContext) -> None:
    """The new referral names the old one, uses its case, and needs a basis for its own recipient."""
    first = await context.submit(yonas())
    declined = await context.running.done(LOTTE, first, "receive")
    told = {"reason": "LANGUAGE_INSUFFICIENT", "suggestion": "an organisation that works in English or Tigrinya"}
    declined = (await context.running.done(LOTTE, first, "decline", told)).json()
    assert (declined["reReferable"], declined["proposedAction"]) == (True, "REFER_TO_OTHER_ORGANISATION")
    again = yonas("samenstap", previousReferral=declined["id"])
    wrong = {**again, "legalBasis": {**again["legalBasis"], "recipient": "brugwerk"}}
    assert_problem(await context.running.create(INES, REFERRALS, wrong), 422, "LEGAL_BASIS_RECIPIENT")
    made = await context.running.create(INES, REFERRALS, again)
    assert made.status_code == 201, made.text
    assert made.json()["case"] == declined["case"]
    assert made.json()["previousReferral"] == declined["id"]
    await context.running.done(KARIM, made.headers["Location"], "receive")
    assert_problem(await context.running.get(LOTTE, made.headers["Location"]), 404)


async def test_the_answer_of_a_submitted_referral_has_what_its_sender_needs(context: ReferralContext) -> None:
    """Id, case, state, version, the three deadlines in the programme's calendar, actions and links; no contact data."""
    made = (await context.running.create(INES, REFERRALS, samira())).json()
    assert made["state"] == "SUBMITTED"
    assert made["version"] == 1
    # Two and ten working days, thirty days; each until the end of the day in Brussels.
    assert made["dueAt"] == {
        "receipt": "2026-01-14T22:59:59Z",
        "decision": "2026-01-26T22:59:59Z",
        "expiry": "2026-02-11T22:59:59Z",
    }
    assert {one["action"] for one in made["allowedActions"]} == {"withdraw", "mark-error"}
    assert all(one["href"] == f"/v1/referrals/{made['id']}/{one['action']}" for one in made["allowedActions"])
    assert all({"action", "code", "detail", "whoCanUnblock"} == one.keys() for one in made["blockedActions"])
    assert made["links"]["self"] == f"/v1/referrals/{made['id']}"
    assert "contact" not in made


async def test_the_lists_of_actions_tell_the_truth(context: ReferralContext) -> None:
    """In every state, for both sides: what is listed as allowed succeeds as a dry run, what is blocked is refused."""
    for state, path in (await context.in_each_state()).items():
        for person in (INES, LOTTE):
            answer = await context.running.get(person, path)
            if answer.status_code == 404:
                assert state == "DRAFT"
                continue
            read = answer.json()
            assert read["state"] == state
            for one in read["allowedActions"]:
                dry = await context.running.command(
                    person, path, one["action"], COMMANDS[one["action"]][1], dryRun="true"
                )
                assert dry.status_code in (200, 422), (state, person, one, dry.text)
                if dry.status_code == 422:
                    assert state == "DRAFT", dry.text
            for one in read["blockedActions"]:
                dry = await context.running.command(
                    person, path, one["action"], COMMANDS[one["action"]][1], dryRun="true"
                )
                # Asking for what is so already is harmless, even where it is not possible.
                if dry.status_code != 200 or dry.json()["events"]:
                    assert dry.status_code in (403, 409), (state, person, one, dry.text)
                    assert dry.json()["code"] in (one["code"], "PARTY_NOT_ALLOWED", "ROLE_NOT_ALLOWED")


async def test_capacity_bounds_what_is_accepted_at_once(context: ReferralContext) -> None:
    """A full organisation's accept is 409 CAPACITY_FULL, its lists say so, and an end or a raised limit frees it."""
    described = await context.running.get(LOTTE, "/v1/organisations/brugwerk")
    body = {"name": "Brugwerk", "kind": "MENTORING_ORG", "programmes": [PROGRAMME], "capacity": 1}
    etag = described.headers["ETag"]
    assert (await context.running.send(LOTTE, "PUT", "/v1/organisations/brugwerk", body, etag=etag)).status_code == 200
    one, other = await context.received(), await context.received()
    await context.running.done(LOTTE, one, "accept", ACCEPT)
    assert (await context.running.read(LOTTE, "/v1/organisations/brugwerk"))["taken"] == 1
    assert_problem(await context.running.command(LOTTE, other, "accept", ACCEPT), 409, "CAPACITY_FULL")
    blocked = {one["action"]: one["code"] for one in (await context.running.read(LOTTE, other))["blockedActions"]}
    assert blocked["accept"] == "CAPACITY_FULL"
    await context.running.done(INES, one, "mark-error", {"justification": "another person was meant"})
    await context.running.done(TOM, one, "confirm-error")
    await context.running.done(LOTTE, other, "accept", ACCEPT)


async def test_two_accepts_at_once_do_not_share_the_last_place(context: ReferralContext) -> None:
    """Of many accepts at once as many succeed as there are places."""
    described = await context.running.get(LOTTE, "/v1/organisations/brugwerk")
    body = {"name": "Brugwerk", "kind": "MENTORING_ORG", "programmes": [PROGRAMME], "capacity": 3}
    answer = await context.running.send(
        LOTTE, "PUT", "/v1/organisations/brugwerk", body, etag=described.headers["ETag"]
    )
    assert answer.status_code == 200
    paths = [await context.received() for _ in range(8)]
    answers = await context.race(*(context.running.command(LOTTE, path, "accept", ACCEPT) for path in paths))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 5
    assert (await context.running.read(LOTTE, "/v1/organisations/brugwerk"))["taken"] == 3


async def test_an_error_takes_two_people(context: ReferralContext) -> None:
    """The one who reports cannot confirm; a team lead who is another person can; afterwards nothing is possible."""
    path = await context.accepted()
    await context.running.done(TOM, path, "mark-error", {"justification": "another person was meant"})
    assert await context.state(path) == "ACCEPTED"
    assert_problem(await context.running.command(TOM, path, "confirm-error"), 403, "SECOND_PERSON_REQUIRED")
    assert_problem(await context.running.command(INES, path, "confirm-error"), 403)
    path = await context.accepted()
    await context.running.done(INES, path, "mark-error", {"justification": "another person was meant"})
    await context.running.done(TOM, path, "confirm-error")
    assert (await context.running.read(INES, path))["allowedActions"] == []
    assert "another person was meant" not in (await context.running.get(INES, f"{path}/events")).text


async def test_the_answers_time_is_the_services(context: ReferralContext) -> None:
    """What is recorded has the clock's time, for both the occurrence and the record."""
    path = await context.submit()
    (event,) = (await context.running.read(INES, f"{path}/events"))["items"]
    assert event["recordedAt"] == event["occurredAt"] == MONDAY.isoformat().replace("+00:00", "Z")
