"""What a case says may be done to it is what may be done: for every state, every action, and both sides."""

from __future__ import annotations

import pytest

from services.casefile.actions import ACTIONS
from tests.casefile.acts import ACTS
from tests.casefile.cases import CaseContext
from tests.support.people import HANNE, INES, LOTTE, TOM

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile possible actions")]

STATES = (
    "OPENED",
    "REFERRED",
    "INTAKE",
    "MATCHING",
    "MATCH_PROPOSED",
    "CONFIRMED",
    "MENTORING",
    "SUSPENDED",
    "HANDBACK_DUE",
    "HANDBACK_REQUESTED",
    "CLOSED",
    "FINALISED",
)


@pytest.mark.parametrize("state", STATES)
async def test_an_action_is_allowed_exactly_when_it_would_not_be_refused(shared: CaseContext, state: str) -> None:
    """A dry run of every action agrees with both lists, down to the code of the refusal."""
    case = await shared.brought_to(state)
    for person in (INES, LOTTE):
        read = await shared.running.get(person, case.path)
        allowed = {one["action"]: one for one in read.json()["allowedActions"]}
        blocked = {one["action"]: one for one in read.json()["blockedActions"]}
        assert allowed.keys() | blocked.keys() == set(ACTIONS)
        assert not allowed.keys() & blocked.keys()
        for action, act in ACTS.items():
            # A pause can end a match, but not for another one.
            end = {"next": "HANDBACK"} if (state, action) == ("SUSPENDED", "end-match") else {}
            body = {**act.body, **end}
            tried = await shared.running.command(
                person, case.path, action, body, etag=read.headers["ETag"], dryRun="true"
            )
            if action in allowed:
                assert tried.status_code in {200, 422}, f"{person.org} {action}: {tried.text}"
            elif tried.status_code == 200:
                # It is so already, and stays so.
                assert tried.json()["events"] == [], f"{person.org} {action}: {tried.text}"
            else:
                assert tried.status_code in {403, 409}, f"{person.org} {action}: {tried.text}"
                assert tried.json()["code"] == blocked[action]["code"], f"{person.org} {action}"


@pytest.mark.parametrize("state", STATES)
async def test_every_link_of_an_allowed_action_leads_to_its_route(shared: CaseContext, state: str) -> None:
    """Sent without If-Match the route says 428: it is there, and it is for this caller."""
    case = await shared.brought_to(state)
    for person in (INES, TOM, LOTTE, HANNE):
        for link in (await shared.running.read(person, case.path))["allowedActions"]:
            assert link["href"] == f"{case.path}/{link['action']}"
            answer = await shared.running.send(person, link["method"], link["href"], {})
            assert answer.status_code == 428, f"{link}: {answer.text}"


@pytest.mark.parametrize("state", STATES)
async def test_a_blocked_action_says_why_in_words_and_code(shared: CaseContext, state: str) -> None:
    """A caller who would be refused can learn the rule before trying."""
    case = await shared.brought_to(state)
    for person in (INES, LOTTE):
        for blocked in (await shared.running.read(person, case.path))["blockedActions"]:
            assert blocked["code"].isupper()
            assert len(blocked["detail"]) > 10
            assert "whoCanUnblock" in blocked
