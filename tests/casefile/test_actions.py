"""One row for each command on a case: nothing that has a rule is without one, and what a row says fits together."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from contracts.codes import Step
from contracts.staff import COORDINATORS, COUNSELLORS, LEADS, StaffSide
from services.casefile import domain
from services.casefile.action_rows import Action
from services.casefile.actions import ACTIONS, moving_on
from services.casefile.other_commands import OTHER_COMMANDS
from services.chassis.modelling.decider import Command

ROOT: Final = Path(__file__).parents[2]
OF_OTHER_ENTITIES: Final = {
    "NameSubstitute",
    "ReleaseSubstitute",
    "DescribeMentor",
    "WriteCharter",
    "SignCharter",
    "LearnProgramme",
    "LearnOrganisation",
    "NoteTold",
    "NoteNotTold",
    "NotePersonAsked",
    "NoteAnswer",
    "GiveContact",
}
ONLY_CORRECTED: Final = {"ReportWait"}
"""What the referral service takes, and a case corrects."""
NEVER_DECIDED: Final = {"Attempt"}
"""What stands for something that was refused before a decision, so that it can be noted."""
FOR_LEADS: Final = {"decide-exception"}
"""What only the lead of a side may do."""
WITHOUT_COMMAND: Final = {Step.REFERRAL_ANSWER}
"""The answer to a referral is the referral service's."""


def commands() -> Iterator[type[Command]]:
    """Every command that the domain declares, but for what several have in common."""
    for module in pkgutil.iter_modules(domain.__path__, f"{domain.__name__}."):
        for kind in vars(importlib.import_module(module.name)).values():
            declared = isinstance(kind, type) and issubclass(kind, Command) and kind.__module__ == module.name
            if declared and not kind.__subclasses__():
                yield kind


def test_every_command_of_a_case_has_one_row() -> None:
    """Those that somebody gives, and those that messages and the clock bring: none in both tables, none in neither."""
    found = {kind.__name__ for kind in commands()} - OF_OTHER_ENTITIES - ONLY_CORRECTED - NEVER_DECIDED
    rows = [row.command.__name__ for row in ACTIONS.values()] + [row.command.__name__ for row in OTHER_COMMANDS]
    assert sorted(rows) == sorted(found)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
def test_the_roles_of_a_command_are_those_of_its_side(action: Action[Any, Any]) -> None:
    """The table of access lets nobody in whom the rule of the domain turns away in every state; some are for leads."""
    sides = {StaffSide.AGENCY: COUNSELLORS, StaffSide.ORGANISATION: COORDINATORS, None: COUNSELLORS | COORDINATORS}
    side = sides[action.side]
    assert action.roles & (COUNSELLORS | COORDINATORS) == (side & LEADS if action.rule.leads else side)
    assert action.rule.leads == (action.name in FOR_LEADS)


@pytest.mark.parametrize("step", [step for step in Step if step not in WITHOUT_COMMAND])
def test_every_step_has_a_command_that_moves_it_on(step: Step) -> None:
    """A step on the worklist always comes with what to do about it."""
    assert moving_on(step)
