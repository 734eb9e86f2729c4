"""Stories of a case, any commands in any order: the invariants of docs/domain.md hold in all of them."""

from __future__ import annotations

from typing import Final

import pytest

from services.casefile.actions import ACTIONS
from tests.casefile.case_invariants import CaseInvariants
from tests.casefile.case_machine import COMMANDS, a_step
from tests.casefile.machine_commands import WAYS
from tests.support.machines import rules_of, step_of, tell, with_rules

DEEP: Final = {
    "MENTORING": 150,
    "SUSPENDED": 30,
    "HANDBACK_DUE": 60,
    "HANDBACK_REQUESTED": 150,
    "CLOSED": 150,
    "FINALISED": 20,
    "ON_BEHALF": 30,
}
"""How often 500 stories come to a state at the least: mostly it is twice as often."""


@with_rules({step_of(name): a_step(name) for name in WAYS})
class CaseMachine(CaseInvariants):
    """The stories with a step for each command of a caller."""


def test_every_command_on_a_case_has_a_rule_in_the_machine() -> None:
    """A command that is new is told in no story until it says in WAYS how it is given."""
    assert {step_of(name) for name in ACTIONS} <= rules_of(CaseMachine)


@pytest.mark.timeout(600)
def test_whatever_happens_to_a_case_its_invariants_hold() -> None:
    """I1 to I6, I8 and I9. Every command was accepted in some story, and the late states were come to often.

    People are away in them, too, and often somebody acts in another one's name.
    """
    tell(CaseMachine, steps=50)
    CaseMachine.seen.expect(COMMANDS, DEEP)
