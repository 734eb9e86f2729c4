"""The domain of a case is flat: phases share plain files below them, no phase knows another, and imports lead down."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final, get_args

import pytest

from services.casefile.domain import case as case_module
from services.casefile.events import EVENTS

DOMAIN: Final = Path(case_module.__file__).parent
PACKAGE: Final = "services.casefile.domain"

ABOVE: Final = frozenset({"broadcast", "case", "corrections_of_reports", "distress", "proposals", "standing_in"})
"""What puts the phases together. Offers to several organisations open a case as one to a single organisation does."""
PHASES: Final = frozenset(
    {
        "opening",
        "referral_answers",
        "intake",
        "matching",
        "agreement",
        "mentoring",
        "extension",
        "suspension",
        "trajectory_end",
        "handback",
        "outcomes",
        "consent_withdrawal",
        "escalation",
        "tasks",
        "exceptions",
        "gaps",
        "deadlines",
        "people",
        "correction",
    }
)
"""What happens in a case, each part with its commands, events, decisions, and what its events make of the case."""
OTHER_ENTITIES: Final = frozenset({"absence", "mentor", "exception_count", "known_programme", "known_organisation"})
"""Streams of their own."""


def _parsed() -> Mapping[str, ast.Module]:
    files = (path for path in DOMAIN.glob("*.py") if path.stem != "__init__")
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in files}


MODULES: Final = _parsed()


def _imported(module: ast.Module) -> Iterator[str]:
    """The modules of the domain that one imports, wherever in the file."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            yield (node.module or "").removeprefix(f"{PACKAGE}.")
        elif isinstance(node, ast.Import):
            names = (name.name for name in node.names if name.name.startswith(f"{PACKAGE}."))
            yield from (name.removeprefix(f"{PACKAGE}.") for name in names)


IMPORTS: Final = {name: frozenset(_imported(module)) for name, module in MODULES.items()}


def test_every_phase_has_a_file() -> None:
    """The lists above name files that are there."""
    assert MODULES.keys() >= PHASES | ABOVE | OTHER_ENTITIES


def test_no_phase_imports_another() -> None:
    """What two phases need belongs into a file that both import."""
    met = {(phase, other) for phase in PHASES for other in IMPORTS[phase] & (PHASES - {phase})}
    assert met == set()


def test_what_phases_share_knows_none_of_them() -> None:
    """Imports lead down: from what composes the phases, to the phases, to what they share."""
    upwards = {
        (name, above)
        for name in MODULES.keys() - ABOVE
        for above in IMPORTS[name] & (ABOVE if name in PHASES else ABOVE | PHASES)
    }
    assert upwards == set()


def test_the_domain_has_no_circle() -> None:
    """Each file can be read with those below it alone."""
    assert len(list(TopologicalSorter(IMPORTS).static_order())) == len(MODULES)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_signature_of_the_domain_says_any(name: str) -> None:
    """A type that says nothing lets a forgotten case through."""
    anything = [node.lineno for node in ast.walk(MODULES[name]) if isinstance(node, ast.Name) and node.id == "Any"]
    assert anything == []


@pytest.mark.parametrize("name", sorted(PHASES))
def test_each_phase_says_what_its_events_make_of_the_case(name: str) -> None:
    """`evolve` stands beside the decisions."""
    assert "evolve" in {node.name for node in MODULES[name].body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_each_match_on_an_event_ends_in_assert_never(name: str) -> None:
    """So the type checker names the place that a new event forgot."""
    open_ended = [
        node.lineno
        for node in ast.walk(MODULES[name])
        if isinstance(node, ast.Match) and isinstance(node.subject, ast.Name) and node.subject.id == "event"
        if "assert_never" not in ast.unparse(node.cases[-1])
    ]
    assert open_ended == []


def test_every_stored_event_of_a_case_is_one_of_the_union() -> None:
    """What may stand in a case's stream is what `evolve` is typed for."""
    elsewhere = {"absence", "mentor", "charter", "exception", "programme", "organisation", "told", "idempotency_key"}
    elsewhere |= {"letter", "answer_by_link"}
    stored = {row.event for row in EVENTS if row.stored.partition(".")[0] not in elsewhere}
    assert set(get_args(case_module.CaseEvent)) == stored


def test_the_lifecycle_is_on_one_screen() -> None:
    """Sixty lines, from the first state to the last."""
    (found,) = (
        node for node in MODULES["case"].body if isinstance(node, ast.FunctionDef) and node.name == "next_state"
    )
    assert (found.end_lineno or 0) - found.lineno < 60


def test_every_event_of_a_case_says_what_it_makes_of_it() -> None:
    """Looked up by its class, a forgotten event would stop the case that holds it."""
    assert set(case_module.EVOLVES) == set(get_args(case_module.CaseEvent))
