"""From which states a referral accepts which command, and what a reader is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.codes import ReferralState
from services.chassis.modelling.decider import Because
from services.referral.actions import OFFERED
from services.referral.domain.answering import Accept, Receive
from services.referral.domain.entered_in_error import MarkError
from tests.referral.office import Office, ask, decline, refusal_of, waitlist
from tests.support.actors import INES, LOTTE, TOM
from tests.support.dates import day, january
from tests.support.domain_page import REFERRAL_COMMANDS, table


def test_a_refusal_names_the_command_that_holds_and_what_would_be_possible(office: Office) -> None:
    """The loser of a race reads who won, without a person's name."""
    office.submit()
    office.receive()
    office.handle(decline(january(16)))
    refusal = refusal_of(office, Accept(at=january(17), by=LOTTE, referral_id="R-1", coordinator="lotte.claes"))
    assert refusal.because is Because.STATE
    assert refusal.detail == (
        "the referral is DECLINED since decline by brugwerk at 2026-01-16T10:00:00Z; "
        "accept is possible from RECEIVED or WAITLISTED"
    )


def reach(office: Office, state: ReferralState) -> None:
    """Brings the referral into a state by the commands of its users."""
    s = ReferralState
    if state is s.DRAFT:
        office.draft()
        return
    office.submit()
    if state is s.SUBMITTED:
        return
    if state is s.EXPIRED:
        office.handle(office.passed("EXPIRY", day(2026, 3, 1)))
        return
    if state is s.ENTERED_IN_ERROR:
        office.confirmed_error()
        return
    if state is s.WITHDRAWN:
        office.withdraw_basis()
        return
    office.receive()
    steps: dict[ReferralState, list[Any]] = {
        s.RECEIVED: [],
        s.INFO_REQUESTED: [lambda: office.handle(ask(january(16)))],
        s.WAITLISTED: [lambda: office.handle(waitlist(january(16)))],
        s.ACCEPTED: [office.accept],
        s.COMPLETED: [office.accept, office.complete],
        s.DECLINED: [lambda: office.handle(decline(january(16)))],
    }
    for step in steps[state]:
        step()


@pytest.mark.parametrize("state", list(ReferralState))
def test_each_state_blocks_exactly_what_the_table_does_not_allow(office: Office, state: ReferralState) -> None:
    """What a reader is told is possible is what docs/domain.md says."""
    reach(office, state)
    assert office.referral().state is state
    blocked = {
        action: refusal
        for action in OFFERED
        if action != "confirm-error" and (refusal := office.blocked(action)) is not None
    }
    possible = {row.command for row in table(REFERRAL_COMMANDS) if state in row.states}
    expected = set(OFFERED) - possible - {"confirm-error"}
    if state is ReferralState.WITHDRAWN:
        assert blocked["accept"].because is Because.RIGHTS
    assert set(blocked) == expected


@pytest.mark.parametrize(
    ("state", "unblocks"),
    [
        (ReferralState.DRAFT, "vdab-gent, by submit"),
        (ReferralState.SUBMITTED, "brugwerk, by receive"),
        (ReferralState.INFO_REQUESTED, "vdab-gent, by provide-information"),
        (ReferralState.DECLINED, None),
    ],
)
def test_a_blocked_action_names_who_can_unblock_it(office: Office, state: ReferralState, unblocks: str | None) -> None:
    """Each side knows for whom it waits."""
    reach(office, state)
    refusal = office.blocked("accept")
    assert refusal is not None
    assert refusal.who_can_unblock == unblocks


def test_nothing_is_possible_with_a_referral_that_there_is_not(office: Office) -> None:
    """An unknown id is not an empty referral."""
    refusal = refusal_of(office, Receive(at=january(13), by=LOTTE, referral_id="R-1"))
    assert refusal.code == "REFERRAL_UNKNOWN"


def test_confirming_an_error_is_open_to_another_person_only(office: Office) -> None:
    """The list of actions differs by person where the rule does."""
    reach(office, ReferralState.RECEIVED)
    unreported = office.blocked("confirm-error", by=TOM)
    assert unreported is not None
    assert unreported.code == "ERROR_NOT_REPORTED"
    office.handle(MarkError(at=january(16), by=INES, referral_id="R-1", justification_ref="vault-1"))
    own = office.blocked("confirm-error", by=INES)
    assert own is not None
    assert own.code == "SECOND_PERSON_REQUIRED"
    assert office.blocked("confirm-error", by=TOM) is None
