"""What the tests of the referral service share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.store_opener import StoreOpener
from services.referral.app import build
from tests.referral.context import ReferralContext
from tests.referral.office import Office
from tests.support.running import running


@pytest.fixture
def office() -> Office:
    """An office with the demo programme and organisations, and no referral yet."""
    return Office()


@pytest.fixture
async def context(tmp_path: Path, service_stores: StoreOpener | None) -> AsyncIterator[ReferralContext]:
    """The referral service over HTTP, with the demo's programme and organisations, on 12 January 2026."""
    async with running(tmp_path, {"referral": build}, stores=service_stores) as service:
        await service.set_the_scene()
        yield ReferralContext(service)
