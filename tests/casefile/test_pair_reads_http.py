"""What mentor and mentee of a proposed match read before they are bound: the proposal, and nothing else."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

from tests.casefile.cases import PROFILE, PROPOSAL, CaseContext, Told
from tests.support.people import INES, LOTTE, Person
from tests.support.problems import assert_problem
from tests.support.requests import AGREEMENT, INTAKE, another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile pair reads")]

MENTOR: Final = Person("M-41", "brugwerk", "VOLUNTEER_MENTOR")
SHOWN: Final = {"id", "version", "match", "allowedActions", "blockedActions"}
BOTH: Final = ["confirm-match", "reject-match"]
PATHS: Final = ("timeline", "responsibility", "events", "texts")


async def pair(context: CaseContext, case: Told) -> tuple[Person, ...]:
    """The mentor, and the mentee as the agency's and as the organisation's user."""
    return MENTOR, await context.mentee_of(case), await context.mentee_of(case, "brugwerk")


def assert_proposal(answer: dict[str, Any], case: Told, version: int, *, dry: bool = False) -> None:
    """The proposal, its id and ETag, and nothing else."""
    assert answer.keys() == (SHOWN | {"dryRun", "events"} if dry else SHOWN)
    assert (answer["id"], answer["version"]) == (case.id, version)
    assert answer["match"] == {"criteria": ["SECTOR", "LANGUAGE"], "dueAt": "2026-01-19T22:59:59Z"}
    assert [one["action"] for one in answer["allowedActions"]] == BOTH
    assert answer["blockedActions"] == []


def version_of(answer: httpx.Response) -> int:
    """The version that an ETag names."""
    return int(answer.headers["ETag"].strip('"'))


async def test_before_the_agreement_the_pair_reads_the_proposal_and_nothing_else(shared: CaseContext) -> None:
    """On every way to it: the read, the dry run and the answer of their own word; and after both have said yes."""
    case = await shared.brought_to("MATCH_PROPOSED")
    for person in await pair(shared, case):
        read = await shared.running.get(person, case.path)
        assert_proposal(read.json(), case, version_of(read))
        for secret in (LOTTE.sub, INES.sub, "brugwerk", "vdab-gent", "SOCIAL", "MATCH_", "caseLead", "mtw-be-2026"):
            assert secret not in read.text.replace(case.id, "")
        assert "legal" not in read.text
        for action, body in (("confirm-match", {}), ("reject-match", {"reason": "NO_CLICK"})):
            dry = await shared.running.done(person, case.path, action, body, dryRun="true")
            if action == "confirm-match":
                assert_proposal(dry.json(), case, version_of(read) + 1, dry=True)
            else:
                told = dry.json()
                assert told.keys() == SHOWN | {"dryRun", "events"}
                assert (told["match"], told["allowedActions"]) == (None, [])
        for what in PATHS:
            assert_problem(await shared.running.get(person, f"{case.path}/{what}"), 403)
    mentor, mentee, _ = await pair(shared, case)
    for person in (mentor, mentee):
        done = await shared.running.done(person, case.path, "confirm-match")
        assert_proposal(done.json(), case, version_of(done))
    for person in (mentor, mentee):
        read = await shared.running.get(person, case.path)
        assert_proposal(read.json(), case, version_of(read))
    await shared.running.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
    for person in await pair(shared, case):
        whole = await shared.running.read(person, case.path)
        assert whole["state"] == "MENTORING"
        assert whole["caseLead"]["sub"] == INES.sub


async def test_who_says_no_reads_nothing_of_the_case(shared: CaseContext) -> None:
    """The answer to the no shows no more than the proposal did, though the mentor has no part any more after it."""
    for who in (0, 1, 2):
        case = await shared.brought_to("MATCH_PROPOSED")
        person = (await pair(shared, case))[who]
        done = await shared.running.done(person, case.path, "reject-match", {"reason": "NO_CLICK"}, key=f"no-{who}")
        told = done.json()
        assert told.keys() == SHOWN
        assert (told["match"], told["allowedActions"], told["blockedActions"]) == (None, [], [])
        assert_problem(await shared.running.get(MENTOR, case.path), 404)


@pytest.mark.parametrize("state", ["REFERRED", "INTAKE", "MATCHING", "OPENED"])
async def test_without_a_proposal_the_mentee_reads_that_there_is_none(shared: CaseContext, state: str) -> None:
    """Not where the case stands, with whom, or who leads it."""
    case = await shared.brought_to(state)
    read = await shared.running.get(await shared.mentee_of(case), case.path)
    assert read.json() == {
        "id": case.id,
        "version": version_of(read),
        "match": None,
        "allowedActions": [],
        "blockedActions": [],
    }


async def test_refusals_tell_the_pair_no_more_than_reads(shared: CaseContext) -> None:
    """The same words in every state, and of a stale ETag not who moved the case."""
    told = set()
    for state in ("REFERRED", "INTAKE", "MATCHING", "OPENED"):
        case = await shared.brought_to(state)
        person = await shared.mentee_of(case)
        for action, body in (
            ("confirm-match", {}),
            ("reject-match", {"reason": "NO_CLICK"}),
            ("record-pulse", {"score": 3}),
        ):
            answer = await shared.running.command(person, case.path, action, body)
            problem = assert_problem(answer, 409, "STATE_DOES_NOT_ALLOW")
            told.add((problem["detail"], problem.get("whoCanUnblock")))
    assert len(told) == 3
    assert all(state not in detail for detail, _ in told for state in ("REFERRED", "INTAKE", "MATCHING", "OPENED"))
    case = await shared.brought_to("MATCH_PROPOSED")
    for person in await pair(shared, case):
        stale = await shared.running.command(person, case.path, "confirm-match", etag='"1"')
        assert_problem(stale, 412, "STALE_VERSION")
        assert "MatchProposed" not in stale.text
        assert "NGO_COORDINATOR" not in stale.text


async def test_a_mentor_who_is_not_bound_to_confidentiality_reads_the_proposal(shared: CaseContext) -> None:
    """Before the agreement as after it: the date stands in the profile, and without it nothing more is shown."""
    ref = "M-unbound"
    profile = {name: value for name, value in PROFILE.items() if name != "confidentialityOn"}
    assert (await shared.running.send(LOTTE, "PUT", f"/v1/mentors/{ref}", profile)).status_code == 200
    mentor = Person(ref, "brugwerk", "VOLUNTEER_MENTOR")
    case = await shared.accepted(another_person())
    await shared.running.done(LOTTE, case.path, "conclude-intake", INTAKE)
    await shared.running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": ref})
    for side in ("MENTOR", "MENTEE"):
        await shared.running.done(LOTTE, case.path, "confirm-match", {"by": side, "onBehalfReason": "BY_PHONE"})
    assert (await shared.running.read(mentor, case.path)).keys() == SHOWN

    async def bound(body: dict[str, Any]) -> None:
        etag = (await shared.running.get(LOTTE, f"/v1/mentors/{ref}")).headers["ETag"]
        assert (await shared.running.send(LOTTE, "PUT", f"/v1/mentors/{ref}", body, etag=etag)).status_code == 200

    await bound(PROFILE)
    assert (await shared.running.read(mentor, case.path)).keys() == SHOWN
    await shared.running.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
    assert "steps" in await shared.running.read(mentor, case.path)
    await bound(profile)
    read = await shared.running.read(mentor, case.path)
    assert read.keys() == SHOWN
    assert (read["match"], read["allowedActions"]) == (None, [])
    # What is not among the actions is not possible, and the refusal does not say since when the case is here either.
    stood = await shared.snapshot()
    for action, told in (("record-meeting", {}), ("record-pulse", {"score": 3, "occurredAt": "2020-01-01T00:00:00Z"})):
        answer = await shared.running.command(mentor, case.path, action, told)
        assert "2026" not in assert_problem(answer, 409, "STATE_DOES_NOT_ALLOW")["detail"]
    assert await shared.snapshot() == stood


async def test_the_mentee_reads_on_after_the_end_and_only_the_proposal_of_a_rematch(shared: CaseContext) -> None:
    """Who was bound by an agreement stays so; a new mentor is a new proposal, until a new agreement."""
    case = await shared.brought_to("MENTORING")
    mentee = await shared.mentee_of(case)
    ended = {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True}
    await shared.running.done(LOTTE, case.path, "end-match", ended)
    assert (await shared.running.read(mentee, case.path))["state"] == "MATCHING"
    await shared.running.done(LOTTE, case.path, "propose-match", PROPOSAL)
    assert (await shared.running.read(mentee, case.path)).keys() == SHOWN
    assert (await shared.running.read(MENTOR, case.path)).keys() == SHOWN
    closed = await shared.brought_to("CLOSED")
    assert (await shared.running.read(await shared.mentee_of(closed), closed.path))["state"] == "CLOSED"
