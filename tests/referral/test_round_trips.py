"""How often a command of a caller asks a log that is a round trip away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.log.event_log import EventLog
from services.chassis.log.event_types import EventTypes
from services.chassis.memory_stores import MemoryStores
from services.referral.app import build
from tests.chassis.deciding.test_by_what_is_known import Far
from tests.referral.context import ACCEPT, REFERRALS, ReferralContext
from tests.referral.test_accreditation_http import VDAB, suspend
from tests.support.people import INES, LOTTE
from tests.support.problems import assert_problem
from tests.support.requests import another_person, new_key
from tests.support.running import running


class FarStores(MemoryStores):
    """Stores whose log is a round trip away."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Far] = []

    @property
    def far(self) -> Far:
        """The log of the process that came first."""
        return self.opened[0]

    def event_log(self, service: str, types: EventTypes) -> EventLog:
        """See `Stores.event_log`."""
        self.opened.append(Far(super().event_log(service, types)))
        return self.opened[-1]


@pytest.fixture
def stores() -> FarStores:
    """Empty stores."""
    return FarStores()


@pytest.fixture
async def context(tmp_path: Path, stores: FarStores) -> AsyncIterator[ReferralContext]:
    """The referral service on them, which knows the programme and both organisations."""
    async with running(tmp_path, {"referral": build}, stores=stores) as service:
        await service.set_the_scene()
        context = ReferralContext(service)
        await context.accepted()
        stores.far.told()
        yield context


async def test_a_new_referral_takes_one_round_trip(context: ReferralContext, stores: FarStores) -> None:
    """Person, case key, basis, key and the referral are new, and the rest is known."""
    await context.submit()
    assert stores.far.told() == ["append"]


async def test_a_repeat_is_found_by_reading(context: ReferralContext, stores: FarStores) -> None:
    """It was taken for new; the append stores nothing, and the streams tell the first answer."""
    key, body = new_key(), another_person()
    first = await context.running.create(INES, REFERRALS, body, key=key)
    again = await context.running.create(INES, REFERRALS, body, key=key)
    assert (again.json()["id"], again.headers["Idempotency-Replayed"]) == (first.json()["id"], "true")
    assert stores.far.told()[:3] == ["append", "append", "read"]


async def test_a_command_on_a_referral_does_not_read_what_was_just_read_to_let_it_in(
    context: ReferralContext, stores: FarStores
) -> None:
    """Finding the referral takes its round trips; deciding and storing take one more."""
    path = await context.received()
    etag = (await context.running.get(LOTTE, path)).headers["ETag"]
    stores.far.told()
    await context.running.get(LOTTE, path)
    finding = stores.far.told()
    await context.running.done(LOTTE, path, "accept", ACCEPT, etag=etag)
    # It is found once for what its body may say, and once more to be done.
    assert stores.far.told() == [*finding, *finding, "append"]


async def test_an_agency_that_was_suspended_elsewhere_makes_no_referral(
    context: ReferralContext, stores: FarStores, tmp_path: Path
) -> None:
    """By another process over the same log: what this one knows of its caller is checked with the rest."""
    await context.submit()
    async with running(tmp_path, {"referral": build}, stores=stores, at_work=False) as other:
        await suspend(ReferralContext(other), VDAB)
    stood, _ = await context.snapshot()
    refused = await context.running.create(INES, REFERRALS, another_person(), key=new_key())
    assert_problem(refused, 403, "ORGANISATION_SUSPENDED")
    assert (await context.snapshot())[0] == stood
