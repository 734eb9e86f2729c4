"""Times that callers give: their clocks may be half a minute ahead, and a refusal says what ours reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from services.casefile.actions import ACTIONS
from services.referral.actions import ACTIONS as REFERRAL_ACTIONS
from services.referral.routes.requests import ReferralBody
from tests.casefile.acts import ACTS
from tests.casefile.cases import CaseContext
from tests.support.people import INES, LOTTE
from tests.support.problems import pointers
from tests.support.requests import another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile clocks")]

ALLOWED = timedelta(seconds=30)


def moments_of(model: type[BaseModel]) -> set[str]:
    """The pointers of the fields of a body that are instants, those of the objects in it included."""
    schema = model.model_json_schema()
    found = set()

    def look(part: Any, pointer: str) -> None:
        for one in (part, *part.get("anyOf", ())):
            if one.get("format") == "date-time":
                found.add(pointer)
            inside = schema["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            for name, field in inside.get("properties", {}).items():
                look(field, f"{pointer}/{name}")
            if "items" in one:
                look(one["items"], f"{pointer}/0")

    look(schema, "")
    return found


def text(at: datetime) -> str:
    """As it stands in a body."""
    return at.isoformat().replace("+00:00", "Z")


async def test_every_moment_in_a_body_is_one_of_those_tried_here() -> None:
    """A field that is added comes into these tests: `occurredAt` of reports, and two of a referral."""
    reports = {name: moments_of(action.request) for name, action in ACTIONS.items()}
    assert {frozenset(found) for found in reports.values()} == {frozenset(), frozenset({"/occurredAt"})}
    assert {name for name, found in reports.items() if found} >= {"record-meeting", "sign-agreement", "record-outcome"}
    assert moments_of(ReferralBody) == {"/participationChoice/chosenAt", "/legalBasis/givenAt"}
    assert not any(moments_of(action.request) for name, action in REFERRAL_ACTIONS.items() if name != "edit")


@pytest.mark.parametrize("action", [name for name in ACTS if moments_of(ACTIONS[name].request)])
async def test_a_report_may_come_from_a_clock_that_is_half_a_minute_ahead(shared: CaseContext, action: str) -> None:
    """It is recorded as of now; a second more is refused, with what the service's clock reads and would accept."""
    act = ACTS[action]
    case = await shared.brought_to(act.state)
    etag = (await shared.running.get(act.by, case.path)).headers["ETag"]
    now = shared.running.clock.now()

    async def told(at: datetime, **more: Any) -> Any:
        body = {**act.body, "occurredAt": text(at)}
        return await shared.running.send(act.by, "POST", f"{case.path}/{action}", body, etag=etag, **more)

    refused = await told(now + ALLOWED + timedelta(seconds=1))
    assert pointers(refused) == {"/occurredAt": "IN_THE_FUTURE"}
    (fault,) = refused.json()["errors"]
    assert f"clock reads {now:%Y-%m-%dT%H:%M:%SZ}" in fault["detail"]
    assert f"up to {now + ALLOWED:%Y-%m-%dT%H:%M:%SZ} is accepted" in fault["detail"]
    done = await told(now + ALLOWED)
    assert done.status_code == 200, done.text
    items = (await shared.running.read(act.by, f"{case.path}/timeline"))["items"]
    reported = [item for item in items if item["type"] == act.writes]
    assert datetime.fromisoformat(reported[-1]["occurredAt"]) == now
    assert all(item["occurredAt"] <= item["recordedAt"] for item in items)


@pytest.mark.parametrize(("inside", "name"), [("participationChoice", "chosenAt"), ("legalBasis", "givenAt")])
async def test_what_a_referral_rests_on_may_come_from_such_a_clock(shared: CaseContext, inside: str, name: str) -> None:
    """The basis holds at once: it was given no later than the referral was made."""
    now = shared.running.clock.now()
    body = another_person()

    def given(at: datetime) -> dict[str, Any]:
        return {**body, inside: {**body[inside], name: text(at)}}

    refused = await shared.running.create(INES, "/v1/referrals", given(now + ALLOWED + timedelta(seconds=1)))
    assert pointers(refused) == {f"/{inside}/{name}": "IN_THE_FUTURE"}
    assert f"clock reads {now:%Y-%m-%dT%H:%M:%SZ}" in refused.text
    case = await shared.referred(given(now + ALLOWED))
    offer = await shared.running.read(LOTTE, case.offer)
    assert datetime.fromisoformat(offer[inside][name]) == now
    contact = await shared.running.get(LOTTE, f"{case.offer}/contact")
    assert contact.status_code == 200, contact.text
