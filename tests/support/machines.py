"""What the state machines of the tests have in common: how many stories they tell, and what they came to see."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

M = TypeVar("M", bound=type[RuleBasedStateMachine])

MORE: Final = "CASERELAY_TEST_STORIES"
STORIES: Final = max(500, int(os.environ.get(MORE, "0")))
"""How many stories a machine tells; the variable asks for more of them, to look for what is rare."""


def tell(machine: type[RuleBasedStateMachine], *, steps: int, stories: int = STORIES) -> None:
    """Tells stories of up to so many steps; one that fails is told again, as short as it can be."""
    tried = settings(
        max_examples=stories,
        stateful_step_count=steps,
        deadline=None,
        print_blob=True,
        # Without the explanation, which traces every line: it takes longer than all the rest, and says less than steps.
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(machine, settings=tried)


class Seen:
    """What a machine came to see over all of its stories: states, and the commands that something followed from."""

    def __init__(self) -> None:
        self.commands: Counter[str] = Counter()
        self.states: Counter[str] = Counter()

    def expect(self, commands: Iterable[str], states: Mapping[str, int]) -> None:
        """Every one of the commands was accepted at least once, and each state was come to at least so many times."""
        never = sorted(set(commands) - self.commands.keys())
        assert not never, f"accepted in no story: {', '.join(never)}"
        rare = {state: self.states[state] for state, least in states.items() if self.states[state] < least}
        assert not rare, f"come to too rarely: {rare}"


def with_rules(rules: Mapping[str, Callable[..., Any]]) -> Callable[[M], M]:
    """Gives a machine these rules, each under its name, which is how the steps of a story name it."""

    def give(machine: M) -> M:
        return cast("M", type(machine.__name__, (machine,), {"__doc__": machine.__doc__, **rules}))

    return give


def step_of(command: str) -> str:
    """How a step of a story is named that gives a command."""
    return command.replace("-", "_")


def rules_of(machine: type[RuleBasedStateMachine]) -> set[str]:
    """The names of a machine's rules."""
    return {rule.function.__name__ for rule in machine.setup_state().rules}
