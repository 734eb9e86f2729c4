"""What those are told who may not do something: in words that users know, and in no names of the program."""

from __future__ import annotations

import re
from typing import Final

import pytest

from services.casefile import access as of_cases
from services.casefile.actions import ACTIONS as OF_CASES
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Forbidden, Policy, Verdict
from services.notifications import access as of_notifications
from services.notifications.actions import ACTIONS as OF_SUBSCRIPTIONS
from services.referral import access as of_referrals
from services.referral.actions import ACTIONS as OF_REFERRALS

POLICIES: Final[dict[str, tuple[Policy, frozenset[str]]]] = {
    "casefile": (of_cases.POLICY, frozenset(OF_CASES)),
    "referral": (of_referrals.POLICY, frozenset(OF_REFERRALS)),
    "notifications": (of_notifications.POLICY, frozenset(OF_SUBSCRIPTIONS)),
}
"""The table of each service, and its commands: their names are what callers send."""


@pytest.mark.parametrize("service", POLICIES)
def test_no_refusal_names_a_relation_or_an_action_of_the_program(service: str) -> None:
    """Tried with every role in every relation: capitals are left to roles, and names with a hyphen to commands."""
    policy, commands = POLICIES[service]
    cells = [cell for cell in policy.matrix() if cell.verdict is Verdict.FORBIDDEN]
    roles = {cell.role.value for cell in policy.matrix()}
    tried = 0
    for cell in cells:
        with pytest.raises(Forbidden) as refused:
            policy.require(Caller("lotte.claes", "brugwerk", cell.role), cell.action, (cell.relation,))
        if refused.value.code not in ("ROLE_NOT_ALLOWED", "PARTY_NOT_ALLOWED"):
            continue
        detail = refused.value.detail
        assert set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", detail)) <= roles, detail
        assert set(re.findall(r"\b[a-z]+-[a-z-]+\b", detail)) <= commands, detail
        assert (cell.action in commands) == detail.startswith(f"{cell.action} "), detail
        tried += 1
    assert tried > 5
