"""Over HTTP a referral offers to everybody what docs/domain.md says that they may do, and blocks everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.casefile.cases import SERVICES, CaseContext
from tests.referral.context import ACCEPT, ReferralContext
from tests.support.domain_page import REFERRAL_COMMANDS, possible, roles, states, table
from tests.support.people import HANNE, INES, LOTTE, TOM, Person
from tests.support.running import running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("referral table")]

EVERY_STATE = sorted(states(REFERRAL_COMMANDS))
NO_ACTION = {"create", "edit"}
"""They have no route of their own among a referral's actions, and so are in neither list."""
ASK, WAIT = {"codes": ["AVAILABILITY"]}, {"reason": "CAPACITY_FULL", "expectedBy": "2026-03-01", "clientAgreed": True}
WHY = {"justification": "another person was meant"}
AFTER_RECEIPT: dict[str, list[tuple[Person, str, dict[str, Any]]]] = {
    "RECEIVED": [],
    "INFO_REQUESTED": [(LOTTE, "request-information", ASK)],
    "WAITLISTED": [(LOTTE, "waitlist", WAIT)],
    "ACCEPTED": [(LOTTE, "accept", ACCEPT)],
    "DECLINED": [(LOTTE, "decline", {"reason": "CAPACITY_FULL"})],
    "WITHDRAWN": [(INES, "withdraw", {"reason": "CLIENT_MOVED"})],
    "ENTERED_IN_ERROR": [(INES, "mark-error", WHY), (TOM, "confirm-error", {})],
}
EVERYBODY: list[tuple[Person, tuple[str, ...]]] = [
    (INES, ("counsellor",)),
    (TOM, ("counsellor", "team lead")),
    (LOTTE, ("coordinator",)),
    (HANNE, ("coordinator",)),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CaseContext]:
    """All services: a referral is completed by what happens to its case."""
    async with running(tmp_path_factory.mktemp("referral"), SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        yield context


async def brought_to(context: CaseContext, state: str) -> str:
    """The path of a referral in a state."""
    referrals = ReferralContext(context.running)
    match state:
        case "DRAFT":
            return await referrals.draft()
        case "SUBMITTED":
            return await referrals.submit()
        case "COMPLETED":
            offer = (await context.brought_to("CLOSED")).offer
            await context.running.settle()
            return offer
        case "EXPIRED":
            path = await referrals.submit()
            await context.running.at(context.running.clock.now() + timedelta(days=40))
            return path
    path = await referrals.received()
    for person, action, body in AFTER_RECEIPT[state]:
        await context.running.done(person, path, action, body)
    return path


# The last one moves the clock, and takes with it what others wait for.
@pytest.mark.parametrize("state", sorted(EVERY_STATE, key=lambda state: state == "EXPIRED"))
async def test_everybody_is_offered_in_each_state_what_the_page_says(shared: CaseContext, state: str) -> None:
    """As it stands, and with an error reported: never more, and all of it in one of the two; the rest is blocked."""
    path = await brought_to(shared, state)
    every = {row.command for row in table(REFERRAL_COMMANDS)} - NO_ACTION
    offered: dict[Person, set[str]] = {person: set() for person, _ in EVERYBODY}
    for reported in (False, True):
        if reported and state != "ENTERED_IN_ERROR":
            await shared.running.done(INES, path, "mark-error", WHY)
        for person, words in EVERYBODY:
            assert any(person.role in roles()[word] for word in words)
            answer = await shared.running.get(person, path)
            if answer.status_code == 404:
                assert (state, words) == ("DRAFT", ("coordinator",)), "nobody else knows of a draft"
                continue
            told = answer.json()
            assert told["state"] == state
            allowed = {one["action"] for one in told["allowedActions"]}
            assert {one["action"] for one in told["blockedActions"]} == every - allowed
            offered[person] |= allowed
    for person, words in EVERYBODY:
        written = frozenset[str]().union(*(possible(REFERRAL_COMMANDS, word, state) for word in words))
        assert offered[person] == written - NO_ACTION, person


@pytest.mark.parametrize("state", [state for state in EVERY_STATE if state != "EXPIRED"])
async def test_a_referral_is_edited_where_the_page_says(shared: CaseContext, state: str) -> None:
    """PATCH, which is in no list of actions."""
    path = await brought_to(shared, state)
    read = await shared.running.get(INES, path)
    answer = await shared.running.send(INES, "PATCH", path, {"goals": ["SOCIAL"]}, etag=read.headers["ETag"])
    assert answer.status_code == (200 if "edit" in possible(REFERRAL_COMMANDS, "counsellor", state) else 409)
