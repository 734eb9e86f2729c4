"""Lists of cases, and the worklist: what a caller has a part in, what must be done, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.support.people import (
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    MENTEE,
    MENTOR,
    OPERATOR,
    PIETER,
    TOM,
    Person,
)
from tests.support.problems import assert_problem
from tests.support.requests import another_person

CASES = "/v1/cases"
WORK = "/v1/worklist"


async def found(context: CaseContext, person: Person, **asked: Any) -> list[str]:
    """The ids of the cases that somebody finds, in order."""
    return [case["id"] for case in (await context.running.read(person, CASES, **asked))["items"]]


async def some_cases(context: CaseContext) -> dict[str, Told]:
    """One case in each of four states, in the order of their opening."""
    return {state: await context.brought_to(state) for state in ("REFERRED", "OPENED", "MENTORING", "CLOSED")}


async def test_everybody_finds_the_cases_in_which_their_organisation_has_a_part(context: CaseContext) -> None:
    """The agency, the organisation, former parties and auditors; nobody else finds anything."""
    cases = await some_cases(context)
    everything = [case.id for case in cases.values()]
    for person in (INES, TOM, DPO_OF_AGENCY, LOTTE, HANNE, AUDITOR):
        assert await found(context, person) == everything, person
    for person in (KARIM, PIETER):
        assert await found(context, person) == [], person
    for person in (MENTOR, MENTEE, OPERATOR, CONTROL):
        assert_problem(await context.running.get(person, CASES), 403)


async def test_a_list_is_filtered_by_the_state_that_the_caller_reads(context: CaseContext) -> None:
    """Each filter finds what a look at every case would find."""
    cases = await some_cases(context)
    for state, case in cases.items():
        assert await found(context, INES, state=state) == [case.id]
    assert await found(context, INES, state="SUSPENDED") == []
    assert await found(context, AUDITOR, state="CLOSED") == [cases["CLOSED"].id]


async def test_a_filter_tells_a_former_party_nothing_that_the_view_keeps_from_it(context: CaseContext) -> None:
    """Brugwerk declined; that the case goes on with samenstap it learns neither by state nor by organisation."""
    case = await context.opened()
    referral = (await context.running.read(INES, case.offer))["client"]["ref"]
    body = another_person("samenstap", client={"ref": referral}, previousReferral=case.offer.rsplit("/", 1)[1])
    again = await context.referred(body)
    assert again.id == case.id
    assert await found(context, INES, state="REFERRED") == [case.id]
    assert await found(context, LOTTE, state="REFERRED") == []
    assert await found(context, LOTTE, state="OPENED") == [case.id]
    assert await found(context, LOTTE, organisation="samenstap") == []
    assert await found(context, LOTTE, organisation="brugwerk") == [case.id]
    assert await found(context, KARIM, organisation="brugwerk") == []


async def test_the_agency_filters_by_the_organisation_that_has_or_had_a_part(context: CaseContext) -> None:
    """Every case that went there, and no other."""
    with_brugwerk = await context.referred()
    with_samenstap = await context.referred(another_person("samenstap"))
    for person in (INES, AUDITOR):
        assert await found(context, person, organisation="brugwerk") == [with_brugwerk.id]
        assert await found(context, person, organisation="samenstap") == [with_samenstap.id]
        assert_problem(await context.running.get(person, CASES, organisation="nobody"), 422)


async def test_overdue_cases_are_found_when_their_term_has_passed(context: CaseContext) -> None:
    """By the domain's clock, for both sides."""
    case, in_time = await context.brought_to("INTAKE"), await context.brought_to("CLOSED")
    assert await found(context, INES, overdue="true") == []
    await context.running.at(context.running.clock.now() + timedelta(days=15))
    for person in (INES, LOTTE):
        assert await found(context, person, overdue="true") == [case.id]
        assert (await context.running.read(person, case.path))["overdue"] is True
    assert await found(context, INES, overdue="false") == [in_time.id]
    assert await found(context, INES, overdue="true", state="CLOSED") == []


@pytest.mark.parametrize("overdue", ["true", "false"])
async def test_what_is_overdue_or_is_not_comes_in_the_order_of_what_is_due(context: CaseContext, overdue: str) -> None:
    """Page by page every case once, for all who may see it; cases without a term stand at the end."""
    soon, late = await context.brought_to("INTAKE"), await context.brought_to("MENTORING")
    expected = [soon.id, late.id]
    if overdue == "true":
        await context.running.at(context.running.clock.now() + timedelta(days=30))
    else:
        expected.append((await context.brought_to("FINALISED")).id)
    for person in (INES, LOTTE, AUDITOR):
        met: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await context.running.read(person, CASES, overdue=overdue, limit=1, **cursor)
            met += [case["id"] for case in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert met == expected, person


async def test_a_list_ends_where_access_does(context: CaseContext) -> None:
    """Twelve weeks after its part ended the organisation finds the case, and its referral, no more."""
    case = await context.opened()
    assert await found(context, LOTTE, state="OPENED") == [case.id]
    assert len((await context.running.read(LOTTE, "/v1/referrals"))["items"]) == 1
    await context.running.at(context.running.clock.now() + timedelta(days=90))
    assert await found(context, LOTTE) == []
    assert (await context.running.read(LOTTE, "/v1/referrals"))["items"] == []
    assert await found(context, INES) == [case.id]


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_show_every_case_once_also_when_more_are_opened_meanwhile(context: CaseContext, limit: int) -> None:
    """The cursor is a place in the order of opening, so writes move nothing."""
    cases = [(await context.referred()).id for _ in range(4)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await context.running.read(
            INES, CASES, limit=limit, **({"cursor": cursor} if cursor is not None else {})
        )
        assert len(page["items"]) <= limit
        seen += [case["id"] for case in page["items"]]
        if (cursor := page["next"]) is None:
            break
        if len(cases) < 6:
            cases.append((await context.referred()).id)
    assert seen == cases


async def test_a_filtered_page_is_full_as_long_as_there_are_more(context: CaseContext) -> None:
    """What does not fit is skipped behind the scenes, not shown as a gap."""
    wanted = []
    for _ in range(3):
        await context.referred()
        wanted.append((await context.opened()).id)
    first = await context.running.read(INES, CASES, state="OPENED", limit=2)
    assert [case["id"] for case in first["items"]] == wanted[:2]
    last = await context.running.read(INES, CASES, state="OPENED", limit=2, cursor=first["next"])
    assert [case["id"] for case in last["items"]] == wanted[2:]
    assert last["next"] is None


async def test_a_query_that_cannot_be_meant_is_refused_and_not_bent(context: CaseContext) -> None:
    """422 with the parameter's name."""
    for path, parameter, value in (
        (CASES, "limit", "0"),
        (CASES, "limit", "201"),
        (CASES, "limit", "many"),
        (CASES, "cursor", "nonsense"),
        (CASES, "cursor", ""),
        (CASES, "state", "HAPPY"),
        (CASES, "overdue", "perhaps"),
        (CASES, "clientRef", "CL-\u200b7F3A"),
        (WORK, "mine", "perhaps"),
        (CASES, "waitFor", "nonsense"),
        (WORK, "limit", "0"),
        (WORK, "cursor", "nonsense"),
        (WORK, "cursor", ""),
    ):
        problem = assert_problem(await context.running.get(INES, path, **{parameter: value}), 422)
        assert [fault["pointer"] for fault in problem["errors"]] == [f"/query/{parameter}"]


async def test_the_worklist_begins_with_what_is_due_first(context: CaseContext) -> None:
    """Steps of several cases in one order, each with its due time."""
    mentoring = await context.brought_to("MENTORING")
    intake = await context.brought_to("INTAKE")
    referred = await context.referred()
    work = (await context.running.read(LOTTE, WORK))["items"]
    assert [item["dueAt"] for item in work] == sorted(item["dueAt"] for item in work)
    assert [(item["case"], item["step"]) for item in work] == [
        (referred.id, "REFERRAL_ANSWER"),
        (intake.id, "FIRST_CONTACT"),
        (mentoring.id, "CHECK_IN"),
        (intake.id, "INTAKE"),
        (mentoring.id, "PROGRESS_REPORT"),
        (mentoring.id, "MENTORING"),
    ]


async def test_the_worklist_is_about_what_the_caller_must_do_now(context: CaseContext) -> None:
    """An open step is on the list of the person awaited, also where somebody else answers for it."""
    case = await context.brought_to("HANDBACK_REQUESTED")
    (work,) = (await context.running.read(INES, WORK))["items"]
    assert (work["case"], work["step"], work["owner"]["sub"]) == (case.id, "HANDBACK_ACKNOWLEDGEMENT", LOTTE.sub)
    assert work["awaiting"]["org"] == "vdab-gent"
    assert (await context.running.read(LOTTE, WORK))["items"] == []
    for person in (KARIM, PIETER, MENTOR, MENTEE):
        assert (await context.running.read(person, WORK))["items"] == []
    for person in (AUDITOR, CONTROL, DPO_OF_AGENCY):
        assert_problem(await context.running.get(person, WORK), 403)


async def test_an_agreement_that_both_sides_wait_for_is_due(context: CaseContext) -> None:
    """Five working days after the second yes, of Monday 12 January; nobody is left with a step without a term."""
    case, other = await context.brought_to("CONFIRMED"), await context.brought_to("INTAKE")
    work = (await context.running.read(LOTTE, WORK))["items"]
    assert [item["case"] for item in work] == [case.id, other.id, other.id]
    assert (work[0]["step"], work[0]["dueAt"], work[0]["overdue"]) == ("AGREEMENT", "2026-01-19T22:59:59Z", False)
    assert "sign-agreement" in [action["action"] for action in work[0]["actions"]]


async def test_the_links_of_the_worklist_lead_to_actions_that_work(context: CaseContext) -> None:
    """Following them with the least body brings the case forward, from the referral to the intake."""
    case = await context.referred()
    bodies = {"receive": {}, "accept": {"coordinator": LOTTE.sub}, "log-contact-attempt": {"reached": True}}
    for expected, body in bodies.items():
        item = (await context.running.read(LOTTE, WORK))["items"][0]
        link = next(action for action in item["actions"] if action["action"] == expected)
        resource, _, name = link["href"].rpartition("/")
        assert name == expected
        etag = (await context.running.get(LOTTE, resource)).headers["ETag"]
        answer = await context.running.send(LOTTE, link["method"], link["href"], body, etag=etag)
        assert answer.status_code == 200, answer.text
        await context.running.settle()
    assert "FIRST_CONTACT" not in [item["step"] for item in (await context.running.read(LOTTE, WORK))["items"]]
    assert await context.state(case) == "INTAKE"


async def test_pages_of_the_worklist_show_every_step_once(context: CaseContext) -> None:
    """In the same order as the whole list, whatever their size."""
    for state in ("REFERRED", "INTAKE", "CONFIRMED", "MENTORING"):
        await context.brought_to(state)
    whole = (await context.running.read(LOTTE, WORK))["items"]
    for limit in (1, 2, len(whole)):
        pages, cursor = [], None
        while True:
            page = await context.running.read(LOTTE, WORK, limit=limit, **({"cursor": cursor} if cursor else {}))
            pages += page["items"]
            if (cursor := page["next"]) is None:
                break
        assert pages == whole


async def test_a_missed_term_is_on_the_worklists_of_both_sides(context: CaseContext) -> None:
    """First contact was due on 22 January: the coordinator can still make it, and the lead sees to it by the 29th."""
    case = await context.brought_to("INTAKE")
    await context.running.at(context.running.clock.now() + timedelta(days=12))
    owed = (await context.running.read(LOTTE, WORK))["items"][0]
    assert (owed["step"], owed["overdue"]) == ("FIRST_CONTACT", True)
    assert "log-contact-attempt" in [action["action"] for action in owed["actions"]]
    (asked,) = (await context.running.read(INES, WORK))["items"]
    assert (asked["case"], asked["step"], asked["dueAt"]) == (case.id, "ESCALATION", "2026-01-29T22:59:59Z")
    assert [action["action"] for action in asked["actions"]] == ["resolve-escalation"]
    faulty = await context.running.command(INES, case.path, "resolve-escalation", {"resolution": "PRAYER"})
    assert_problem(faulty, 422)
    assert_problem(await context.running.command(LOTTE, case.path, "resolve-escalation", {"resolution": "TALK"}), 409)
    await context.running.done(INES, case.path, "resolve-escalation", {"resolution": "TALK"})
    await context.running.done(LOTTE, case.path, "log-contact-attempt", {"reached": True})
    assert (await context.running.read(INES, WORK))["items"] == []


async def test_a_list_takes_several_states_and_has_what_is_in_any_of_them(context: CaseContext) -> None:
    """In the order of all, page by page; also beside what is overdue, and for one person."""
    cases = await some_cases(context)
    wanted = ["OPENED", "CLOSED", "OPENED"]
    expected = [cases[state].id for state in ("OPENED", "CLOSED")]
    for person in (INES, LOTTE, AUDITOR):
        assert await found(context, person, state=wanted) == expected
        first = await context.running.read(person, CASES, state=wanted, limit=1)
        second = await context.running.read(person, CASES, state=wanted, limit=1, cursor=first["next"])
        assert ([one["id"] for one in first["items"] + second["items"]], second["next"]) == (expected, None)
        assert sorted(await found(context, person, state=wanted, overdue="false")) == sorted(expected)
    ref = (await context.running.read(INES, cases["OPENED"].path))["clientRef"]
    assert await found(context, INES, state=wanted, clientRef=ref) == [cases["OPENED"].id]
    assert await found(context, INES, state=["CLOSED"], clientRef=ref) == []
    assert_problem(await context.running.get(INES, CASES, state=["OPENED", "NOWHERE"]), 422)
