"""A failure can be seen again: what a test draws comes from a seed that it tells, and an example from a blob."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, reproduce_failure, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from tests.casefile.test_case_machine import CaseMachine
from tests.support.chance import VARIABLE

TESTS = Path(__file__).parent
MUST_DIFFER = {"support/ports.py", "journeys/sandbox.py"}
"""Ports: two tests that run at once must not draw the same."""
SOURCES = {"uuid4", "uuid1", "token_hex", "token_bytes", "token_urlsafe", "randbits", "urandom", "now", "time", "today"}
"""Calls whose result no seed of hypothesis governs."""
DRAWN = {"given", "rule", "initialize", "invariant", "precondition", "composite"}

FAILING = """
import random

def test_of_chance():
    assert random.sample(range(10**4), 3) == []
"""


def failing(directory: Path, **environment: str) -> str:
    """What pytest says of a test that fails by chance."""
    file = directory / "test_of_chance.py"
    file.write_text(FAILING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.chance", "-p", "no:cacheprovider", "-q", str(file)]
    done = subprocess.run(
        [*command, f"--rootdir={directory}"],
        cwd=TESTS.parent,
        env={"PATH": "", "PYTHONPATH": str(TESTS.parent), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    return done.stdout


def drawn(told: str) -> str:
    """The numbers that the failure shows."""
    found = re.search(r"assert (\[\d+, \d+, \d+\]) == ", told)
    assert found is not None, told
    return found[1]


def test_a_test_that_draws_by_chance_says_how_to_draw_the_same_again(tmp_path: Path) -> None:
    """The seed stands beside the failure; given again it draws the same, and without it something else."""
    first = failing(tmp_path)
    seed = re.search(rf"{VARIABLE}=(\d+)", first)
    assert seed is not None, first
    assert drawn(failing(tmp_path, **{VARIABLE: seed[1]})) == drawn(first)
    assert drawn(failing(tmp_path)) != drawn(first)


def broken() -> type[CaseMachine]:
    """The machine of cases with a rule that does not hold, and that only some steps break."""

    class Broken(CaseMachine):
        """A class of its own for each use: a blob is attached to it."""

        known = 0

        @invariant()
        def much_at_once_never_comes_in_threes(self) -> None:
            now = len(self.book.history)
            added, self.known = now - self.known, now
            assert added < 3 or now == added or added % 3, "something else"

    return Broken


def replayed(machine: type[CaseMachine], capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """The steps that lead to the failure, and all that is said of it. It is not made smaller, which would take long."""
    once = settings(
        database=None,
        deadline=None,
        max_examples=200,
        stateful_step_count=5,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(AssertionError, match="something else") as failed:
        run_state_machine_as_test(machine, settings=once)
    said = "\n".join([*getattr(failed.value, "__notes__", []), capsys.readouterr().out])
    return re.findall(r"^state\.\w+\(.*\)$", said, re.MULTILINE), said


@pytest.mark.slow
def test_a_failure_of_the_machine_of_cases_comes_again_from_its_blob(capsys: pytest.CaptureFixture[str]) -> None:
    """Hypothesis prints it with every failure; it leads to the same failure by the same steps."""
    steps, said = replayed(broken(), capsys)
    blob = re.search(r"@reproduce_failure\('([^']+)', (b'[^']+')\)", said)
    assert blob is not None, said
    again = reproduce_failure(blob[1], ast.literal_eval(blob[2]))(broken())
    assert steps
    assert replayed(again, capsys)[0] == steps


def test_no_test_draws_what_cannot_be_drawn_again() -> None:
    """No source of chance without a seed, and in what hypothesis repeats none but its own."""
    assert [
        fault
        for file in sorted(TESTS.rglob("*.py"))
        if str(file.relative_to(TESTS)) not in MUST_DIFFER
        for fault in _unseeded(file)
    ] == []


def _unseeded(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        here = f"{file.relative_to(TESTS)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.keyword) and node.arg == "use_true_random" and ast.unparse(node.value) != "False":
            yield f"{here}: {ast.unparse(node)}"
        if isinstance(node, ast.Call) and not node.args and _called(node) in {"Random", "SystemRandom"}:
            yield f"{here}: {ast.unparse(node)} has no seed"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_repeated(node):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and _called(inner) in SOURCES:
                    yield f"{here}: {node.name} calls {ast.unparse(inner)}"


def _is_repeated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    decorators = (one.func if isinstance(one, ast.Call) else one for one in function.decorator_list)
    return any(ast.unparse(one).rpartition(".")[2] in DRAWN for one in decorators)


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]
