"""Whose word it was: a yes or no that somebody else passes on stands on the record as passed on, and why."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.support.people import AUDITOR, HANNE, INES, LOTTE, VOLUNTEER, Person
from tests.support.problems import assert_problem, pointers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile on behalf")]

REASONS: Final = ("BY_PHONE", "ON_PAPER", "NO_ACCOUNT", "INTERPRETER", "OTHER")
"""The codes of the public API."""
WORDS: Final[dict[str, dict[str, Any]]] = {"confirm-match": {}, "reject-match": {"reason": "NO_CLICK"}}
"""What a side says of a match."""


async def client_ref(context: CaseContext, case: Told) -> str:
    """The agency's pseudonym of the person."""
    return str((await context.running.read(INES, case.path))["clientRef"])


async def last(context: CaseContext, case: Told, person: Person = INES) -> dict[str, Any]:
    """The newest item of the timeline."""
    found: dict[str, Any] = (await context.running.read(person, f"{case.path}/timeline"))["items"][-1]
    return found


@pytest.mark.parametrize("action", WORDS)
@pytest.mark.parametrize("side", ["MENTOR", "MENTEE"])
async def test_the_coordinator_does_not_speak_for_a_side_without_saying_why(
    shared: CaseContext, action: str, side: str
) -> None:
    """Without a reason, or with one that there is not: 422 with the codes that there are, and nothing is recorded."""
    case = await shared.brought_to("MATCH_PROPOSED")
    before = await shared.snapshot()
    refused = await shared.running.command(LOTTE, case.path, action, {"by": side, **WORDS[action]})
    problem = assert_problem(refused, 422, "REQUIRED")
    assert pointers(refused) == {"/onBehalfReason": "REQUIRED"}
    assert all(reason in problem["detail"] for reason in REASONS)
    invented = {"by": side, "onBehalfReason": "BY_PIGEON", **WORDS[action]}
    refused = await shared.running.command(LOTTE, case.path, action, invented)
    assert_problem(refused, 422)
    assert pointers(refused).keys() == {"/onBehalfReason"}
    assert await shared.snapshot() == before


@pytest.mark.parametrize("reason", REASONS)
async def test_whose_yes_it_was_and_why_another_gave_it_is_on_the_timeline(shared: CaseContext, reason: str) -> None:
    """The coordinator is the actor, for the person: by its pseudonym, in the actor, in the text, and in the record."""
    case = await shared.brought_to("MATCH_PROPOSED")
    await shared.running.done(LOTTE, case.path, "confirm-match", {"by": "MENTEE", "onBehalfReason": reason})
    for reader in (INES, LOTTE, AUDITOR):
        item = await last(shared, case, reader)
        assert item["type"] == "MatchConfirmed"
        assert item["actor"] == {
            "sub": "lotte.claes",
            "role": "NGO_COORDINATOR",
            "org": "brugwerk",
            "onBehalfOf": await client_ref(shared, case),
            "onBehalfReason": reason,
        }
        assert reason in item["text"]
    recorded = (await shared.running.read(INES, f"{case.path}/events", limit=200))["items"][-1]
    assert recorded["actor"]["onBehalfReason"] == reason


async def test_a_no_that_was_passed_on_names_the_mentor(shared: CaseContext) -> None:
    """For the mentor it is the organisation's own reference of that one, also after the match is gone."""
    case = await shared.brought_to("MATCH_PROPOSED")
    body = {"by": "MENTOR", "reason": "AVAILABILITY", "onBehalfReason": "ON_PAPER"}
    await shared.running.done(LOTTE, case.path, "reject-match", body)
    item = await last(shared, case)
    assert (item["type"], item["actor"]["onBehalfOf"]) == ("MatchRejected", "M-41")


async def test_only_the_word_itself_is_passed_on(shared: CaseContext) -> None:
    """The colleague who takes over with it does so in her own name, and so is the mentor's place free again."""
    case = await shared.referred()
    await shared.follow(case, LOTTE, "receive")
    await shared.follow(case, LOTTE, "accept", {"coordinator": HANNE.sub})
    await shared.lead_on(case, "INTAKE", "MATCH_PROPOSED")
    body = {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "BY_PHONE"}
    await shared.running.done(HANNE, case.path, "reject-match", body)
    takeover, word = (await shared.running.read(INES, f"{case.path}/timeline"))["items"][-2:]
    assert (takeover["type"], word["type"]) == ("CoordinatorReassigned", "MatchRejected")
    assert takeover["actor"] == {"sub": HANNE.sub, "role": HANNE.role, "org": HANNE.org}
    assert "BY_PHONE" not in takeover["text"]
    assert word["actor"]["onBehalfReason"] == "BY_PHONE"
    released = (await shared.running.service("casefile").log.read("mentor-brugwerk.M-41"))[-1]
    assert (type(released.event).__name__, released.meta.actor.on_behalf_of) == ("MentorReleased", None)


async def test_the_feed_tells_whose_word_it_was(shared: CaseContext) -> None:
    """Anyone who only follows the feed must not take it for the mentee's own yes."""
    case = await shared.brought_to("MATCH_PROPOSED")
    done = await shared.running.done(
        LOTTE, case.path, "confirm-match", {"by": "MENTEE", "onBehalfReason": "INTERPRETER"}
    )
    asked = {"types": "org.caserelay.case.match_confirmed.v1", "limit": 200}
    await shared.running.read(INES, case.path, waitFor=done.headers["Position"])
    await shared.running.settle()
    told = (await shared.running.read(INES, "/v1/feed", **asked))["items"]
    mine = next(one for one in told if one["subject"] == case.id)
    assert mine["data"]["actor"]["onBehalfOf"] == await client_ref(shared, case)
    assert mine["data"]["actor"]["onBehalfReason"] == "INTERPRETER"


async def test_a_side_that_speaks_for_itself_gives_no_reason(shared: CaseContext) -> None:
    """With one, the record would say that somebody else had spoken: refused. Without, nobody stands between."""
    case = await shared.brought_to("MATCH_PROPOSED")
    mentee = Person(await client_ref(shared, case), "vdab-gent", "MENTEE")
    for person in (VOLUNTEER, mentee):
        refused = await shared.running.command(person, case.path, "confirm-match", {"onBehalfReason": "BY_PHONE"})
        assert_problem(refused, 422, "NOT_EXPECTED")
        await shared.running.done(person, case.path, "confirm-match")
        assert (await last(shared, case))["actor"] == {"sub": person.sub, "role": person.role, "org": person.org}


async def test_a_report_of_what_a_side_felt_needs_no_reason(shared: CaseContext) -> None:
    """A pulse that the coordinator records is the coordinator's report: its actor is who reports."""
    case = await shared.brought_to("MENTORING")
    await shared.running.done(LOTTE, case.path, "record-pulse", {"by": "MENTEE", "score": 4})
    assert (await last(shared, case))["actor"].keys() == {"sub", "role", "org"}


async def test_who_acts_in_their_own_name_is_stored_in_the_bytes_of_before(shared: CaseContext) -> None:
    """The new field stands only where it says something: a digest of what is stored today is that of last year."""
    case = await shared.brought_to("MATCH_PROPOSED")
    await shared.running.done(VOLUNTEER, case.path, "confirm-match")
    records = await shared.running.service("casefile").log.read(f"case-{case.id}")
    assert json.loads(records[-1].state)["meta"]["actor"] == {
        "sub": "M-41",
        "role": "VOLUNTEER_MENTOR",
        "org": "brugwerk",
        "on_behalf_of": None,
    }
