"""No list, worklist, feed or look-up reads more of an index than what it shows, however much there is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

import pytest

from services.notifications.catalogue import MESSAGES
from tests.lists.conftest import Crowd
from tests.lists.watching import watched
from tests.support.people import AUDITOR, INES, KARIM, LOTTE, MENTEE, VOLUNTEER, Person
from tests.support.requests import another_person

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("crowd"),
    # The first to come makes the crowd.
    pytest.mark.timeout(300),
]

PAGE: Final = 20
READERS: Final = (INES, LOTTE, KARIM, AUDITOR)
ORGANISATIONS: Final = (None, "brugwerk", "samenstap")

Question = tuple[Person, dict[str, Any]]


def _mixtures(**values: tuple[Any, ...]) -> Iterator[Question]:
    for person, *mixture in itertools.product(READERS, *values.values()):
        yield person, {name: one for name, one in zip(values, mixture, strict=True) if one is not None}


LISTS: Final[dict[tuple[str, str], list[Question]]] = {
    ("casefile", "/v1/cases"): [
        *_mixtures(
            state=(None, "SUSPENDED", ["SUSPENDED", "INTAKE"]),
            organisation=ORGANISATIONS,
            overdue=(None, "true", "false"),
        ),
        *_mixtures(clientRef=("CL-NOBODY",), organisation=ORGANISATIONS, overdue=(None, "true")),
    ],
    ("casefile", "/v1/worklist"): [
        *((person, {"mine": mine}) for person in (INES, LOTTE, KARIM) for mine in ("false", "true")),
        (VOLUNTEER, {}),
        (MENTEE, {}),
    ],
    ("casefile", "/v1/mentors"): [(LOTTE, {}), (AUDITOR, {}), (AUDITOR, {"organisation": "brugwerk"})],
    ("casefile", "/v1/absences"): [(LOTTE, {}), (AUDITOR, {}), (AUDITOR, {"organisation": "brugwerk"})],
    ("casefile", "/v1/gaps"): [
        *_mixtures(state=(None, "OPEN", ["OPEN", "ANSWERED"]), agency=(None, "vdab-gent")),
        (VOLUNTEER, {}),
        (VOLUNTEER, {"agency": "vdab-gent"}),
    ],
    ("referral", "/v1/referrals"): list(
        _mixtures(
            state=(None, "SUBMITTED", ["SUBMITTED", "DECLINED"]), organisation=ORGANISATIONS, case=(None, "a case")
        )
    ),
    ("referral", "/v1/organisations"): [(INES, {"limit": 3}), (INES, {"kind": ["MENTORING_ORG", "AUDIT_BODY"]})],
    ("notifications", "/v1/subscriptions"): [(LOTTE, {})],
    ("notifications", "/v1/feed"): list(
        _mixtures(types=(None, "org.caserelay.referral.declined.v1", ",".join(list(MESSAGES)[:-1])))
    ),
}
"""Whose index answers which list, and how it is asked. Every mixture of filters is another question."""


A_HANDFUL: Final = {"/v1/charters"}
"""Lists of so few that a planner may well read all of them."""


async def test_no_list_is_left_out(crowd: Crowd) -> None:
    """Whatever has pages and is no record of one thing is asked below."""
    paged = {
        path
        for path, methods in (await crowd.running.http.get("/openapi.json")).json()["paths"].items()
        if any(one["name"] == "limit" for one in methods.get("get", {}).get("parameters", ()))
    }
    assert {path for path in paged - A_HANDFUL if "{" not in path} == {path for _, path in LISTS}


@pytest.mark.parametrize(("service", "path"), LISTS, ids=[path for _, path in LISTS])
async def test_a_page_of_a_list_costs_what_it_shows(crowd: Crowd, service: str, path: str) -> None:
    """The first page and the next one, for each reader and mixture of filters: nothing is read to be thrown away."""
    index, full = crowd.running.service(service).index, 0
    for person, given in LISTS[service, path]:
        asked = {"limit": PAGE, **given, **({"case": crowd.case.id} if "case" in given else {})}
        with watched(index, asked["limit"] + (path != "/v1/feed")) as seen:
            page = await crowd.running.read(person, path, **asked)
            if page["next"] is not None:
                following = "after" if path == "/v1/feed" else "cursor"
                await crowd.running.read(person, path, **asked, **{following: page["next"]})
        assert seen.too_dear == [], (person, given)
        assert seen.asked
        full += len(page["items"]) == asked["limit"]
    assert full


async def test_the_scheduler_looks_only_at_what_is_due(crowd: Crowd) -> None:
    """The next deadline of thousands, and whether one has fallen due."""
    for name in ("referral", "casefile"):
        service = crowd.running.service(name)
        assert service.scheduler is not None
        with watched(service.index, 1) as seen:
            assert await service.next_due() is not None
            await service.scheduler.fire_due()
        assert seen.too_dear == []
        assert seen.asked


async def test_taking_in_an_event_touches_its_own_rows_only(crowd: Crowd) -> None:
    """What a command changes is found by its key or its case."""
    services = crowd.running
    made = await services.create(INES, "/v1/referrals", another_person())
    assert made.status_code == 201, made.text
    await services.done(LOTTE, f"/v1/referrals/{made.json()['id']}", "receive")
    await services.done(LOTTE, crowd.case.path, "log-contact-attempt", {"reached": True})
    for name in ("referral", "casefile"):
        service = services.service(name)
        with watched(service.index, 1) as seen:
            await service.projection.catch_up()
        assert seen.too_dear == []
        assert any("INSERT" in statement for statement in seen.asked)


async def test_who_may_see_the_messages_of_a_case_is_changed_among_these_alone(crowd: Crowd) -> None:
    """When the parties of a case change, its messages are found again."""
    services, notifications = crowd.running, crowd.running.service("notifications")
    made = (await services.create(INES, "/v1/referrals", another_person())).json()

    async def published() -> None:
        publisher = services.service("referral").publisher
        assert publisher is not None
        while await publisher.behind():
            await publisher.round()
        while await notifications.sources["referral"].behind():
            await notifications.sources["referral"].round()

    await published()
    await notifications.projection.catch_up()
    await services.done(INES, f"/v1/referrals/{made['id']}", "withdraw", {"reason": "CLIENT_MOVED"})
    await published()
    with watched(notifications.index, 1) as seen:
        await notifications.projection.catch_up()
    assert seen.too_dear == []
    assert any("parties" in statement for statement in seen.asked)
