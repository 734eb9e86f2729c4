"""Two services and a bus that delays, repeats and lets topics overtake: in the end both tell the same story."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.machines import tell
from tests.two_services_invariants import TwoServicesInvariants

DEEP: Final = {"ACCEPTED": 50, "MENTORING": 2, "CLOSED": 2, "COMPLETED": 1, "WON": 1}
"""How often 500 stories come to a state at the least: mostly it is five times as often."""


@pytest.mark.timeout(900)
def test_whatever_the_bus_does_both_services_agree_in_the_end() -> None:
    """What one side reads the other does; nothing is lost, and nothing happens twice: I1, I2, I7, I8 and I9 of both."""
    tell(TwoServicesInvariants, steps=20)
    TwoServicesInvariants.seen.expect((), DEEP)
