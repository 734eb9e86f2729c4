"""A broadcast does what docs/domain.md says: opened, withdrawn, and ended by what happens to its offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec.structs import replace

from services.chassis.modelling.decider import Refused
from services.referral.domain import ending
from services.referral.domain.broadcast import BroadcastEnded, BroadcastOpened, OfferForgotten, OfferWon
from services.referral.domain.guards import blocked
from services.referral.domain.offer import PartEnds
from services.referral.domain.submission import ReferralSubmitted
from tests.referral.broadcast_office import STAFF, BroadcastOffice
from tests.support.actors import CLOCK
from tests.support.dates import FRIDAY, JULY
from tests.support.domain_page import BROADCAST_BY_ITSELF, BROADCAST_COMMANDS, Happened, Row, states, table

Office = BroadcastOffice


def _open() -> Office:
    office = BroadcastOffice()
    office.open()
    office.receive_both()
    return office


def _after(act: Callable[[Office], Any]) -> Office:
    office = _open()
    act(office)
    return office


SITUATIONS: Final[dict[str | None, Callable[[], Office]]] = {
    None: BroadcastOffice,
    "OPEN": _open,
    "WON": lambda: _after(lambda office: office.accepts("R-1")),
    "DECLINED": lambda: _after(lambda office: (office.declines("R-1"), office.declines("R-2"))),
    "WITHDRAWN": lambda: _after(lambda office: office.withdraw_all(reason="CLIENT_IN_TRAINING")),
    "EXPIRED": lambda: _after(lambda office: (office.expires("R-1"), office.expires("R-2"))),
}
"""A broadcast in each state."""
ALONE: Final[dict[str, Callable[[Office], Any]]] = {
    "the last": lambda office: office.withdraws("R-2"),
    "of the last offer": lambda office: office.declines("R-2"),
    "the last, and all expired": lambda office: office.expires("R-2"),
    "the last, and another was declined": lambda office: office.declines("R-2"),
}
"""What has become of the other offer before, by the note of a row; nothing where no row says so."""
ALONE_DECLINED: Final[dict[str, Callable[[Office], Any]]] = {"decline": lambda office: office.declines("R-2")}
ACTS: Final[dict[str, Callable[[Office], Any]]] = {
    "create": lambda office: office.open(),
    "accept": lambda office: office.accepts("R-1"),
    "decline": lambda office: office.declines("R-1"),
    "EXPIRY": lambda office: office.expires("R-1"),
    "withdraw": lambda office: office.withdraws("R-1"),
    "LegalBasisWithdrawn": lambda office: office.withdraw_basis("LB-R-2", "R-2"),
}
OF_THE_BROADCAST: Final = (BroadcastOpened, OfferWon, BroadcastEnded)


def _does(row: Row, office: Office) -> Happened:
    of_all = row.command == "withdraw" and row.who != {""}
    before = ALONE_DECLINED.get(row.command) if row.note == "the last" else ALONE.get(row.note)
    if before is not None:
        before(office)
    events = office.withdraw_all() if of_all else ACTS[row.command](office)
    started = {
        deadline.name
        for event in events
        if isinstance(event, ReferralSubmitted | PartEnds)
        for deadline in event.deadlines
    }
    names = tuple(type(event).__name__ for event in events if isinstance(event, OF_THE_BROADCAST))
    state = office.broadcast().state
    return Happened(events=names, to=state.value if state is not None else None, deadlines=frozenset(started))


@pytest.mark.parametrize("row", [*table(BROADCAST_COMMANDS), *table(BROADCAST_BY_ITSELF)], ids=str)
def test_each_row_of_the_page_happens_as_it_says(row: Row) -> None:
    """From each state that it names, with the events of the broadcast and the terms that begin."""
    for before in row.states:
        happened = _does(row, SITUATIONS[before]())
        assert row.fits(before, happened), happened


def test_every_state_of_the_page_is_lived_through() -> None:
    """And each is what the situation says."""
    assert {state for state in SITUATIONS if state is not None} == states(BROADCAST_COMMANDS)
    for state, make in SITUATIONS.items():
        now = make().broadcast().state
        assert (now.value if now is not None else None) == state


@pytest.mark.parametrize("state", [state for state in SITUATIONS if state not in (None, "OPEN")], ids=str)
def test_a_broadcast_that_is_over_is_not_withdrawn(state: str) -> None:
    """And no offer of it is received any more."""
    office = SITUATIONS[state]()
    with pytest.raises(Refused, match="BROADCAST_ENDED"):
        office.withdraw_all()
    for referral, staff in STAFF.items():
        with pytest.raises(Refused, match="STATE_DOES_NOT_ALLOW"):
            office.receive(referral, FRIDAY, staff)


def test_an_acceptance_after_the_win_is_refused_because_the_offer_is_taken() -> None:
    """And one after a withdrawal, or after one's own decline, by the state."""
    office = _after(lambda office: office.accepts("R-1"))
    with pytest.raises(Refused, match="OFFER_TAKEN"):
        office.accepts("R-2")
    declined = _after(lambda office: (office.declines("R-2"), office.accepts("R-1")))
    with pytest.raises(Refused, match="STATE_DOES_NOT_ALLOW"):
        declined.accepts("R-2")
    withdrawn = _after(lambda office: office.withdraw_all(reason="OTHER_ORGANISATION_CHOSEN"))
    with pytest.raises(Refused, match="STATE_DOES_NOT_ALLOW"):
        withdrawn.accepts("R-2")


def test_the_offer_is_taken_also_where_the_win_came_between_two_reads() -> None:
    """The broadcast was read while it was open, and the referral when another organisation had won."""
    won, before = _after(lambda office: office.accepts("R-1")), _open().broadcast()
    refusal = blocked("accept", replace(won.context("R-2", FRIDAY), broadcast=before), STAFF["R-2"])
    assert refusal is not None
    assert refusal.code == "OFFER_TAKEN"


def test_the_key_is_held_by_all_offers_and_passes_to_the_winner() -> None:
    """Whose end releases it, like that of any referral."""
    office = _open()
    assert office.key().live == "B-1"
    office.declines("R-2")
    assert office.key().live == "B-1"
    office.accepts("R-1")
    assert office.key().live == "R-1"
    office.complete("R-1")
    assert office.key().live is None


def test_the_last_offer_releases_the_key_and_may_be_followed_on() -> None:
    """Not the first; and of those that ended, each can be named as the one before."""
    office = _open()
    office.declines("R-1")
    office.confirmed_error("R-2")
    key = office.key()
    assert key.live is None
    assert key.has_ended("R-1")
    assert not key.has_ended("R-2"), "one that was entered in error is no referral to follow on"
    assert not key.has_ended("B-1")


def test_the_same_decision_twice_writes_nothing_more() -> None:
    """Opening, withdrawing and accepting."""
    office = _open()
    assert office.open() == []
    office.accepts("R-1")
    assert office.accepts("R-1") == []
    withdrawn = _after(lambda office: office.withdraw_all())
    assert withdrawn.withdraw_all() == []


def test_every_move_of_an_offer_is_noted_in_the_broadcast_and_no_place_is_taken_but_the_winners() -> None:
    """So a decision on another offer at the same moment finds it."""
    office = _after(lambda office: office.accepts("R-1"))
    moves = {one.to.referral_id: [answer.event for answer in one.answers] for one in office.broadcast().offers}
    assert moves == {
        "R-1": ["ReferralSubmitted", "ReferralReceived", "ReferralAccepted"],
        "R-2": ["ReferralSubmitted", "ReferralReceived", "ReferralWithdrawn"],
    }
    assert office.organisation("brugwerk").taken_by == {"R-1"}
    assert office.organisation("samenstap").taken_by == frozenset()


def test_who_won_forgets_its_offer_with_the_case() -> None:
    """Messages about the offer are under the broadcast, so the end of the access is told there too, and once."""
    office = _after(lambda office: (office.accepts("R-1"), office.complete("R-1")))
    command = ending.EndAccess(at=JULY, by=CLOCK, referral_id="R-1")
    (forgotten,) = [event for event in office.handle(command) if isinstance(event, OfferForgotten)]
    assert (forgotten.organisation, forgotten.event) == ("brugwerk", "NgoAccessExpired")
    assert office.handle(command) == []


def test_the_access_to_an_offer_that_was_not_won_ends_by_its_own_clock() -> None:
    """Nobody is reminded of it, and it fires once."""
    office = _after(lambda office: office.declines("R-1"))
    (access,) = office.referral("R-1").running
    assert access.name == "NGO_ACCESS"
    assert office.handle(office.remind("NGO_ACCESS", access.remind_at, "R-1")) == []
    early = office.passed("NGO_ACCESS", access.due_at, "R-1")
    assert [type(event).__name__ for event in office.handle(early)] == ["AccessEnded"]
    assert office.handle(early) == []
