"""What the tests of the referral service share."""

from __future__ import annotations

import pytest

from tests.referral.office import Office


@pytest.fixture
def office() -> Office:
    """An office with the demo programme and organisations, and no referral yet."""
    return Office()
