"""Who manages subscriptions: three roles, those of their own organisation, as api.md has it."""

from __future__ import annotations

from typing import Final

import pytest

from tests.notifications.running import Running
from tests.notifications.subscribers import ENDPOINT, PATH, Subscriber
from tests.support.problems import assert_problem

MANAGES: Final = {"NGO_LEAD": "brugwerk", "NGO_COORDINATOR": "brugwerk", "AGENCY_TEAM_LEAD": "vdab-gent"}
"""By api.md: who makes and manages the subscriptions of their organisation."""
OTHERS: Final = ("AGENCY_COUNSELLOR", "VOLUNTEER_MENTOR", "PROFESSIONAL_MENTOR", "MENTEE", "DPO", "AUDITOR", "OPERATOR")
ROUTES: Final = ("verify", "pause", "resume", "test", "rotate-secret", "replay")


@pytest.mark.parametrize("role", MANAGES)
async def test_three_roles_manage_the_subscriptions_of_their_own_organisation(system: Running, role: str) -> None:
    """And nobody of another organisation is told that one is there."""
    manager = Subscriber(system, MANAGES[role], role)
    path = await manager.created()
    assert [item["links"]["self"] for item in (await manager.read(PATH))["items"]] == [path]
    stranger = Subscriber(system, "samenstap", "NGO_LEAD")
    assert (await stranger.read(PATH))["items"] == []
    etag = await manager.etag(path)
    assert_problem(await stranger.send("GET", path), 404, "NOT_FOUND")
    assert_problem(await stranger.send("PUT", path, ENDPOINT, If_Match=etag), 404, "NOT_FOUND")
    assert_problem(await stranger.send("DELETE", path, If_Match=etag), 404, "NOT_FOUND")
    for action in ROUTES:
        assert_problem(await stranger.send("POST", f"{path}/{action}", {}, If_Match=etag), 404, "NOT_FOUND")
    assert await manager.etag(path) == etag


@pytest.mark.parametrize("role", OTHERS)
async def test_no_other_role_manages_them(system: Running, role: str) -> None:
    """403 that names the rule, whatever is wrong with the body; of one that is there they are told nothing."""
    manager, other = Subscriber(system), Subscriber(system, "brugwerk", role)
    path = await manager.created()
    etag = await manager.etag(path)
    for answer in (await other.create({}), await other.send("GET", PATH)):
        assert_problem(answer, 403, "ROLE_NOT_ALLOWED")
    hidden = [
        await other.send("GET", path),
        await other.send("PUT", path, {}, If_Match=etag),
        await other.send("DELETE", path, If_Match=etag),
        *[await other.send("POST", f"{path}/{action}", {"no": 1}, If_Match=etag) for action in ROUTES],
    ]
    for answer in hidden:
        assert_problem(answer, 404, "NOT_FOUND")
