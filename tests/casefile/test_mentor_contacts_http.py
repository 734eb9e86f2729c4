"""Where a mentor is written to: for the mentor's own organisation, in the vault, and forgotten when it changes."""

from __future__ import annotations

from typing import Any, Final

import pytest

from services.casefile.domain.mentor import MENTOR, DescribeMentor, GiveContact, Mentor, decide_mentor, mentor_stream
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.modelling.decider import Actor
from tests.casefile.cases import CaseContext
from tests.support.people import AN, INES, KARIM, LOTTE, VOLUNTEER, Person
from tests.support.problems import assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH: Final = "/v1/mentors/M-41/contact"
FIRST: Final = {"email": "marc@mentors.example", "language": "fr"}
SECOND: Final = {"email": "marc.peeters@mentors.example", "language": "nl"}


async def give(context: CaseContext, body: dict[str, Any], by: Person = LOTTE) -> Any:
    """Says where the mentor is written to, having read the profile."""
    etag = await context.running.version(LOTTE, "/v1/mentors/M-41")
    return await context.running.send(by, "PUT", PATH, body, etag=etag)


async def test_it_is_read_where_it_was_given_and_nowhere_else(fresh: CaseContext) -> None:
    """By colleagues; no other answer holds it, and no event."""
    given = await give(fresh, FIRST)
    assert given.status_code == 200, given.text
    read = await fresh.running.get(AN, PATH)
    assert (read.json(), read.headers["Cache-Control"]) == (FIRST, "no-store")
    shown = [given.text, (await fresh.running.get(LOTTE, "/v1/mentors/M-41")).text]
    log = await fresh.running.service("casefile").log.read_all(0, 10_000)
    shown += [bytes(recorded.state).decode() for recorded in log]
    assert [text for text in shown if FIRST["email"] in text] == []


async def test_what_is_replaced_or_taken_back_is_forgotten(fresh: CaseContext) -> None:
    """The vault holds the latest alone, and nothing once nobody is to be written to any more."""
    await give(fresh, FIRST)
    await give(fresh, SECOND)
    kept = [record for ref, record in fresh.vault_rows() if ref.startswith("mentor-") and record]
    assert len(kept) == 1
    again = await give(fresh, SECOND)
    assert again.json()["version"] == (await fresh.running.read(LOTTE, "/v1/mentors/M-41"))["version"]
    await give(fresh, {})
    assert [record for ref, record in fresh.vault_rows() if ref.startswith("mentor-") and record] == []
    assert_problem(await fresh.running.get(LOTTE, PATH), 404)


async def test_nobody_else_reads_or_gives_it(fresh: CaseContext) -> None:
    """Not the agency, not the mentor by an account, and another organisation finds no such mentor."""
    await give(fresh, FIRST)
    for stranger in (INES, VOLUNTEER):
        assert_problem(await fresh.running.get(stranger, PATH), 403, "ROLE_NOT_ALLOWED")
        assert_problem(await give(fresh, SECOND, stranger), 403, "ROLE_NOT_ALLOWED")
    assert_problem(await fresh.running.get(KARIM, PATH), 404)
    assert_problem(await give(fresh, SECOND, KARIM), 404)
    assert (await fresh.running.get(LOTTE, PATH)).json() == FIRST


async def test_it_is_given_on_a_version_that_was_read(fresh: CaseContext) -> None:
    """And of a mentor who was described before."""
    unknown = await fresh.running.send(LOTTE, "PUT", "/v1/mentors/M-99/contact", FIRST, etag='"1"')
    assert_problem(unknown, 404)
    assert_problem(await fresh.running.send(LOTTE, "PUT", PATH, FIRST), 428, "IF_MATCH_REQUIRED")
    assert_problem(await fresh.running.send(LOTTE, "PUT", PATH, FIRST, etag='"9"'), 412)
    wrong = await fresh.running.send(LOTTE, "PUT", PATH, {"email": "marc at mentors"}, etag='"1"')
    assert_problem(wrong, 422, at="/email")
    assert "marc at mentors" not in wrong.text


async def test_what_was_replaced_is_forgotten_though_the_process_ended_on_the_way(fresh: CaseContext) -> None:
    """It was said that nobody is written to there any more, and then the process was killed."""
    await give(fresh, FIRST)
    service = fresh.running.service("casefile")
    by = Actor(sub="lotte", role="NGO_COORDINATOR", org="brugwerk")
    gone = GiveContact(at=service.clock.now(), by=by, contact_ref=None)
    handler = Handler[DescribeMentor | GiveContact, Mentor](service.streams, OwnState(), decide_mentor)
    await handler.handle(gone, mentor_stream("brugwerk", "M-41"), MENTOR, Call(actor=by))
    assert (await give(fresh, SECOND)).status_code == 200
    kept = [record for ref, record in fresh.vault_rows() if ref.startswith("mentor-") and record]
    assert len(kept) == 1
    assert (await fresh.running.get(LOTTE, PATH)).json() == SECOND
