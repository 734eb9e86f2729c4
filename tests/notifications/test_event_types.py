"""`GET /v1/event-types`: what can be received, with what its receiver is to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import httpx
import jsonschema_rs
import pytest

from contracts.codes import Role
from tests.notifications.running import Running

CONTRACTS: Final = Path(__file__).parents[2] / "contracts"
BARRED: Final = {Role.AGENCY_CONTROL}
"""Has no part in any of this, whatever it asks for (domain reference, rule on sanctioning staff)."""


async def _items(system: Running) -> list[dict[str, Any]]:
    async with system.client("brugwerk") as client:
        answer = await client.get("/v1/event-types")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_every_published_type_is_in_the_catalogue_once(system: Running) -> None:
    """Those are the types that a schema is published of, but for what the services tell each other about telling."""
    schemas = {file.name.removesuffix(".json") for file in (CONTRACTS / "schemas").glob("org.caserelay.*.json")}
    items = [item["type"] for item in await _items(system)]
    among_services = (
        "org.caserelay.notifications.",
        "org.caserelay.referral.act_by_link_answered.",
        "org.caserelay.referral.letter_posted.",
        "org.caserelay.case.answer_by_link_taken.",
        "org.caserelay.case.letter_posted.",
    )
    assert items == sorted(kind for kind in schemas if not kind.startswith(among_services))


async def test_every_type_says_what_its_receiver_is_to_do(system: Running) -> None:
    """In a sentence that somebody wrote for it, and which speaks of no field that the event does not have."""
    for item in await _items(system):
        assert re.fullmatch(r"[A-Z`].{20,150}\.", item["receiver"]), item["type"]
        assert item["summary"], item["type"]
        for field in re.findall(r"`(\w+)`", item["receiver"]):
            assert field in item["schema"]["properties"], (item["type"], field)


async def test_every_example_is_an_event_of_its_type(system: Running) -> None:
    """Its data are what the schema beside it asks for."""
    for item in await _items(system):
        assert item["example"]["type"] == item["type"]
        jsonschema_rs.validator_for(item["schema"]).validate(item["example"]["data"])


@pytest.mark.parametrize(
    ("kind", "audience"),
    [
        ("org.caserelay.organisation.described.v1", "EVERYBODY"),
        ("org.caserelay.programme.version_published.v1", "EVERYBODY"),
        ("org.caserelay.broadcast.opened.v1", "AGENCY"),
        ("org.caserelay.broadcast.ended.v1", "AGENCY"),
        ("org.caserelay.referral.submitted.v1", "AGENCY_AND_NAMED"),
        ("org.caserelay.offer.made.v1", "AGENCY_AND_NAMED"),
        ("org.caserelay.case.ngo_access_revoked.v1", "AGENCY_AND_NAMED"),
        ("org.caserelay.case.meeting_recorded.v1", "PARTIES"),
    ],
)
async def test_who_can_receive_a_type_is_said(system: Running, kind: str, audience: str) -> None:
    """What is about no case is everybody's; to whom else a person is offered is the agency's alone."""
    (item,) = (item for item in await _items(system) if item["type"] == kind)
    assert item["audience"] == audience


@pytest.mark.parametrize("role", sorted(set(Role) - BARRED - {Role.SYSTEM}))
async def test_the_catalogue_is_for_every_token(system: Running, role: Role) -> None:
    """It tells nothing about anybody."""
    async with system.client("brugwerk", role) as client:
        assert (await client.get("/v1/event-types")).status_code == 200


async def test_the_catalogue_is_not_for_strangers(system: Running) -> None:
    """Without a token nothing is answered."""
    async with httpx.AsyncClient(base_url=system.url) as client:
        assert (await client.get("/v1/event-types")).status_code == 401
