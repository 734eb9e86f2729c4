"""Gaps in services over HTTP: who reads them, in which lists, until when, and what is possible about them."""

from __future__ import annotations

from typing import Any

from tests.casefile.cases import CaseContext, Told
from tests.support.people import AUDITOR, DPO_OF_AGENCY, INES, KARIM, LOTTE, MENTEE, MENTOR, PIETER, VOLUNTEER, Person
from tests.support.problems import assert_problem
from tests.support.requests import new_key

GAP = {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW", "provider": "Crèche De Lindeboom", "task": "CHILDCARE_SEARCH"}
PROMISE = {
    "accepted": True,
    "action": "two more places at De Lindeboom",
    "due": "2026-03-02",
    "reason": "a queue of 40",
}
READS = "/v1/gaps"


async def reported(context: CaseContext, by: Person = LOTTE, state: str = "MENTORING") -> tuple[Told, str]:
    """A case in which a gap is open, and the gap's id."""
    case = await context.brought_to(state)
    await context.running.done(by, case.path, "report-gap", GAP)
    return case, f"{case.id}.g1"


async def listed(context: CaseContext, person: Person, **asked: Any) -> list[str]:
    """The ids of the gaps that the person finds."""
    return [gap["id"] for gap in (await context.running.read(person, READS, **asked))["items"]]


async def test_a_gap_reads_as_it_was_reported(context: CaseContext) -> None:
    """Who reported it and when, until when the answer is due, and who provides the service."""
    case, gap = await reported(context)
    told = await context.running.read(INES, f"{READS}/{gap}")
    reporter = {"role": LOTTE.role, "org": LOTTE.org, "sub": LOTTE.sub}
    assert {name: told[name] for name in told if name not in ("reportedAt", "links")} == {
        "id": gap,
        "case": case.id,
        **GAP,
        "reportedBy": reporter,
        "dueAt": "2026-02-09T22:59:59Z",
        "state": "OPEN",
        "answer": None,
    }
    assert told["links"] == {"self": f"{READS}/{gap}", "case": case.path}


async def test_an_answer_reads_as_it_was_given_and_its_words_stand_in_the_vault(context: CaseContext) -> None:
    """The case shows the codes and the day; the words are at the gap itself, and in no event."""
    case, gap = await reported(context)
    await context.running.done(INES, case.path, "answer-gap", {"gap": gap, **PROMISE})
    (shown,) = (await context.running.read(LOTTE, case.path))["gaps"]
    assert (shown["state"], shown["answer"]["accepted"], shown["answer"]["due"]) == ("ANSWERED", True, "2026-03-02")
    told = await context.running.read(LOTTE, f"{READS}/{gap}")
    assert (told["answer"]["action"], told["answer"]["reason"]) == (PROMISE["action"], PROMISE["reason"])
    assert told["answer"]["answeredBy"]["sub"] == INES.sub
    record = (await context.running.get(AUDITOR, f"{case.path}/events")).text
    assert "ServiceGapAnswered" in record
    assert "Lindeboom" not in record
    # What people write is not for auditors: they read the codes and the day.
    for path in (f"{READS}/{gap}", READS):
        assert "Lindeboom" in (await context.running.get(DPO_OF_AGENCY, path)).text
        assert "Lindeboom" not in (await context.running.get(AUDITOR, path)).text
    without = await context.running.read(AUDITOR, f"{READS}/{gap}")
    assert (without["provider"], without["answer"]["action"], without["answer"]["reason"]) == (None, None, None)
    assert without["answer"]["due"] == "2026-03-02"


async def test_a_gap_is_read_by_those_whose_case_it_is_and_by_no_one_else(context: CaseContext) -> None:
    """The agency and its privacy officer, the organisation, auditors, and the mentor who reported it."""
    case, gap = await reported(context, VOLUNTEER)
    for person in (INES, DPO_OF_AGENCY, LOTTE, AUDITOR, VOLUNTEER):
        assert await listed(context, person) == [gap], person
        assert (await context.running.get(person, f"{READS}/{gap}")).status_code == 200
    for person in (KARIM, PIETER, MENTOR):
        assert await listed(context, person) == [], person
        assert_problem(await context.running.get(person, f"{READS}/{gap}"), 404, "NOT_FOUND")
    mentee = await context.mentee_of(case)
    assert (await context.running.get(mentee, f"{READS}/{gap}")).status_code in (403, 404)
    assert_problem(await context.running.get(MENTEE, READS), 403, "ROLE_NOT_ALLOWED")
    assert_problem(await context.running.get(INES, f"{READS}/{case.id}.g2"), 404, "NOT_FOUND")
    assert_problem(await context.running.get(INES, f"{READS}/nothing"), 404, "NOT_FOUND")


async def test_a_mentor_reads_the_own_gaps_and_not_those_of_others(context: CaseContext) -> None:
    """Of the coordinator's report the mentor reads nothing, in the case or in the list."""
    case, gap = await reported(context)
    assert (await context.running.read(VOLUNTEER, case.path))["gaps"] == []
    assert await listed(context, VOLUNTEER) == []
    assert_problem(await context.running.get(VOLUNTEER, f"{READS}/{gap}"), 404, "NOT_FOUND")


async def test_a_mentor_reads_what_became_of_a_gap_also_once_the_match_is_over(context: CaseContext) -> None:
    """The case itself is read as the match left it, and of the gap what became of it since."""
    case, gap = await reported(context, VOLUNTEER)
    await context.lead_on(case, "MENTORING", "CLOSED")
    left = await context.running.read(VOLUNTEER, case.path)
    assert (left["state"], [one["state"] for one in left["gaps"]]) == ("MENTORING", ["OPEN"])
    await context.running.done(INES, case.path, "answer-gap", {"gap": gap, **PROMISE})
    told = await context.running.read(VOLUNTEER, f"{READS}/{gap}")
    assert told["answer"]["action"] == PROMISE["action"]
    assert await listed(context, VOLUNTEER, state="ANSWERED") == [gap]
    # The former organisation reads the answer too, beside its own part of the case.
    (shown,) = (await context.running.read(LOTTE, case.path))["gaps"]
    assert shown["state"] == "ANSWERED"
    assert "ServiceGapAnswered" in await context.kinds(case, LOTTE)


async def test_after_a_withdrawn_consent_only_the_agency_reads_and_answers(context: CaseContext) -> None:
    """What the organisation and its mentor reported is out of their sight at once, and is answered all the same."""
    case, gap = await reported(context, VOLUNTEER)
    basis = (await context.running.read(INES, case.offer))["legalBasis"]["id"]
    done = await context.running.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
    await context.running.read(INES, case.path, waitFor=done.headers["Position"])
    for person in (LOTTE, VOLUNTEER):
        assert await listed(context, person) == []
        assert (await context.running.get(person, f"{READS}/{gap}")).status_code in (403, 404)
    await context.running.done(INES, case.path, "answer-gap", {"gap": gap, "accepted": False, "reason": "not ours"})
    assert await listed(context, INES, state="ANSWERED") == [gap]


async def test_gaps_are_listed_by_state_and_agency_in_the_order_of_their_terms(context: CaseContext) -> None:
    """Page by page; a filter that says something else is refused."""
    case, first = await reported(context)
    more = [{"serviceKind": kind, "gapType": "ABSENT"} for kind in ("TRAINING", "COUNSELLING")]
    for body in more:
        await context.running.done(LOTTE, case.path, "report-gap", body)
    every = [f"{case.id}.g{n}" for n in (1, 2, 3)]
    await context.running.done(INES, case.path, "answer-gap", {"gap": first, **PROMISE})
    for person in (INES, LOTTE, AUDITOR):
        assert await listed(context, person) == every
        assert await listed(context, person, state="OPEN", agency="vdab-gent") == every[1:]
        assert await listed(context, person, state="ANSWERED") == every[:1]
        assert await listed(context, person, agency="actiris-demo") == []
        page = await context.running.read(person, READS, limit=2)
        rest = await context.running.read(person, READS, limit=2, cursor=page["next"])
        assert [gap["id"] for gap in (*page["items"], *rest["items"])] == every
        assert rest["next"] is None
    assert_problem(await context.running.get(INES, READS, state="FORGOTTEN"), 422)


async def test_the_worklist_has_the_answer_and_then_what_was_promised(context: CaseContext) -> None:
    """Each with the command that does it, for the lead by name."""
    case, gap = await reported(context)

    async def of_gaps() -> list[tuple[str, str, list[str]]]:
        items = (await context.running.read(INES, "/v1/worklist", mine="true"))["items"]
        mine = [item for item in items if item["case"] == case.id]
        return [(item["step"], item.get("about"), [one["action"] for one in item["actions"]]) for item in mine]

    assert await of_gaps() == [("SERVICE_GAP_ANSWER", gap, ["answer-gap"])]
    await context.running.done(INES, case.path, "answer-gap", {"gap": gap, **PROMISE})
    assert await of_gaps() == [("GAP_ACTION", gap, ["complete-gap-action"])]
    await context.running.done(INES, case.path, "complete-gap-action", {"gap": gap})
    assert await of_gaps() == []


async def test_a_gap_that_nobody_answers_is_late_and_so_is_a_promise(context: CaseContext) -> None:
    """Each is reminded and missed once, over HTTP as the clock moves."""
    case, gap = await reported(context)
    await context.running.at(context.running.clock.now().replace(month=2, day=10))
    assert (await context.kinds(case)).count("DeadlineMissed") >= 1
    items = (await context.running.read(INES, f"{case.path}/timeline"))["items"]
    assert [item["type"] for item in items if gap in item["text"]] == ["DeadlineReminded", "DeadlineMissed"]
    await context.running.done(INES, case.path, "answer-gap", {"gap": gap, **PROMISE})
    await context.running.at(context.running.clock.now().replace(month=3, day=4))
    items = (await context.running.read(INES, f"{case.path}/timeline"))["items"]
    late = [item["type"] for item in items if f"GAP_ACTION:{gap}" in item["text"]]
    assert late == ["DeadlineReminded", "DeadlineMissed"]


async def test_a_dry_run_of_an_answer_writes_nothing(context: CaseContext) -> None:
    """And says what it would write."""
    case, gap = await reported(context)
    before = await context.snapshot()
    answer = await context.running.done(INES, case.path, "answer-gap", {"gap": gap, **PROMISE}, dryRun="true")
    assert answer.json()["events"] == ["ServiceGapAnswered"]
    assert await context.snapshot() == before


async def test_like_gaps_of_several_cases_are_answered_together(context: CaseContext) -> None:
    """One answer, an event in each case, and the same again changes nothing; what is refused is said gap by gap."""
    gaps = [gap for _, gap in [await reported(context), await reported(context)]]
    body = {"gaps": [*gaps, "nowhere.g1"], **PROMISE}
    key = new_key()
    answer = await context.running.create(INES, f"{READS}/answers", body, key=key)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [(item["gap"], item["status"]) for item in items] == [(gaps[0], 200), (gaps[1], 200), ("nowhere.g1", 404)]
    assert items[2]["problem"]["code"] == "NOT_FOUND"
    assert await listed(context, INES, state="ANSWERED") == sorted(gaps)
    before = await context.snapshot()
    again = await context.running.create(INES, f"{READS}/answers", body, key=key)
    assert [item["status"] for item in again.json()["items"]] == [200, 200, 404]
    assert (await context.snapshot())[0] == before[0]
    late = await context.running.create(INES, f"{READS}/answers", {"gaps": gaps, **PROMISE})
    assert {item["problem"]["code"] for item in late.json()["items"]} == {"GAP_ANSWERED"}


async def test_a_dry_run_of_an_answer_to_several_says_so_and_writes_nothing(context: CaseContext) -> None:
    """With the events of all cases together, and what would be refused."""
    gaps = [gap for _, gap in [await reported(context), await reported(context)]]
    before = await context.snapshot()
    body = {"gaps": [*gaps, "nowhere.g1"], **PROMISE}
    answer = await context.running.create(INES, f"{READS}/answers?dryRun=true", body)
    told = answer.json()
    assert (answer.status_code, told["dryRun"]) == (200, True)
    assert told["events"] == ["ServiceGapAnswered", "ServiceGapAnswered"]
    assert [item["status"] for item in told["items"]] == [200, 200, 404]
    assert await context.snapshot() == before
    assert "dryRun" not in (await context.running.create(INES, f"{READS}/answers", body)).json()


async def test_answers_to_several_are_for_like_gaps_of_ones_own_cases(context: CaseContext) -> None:
    """Unlike ones are refused before anything is answered; the organisation answers none, and a stranger finds none."""
    case, first = await reported(context)
    await context.running.done(LOTTE, case.path, "report-gap", {"serviceKind": "TRAINING", "gapType": "ABSENT"})
    unlike = await context.running.create(
        INES, f"{READS}/answers", {"gaps": [first, f"{case.id}.g2"], "accepted": False, "reason": "not ours"}
    )
    assert_problem(unlike, 422, "GAPS_UNLIKE", at="/gaps/1")
    for person, status in ((LOTTE, 403), (PIETER, 404)):
        answer = await context.running.create(person, f"{READS}/answers", {"gaps": [first], **PROMISE})
        assert [item["status"] for item in answer.json()["items"]] == [status]
    assert await listed(context, INES, state="ANSWERED") == []
