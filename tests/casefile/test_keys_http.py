"""Idempotency keys on cases: the first answer again for its sender alone, with or without a part in the case today."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

from tests.casefile.cases import PROPOSAL, CaseContext, Told
from tests.support.people import INES, LOTTE, TOM, Person
from tests.support.problems import assert_problem
from tests.support.requests import AGREEMENT

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile keys")]

MENTOR: Final = Person("M-41", "brugwerk", "VOLUNTEER_MENTOR")
LATER: Final = Person("M-later", "brugwerk", "VOLUNTEER_MENTOR")
SHOWN: Final = {"id", "version", "match", "allowedActions", "blockedActions"}
NO: Final = {"reason": "NO_CLICK"}
ENDED: Final = {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True}


async def etag_of(context: CaseContext, person: Person, case: Told) -> str:
    """The ETag that the person decides on."""
    return (await context.running.get(person, case.path)).headers["ETag"]


async def propose(context: CaseContext, case: Told, mentor: Person) -> None:
    """Proposes another mentor, described if nobody has."""
    described = await context.describe_mentor(mentor.sub)
    assert described.status_code in (200, 428), described.text
    await context.running.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": mentor.sub})


def assert_shows_nothing(answer: httpx.Response, case: Told) -> None:
    """A repeat that says that it was done, and nothing of the case."""
    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (200, "true"), answer.text
    told: dict[str, Any] = answer.json()
    assert told.keys() == SHOWN
    assert (told["id"], told["match"], told["allowedActions"], told["blockedActions"]) == (case.id, None, [], [])
    for secret in (LOTTE.sub, INES.sub, "vdab-gent", "MATCH", "caseLead"):
        assert secret not in answer.text.replace(case.id, "")


async def test_a_no_that_was_not_heard_is_answered_again(shared: CaseContext) -> None:
    """The no has taken the mentor's part in the case; the repeat gets the first answer, and nobody else gets it."""
    case = await shared.brought_to("MATCH_PROPOSED")
    sent = {"etag": await etag_of(shared, MENTOR, case), "key": "no"}
    first = await shared.running.done(MENTOR, case.path, "reject-match", NO, **sent)
    for moment in ("at once", "after a new proposal"):
        if moment != "at once":
            await propose(shared, case, LATER)
        stood = await shared.snapshot()
        again = await shared.running.command(MENTOR, case.path, "reject-match", NO, **sent)
        assert_shows_nothing(again, case)
        assert again.json() == first.json()
        for header in ("ETag", "Position"):
            assert again.headers[header] == first.headers[header]
        # Everything else is as hidden as before: the case itself, another key or body, another person's try.
        assert_problem(await shared.running.get(MENTOR, case.path), 404)
        other = await shared.running.command(MENTOR, case.path, "reject-match", NO, etag=sent["etag"], key="other")
        assert_problem(other, 404)
        assert_problem(await shared.running.command(MENTOR, case.path, "confirm-match", {}, etag='"1"'), 404)
        told = await shared.running.command(MENTOR, case.path, "reject-match", {"reason": "OTHER"}, **sent)
        assert_problem(told, 422, "IDEMPOTENCY_KEY_REUSED")
        for person in (
            Person("M-41", "samenstap", "VOLUNTEER_MENTOR"),
            Person("M-41", "vdab-gent", "VOLUNTEER_MENTOR"),
            Person("M-stranger", "brugwerk", "VOLUNTEER_MENTOR"),
            Person("M-41", "brugwerk", "PROFESSIONAL_MENTOR"),
        )[: 4 if moment == "at once" else 3]:
            answer = await shared.running.command(person, case.path, "reject-match", NO, **sent)
            if person.role == "PROFESSIONAL_MENTOR":
                # The same person, in whatever role.
                assert_shows_nothing(answer, case)
            else:
                assert_problem(answer, 404)
        assert await shared.snapshot() == stood


async def test_a_key_that_was_used_elsewhere_opens_no_case(shared: CaseContext) -> None:
    """One's own key of another case shows nothing of a case in which one has no part, not even that it is there."""
    mine, other = await shared.brought_to("MATCH_PROPOSED"), await shared.brought_to("OPENED")
    await shared.running.done(MENTOR, mine.path, "reject-match", NO, key="mine")
    for path in (other.path, "/v1/cases/00000000-0000-4000-8000-000000000000"):
        answer = await shared.running.command(MENTOR, path, "reject-match", NO, etag='"1"', key="mine")
        assert_problem(answer, 404, "NOT_FOUND")


async def test_a_mentor_who_was_replaced_reads_nothing_by_repeating(shared: CaseContext) -> None:
    """The yes is acknowledged again; what the first answer showed of the case is not theirs any more."""
    case = await shared.brought_to("MATCH_PROPOSED")
    said = {"etag": await etag_of(shared, MENTOR, case), "key": "yes"}
    await shared.running.done(MENTOR, case.path, "confirm-match", **said)
    await shared.running.done(LOTTE, case.path, "confirm-match", {"by": "MENTEE", "onBehalfReason": "BY_PHONE"})
    await shared.running.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
    met = {"etag": await etag_of(shared, MENTOR, case), "key": "met"}
    shown = await shared.running.done(MENTOR, case.path, "record-meeting", **met)
    assert "steps" in shown.json()
    await shared.running.done(LOTTE, case.path, "end-match", ENDED)
    for action, sent in (("confirm-match", said), ("record-meeting", met)):
        assert_shows_nothing(await shared.running.command(MENTOR, case.path, action, **sent), case)
    # Proposed again they have a part, as far as a proposal goes.
    await propose(shared, case, MENTOR)
    again = await shared.running.command(MENTOR, case.path, "record-meeting", **met)
    assert_shows_nothing(again, case)


async def test_the_key_of_another_mentor_is_none_of_the_next_ones(shared: CaseContext) -> None:
    """A mentor proposed later who happens on the same key gives their own word by it."""
    case = await shared.brought_to("MATCH_PROPOSED")
    await shared.running.done(MENTOR, case.path, "confirm-match", key="same")
    await shared.running.done(LOTTE, case.path, "confirm-match", {"by": "MENTEE", "onBehalfReason": "BY_PHONE"})
    await shared.running.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
    await shared.running.done(LOTTE, case.path, "end-match", ENDED)
    await propose(shared, case, LATER)
    own = await shared.running.done(LATER, case.path, "confirm-match", key="same")
    assert "Idempotency-Replayed" not in own.headers
    assert own.json().keys() == SHOWN
    record = (await shared.running.read(INES, f"{case.path}/events", limit=200))["items"]
    assert [one["actor"]["sub"] for one in record if one["type"] == "MatchConfirmed"].count(LATER.sub) == 1


async def test_a_command_that_changed_nothing_keeps_its_key(shared: CaseContext) -> None:
    """Who asks a colleague twice is told the same again later, when another one has taken over and the ETag moved."""
    case = await shared.accepted()
    asked = {"counsellor": TOM.sub}
    await shared.running.done(INES, case.path, "reassign-counsellor", asked)
    etag = await etag_of(shared, INES, case)
    first = await shared.running.done(INES, case.path, "reassign-counsellor", asked, etag=etag, key="again")
    assert first.headers["ETag"] == etag
    await shared.running.done(TOM, case.path, "reassign-counsellor", asked)
    stood = await shared.snapshot()
    again = await shared.running.done(INES, case.path, "reassign-counsellor", asked, etag=etag, key="again")
    assert (again.headers["Idempotency-Replayed"], again.headers["ETag"]) == ("true", etag)
    assert again.json()["caseLead"] == first.json()["caseLead"]
    assert await shared.snapshot() == stood


async def test_a_key_of_one_case_is_refused_on_another(shared: CaseContext) -> None:
    """Nothing is done there, no matter whose turn it is."""
    first, second = await shared.accepted(), await shared.accepted()
    told = {"channel": "PHONE", "reached": False}
    await shared.running.done(LOTTE, first.path, "log-contact-attempt", told, key="k")
    stood = await shared.snapshot()
    answer = await shared.running.command(LOTTE, second.path, "log-contact-attempt", told, key="k")
    assert_problem(answer, 422, "IDEMPOTENCY_KEY_REUSED")
    assert await shared.snapshot() == stood
