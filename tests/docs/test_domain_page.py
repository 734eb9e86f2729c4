"""docs/domain.md: its states, terms, deadlines and events are the program's; what its rows say is tried elsewhere."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import contracts
from contracts.broadcast_codes import BroadcastState
from contracts.codes import CaseState, ReferralState
from contracts.message import CaseMessage
from contracts.subscription_codes import SubscriptionState
from services.referral.domain.programme import DEFAULT_TERMS
from tests.support.domain_page import (
    BROADCAST_COMMANDS,
    CASE_COMMANDS,
    MACHINES,
    PAGE,
    REFERRAL_COMMANDS,
    SUBSCRIPTION_COMMANDS,
    states,
    table,
    terms,
)

UNITS = {"DAYS": "days", "WORKING_DAYS": "working days"}
FROM_DATES = {"AGREEMENT_END", "GAP_ACTION", "OUTCOME_W4", "OUTCOME_M6", "OUTCOME_M12"}
"""Deadlines that follow from a date: the page says which, below its terms."""
UNDER_ANOTHER_TERM = {"AGREEMENT", "CHECK_IN", "ESCALATION", "FINALISE", "SERVICE_GAP_ANSWER"}
"""The row of their term, or of what starts them, says how they are called."""


def test_the_page_knows_every_state_and_no_other() -> None:
    """Of a referral and of a case."""
    assert states(REFERRAL_COMMANDS) == {state.value for state in ReferralState}
    assert states(CASE_COMMANDS) == {state.value for state in CaseState}
    assert states(SUBSCRIPTION_COMMANDS) == {state.value for state in SubscriptionState}
    assert states(BROADCAST_COMMANDS) == {state.value for state in BroadcastState}


def test_the_page_says_how_long_every_term_is() -> None:
    """The defaults of the page are those that a programme gets which says nothing else."""
    assert terms() == {name: f"{term.n} {UNITS[term.unit]}" for name, term in DEFAULT_TERMS.items()}


def test_every_deadline_that_a_row_starts_is_explained() -> None:
    """By its term, or as one of those that follow from a date."""
    started = {name for machine in MACHINES for heading in machine for row in table(heading) for name in row.deadlines}
    assert started - terms().keys() == FROM_DATES | UNDER_ANOTHER_TERM


def test_every_event_that_is_told_of_a_referral_or_a_case_stands_on_the_page() -> None:
    """Anyone who reads a name on a timeline finds out what it means."""
    for module in pkgutil.walk_packages(contracts.__path__, "contracts."):
        importlib.import_module(module.name)
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in _names(CaseMessage) if f"`{name}`" not in page] == []


def _names(model: type[CaseMessage]) -> Iterator[str]:
    for more in model.__subclasses__():
        if "NAME" in vars(more):
            yield more.NAME
        yield from _names(more)
