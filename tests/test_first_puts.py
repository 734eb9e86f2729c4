"""Of two who put what is not there yet, at the same moment, one does: found by the routes that there are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.casefile.cases import PROFILE, SERVICES
from tests.support.people import HANNE, LOTTE, OPERATOR, Person
from tests.support.running import Running, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("first puts")]

AWAY: Final = {"from": "2026-02-01T00:00:00Z", "until": "2026-06-01T00:00:00Z"}
PUTS: Final[dict[str, tuple[Person, dict[str, Any], dict[str, Any]]]] = {
    "/v1/organisations/{organisation_id}": (
        OPERATOR,
        {"name": "The first", "kind": "AGENCY", "contactPoint": "the context"},
        {"name": "The other", "kind": "MENTORING_ORG"},
    ),
    "/v1/absences/{sub}": (HANNE, {**AWAY, "substitute": "an.peeters"}, {**AWAY, "substitute": "els.peeters"}),
    "/v1/mentors/{ref}": (LOTTE, {**PROFILE, "capacity": 1}, {**PROFILE, "capacity": 2}),
}
"""For each route that replaces something: who may, and two bodies that differ."""
WRITTEN_ONCE: Final = {"/v1/charters/{version}", "/v1/programmes/{programme_id}/versions/{version}"}
"""What no PUT takes the place of."""
MADE_BY_POST: Final = {"/v1/subscriptions/{subscription_id}"}
"""What no PUT makes."""
THERE_BEFORE: Final = {"/v1/mentors/{ref}/contact"}
"""What stands beside a thing that another PUT made, under the version of that."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """The services with the demo's organisations."""
    async with running(tmp_path_factory.mktemp("first-puts"), SERVICES) as all_of_them:
        await all_of_them.set_the_scene()
        yield all_of_them


async def test_every_route_that_puts_is_asked_here(services: Running) -> None:
    """A new one has to say here who may, and with what."""
    paths = {path for app in services.apps.values() for path, ways in app.openapi()["paths"].items() if "put" in ways}
    assert paths == PUTS.keys() | WRITTEN_ONCE | MADE_BY_POST | THERE_BEFORE


@pytest.mark.parametrize("template", PUTS)
@pytest.mark.parametrize("round_", range(8))
async def test_of_two_first_puts_at_once_one_is_told_that_there_is_something(
    services: Running, template: str, round_: int
) -> None:
    """200 and 412 with the ETag that stands, and what stands is the first one's, unread by the other."""
    person, *bodies = PUTS[template]
    path = re.sub(r"{\w+}", f"new-{round_}", template)
    answers = await asyncio.gather(*(services.send(person, "PUT", path, body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412], [answer.text for answer in answers]
    (done,) = (answer for answer in answers if answer.status_code == 200)
    (late,) = (answer for answer in answers if answer.status_code == 412)
    assert (late.json()["code"], late.headers["ETag"]) == ("STALE_VERSION", done.headers["ETag"])
    read = await services.get(person, path)
    assert (read.json(), read.headers["ETag"]) == (done.json(), done.headers["ETag"])
