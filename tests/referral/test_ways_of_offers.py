"""Where what happens to an offer leads the other offers of its broadcast, against the rows that say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from contracts.codes import ReferralState
from services.referral.actions import BY_OTHERS
from services.referral.domain.referral_state import UNANSWERED
from tests.referral.broadcast_office import BroadcastOffice
from tests.referral.office import ask, waitlist
from tests.support.actors import KARIM
from tests.support.dates import FRIDAY, TUESDAY

OTHER: Final = "R-2"
ACTS: Final[dict[str, Callable[[BroadcastOffice], Any]]] = {
    "OfferWon": lambda office: office.accepts("R-1"),
    "BroadcastEnded": lambda office: office.withdraw_all(),
}
"""What happens to the first offer, or to all, by what the rows say was told."""


def brought_to(state: ReferralState) -> BroadcastOffice:
    """A broadcast whose second offer is in a state, and whose first is received."""
    office = BroadcastOffice()
    office.open()
    office.receive("R-1")
    if state is not ReferralState.SUBMITTED:
        office.receive(OTHER, TUESDAY, KARIM)
    if state is ReferralState.INFO_REQUESTED:
        office.handle(_of_the_other(ask(FRIDAY)))
    if state is ReferralState.WAITLISTED:
        office.handle(_of_the_other(waitlist(FRIDAY)))
    assert office.referral(OTHER).state is state
    return office


def _of_the_other(command: Any) -> Any:
    return type(command)(
        **{**{name: getattr(command, name) for name in command.__struct_fields__}, "referral_id": OTHER}
    )


@pytest.mark.parametrize("told", ACTS)
@pytest.mark.parametrize("state", UNANSWERED, ids=lambda state: state.value)
def test_what_ends_an_offer_ends_it_from_each_state_that_the_rows_name(told: str, state: ReferralState) -> None:
    """Another's win, and the end of the broadcast: from each state in which it waits for an answer."""
    office = brought_to(state)
    ACTS[told](office)
    (move,) = [move for move in BY_OTHERS if move.cause == told]
    assert state in move.since
    assert office.referral(OTHER).state == move.to


def test_an_offer_is_ended_from_no_other_state() -> None:
    """The rows name those in which it waits for an answer, and no more."""
    assert {state for move in BY_OTHERS if move.cause in ACTS for state in move.since} == set(UNANSWERED)
