"""No statement of the seed, and no known failure, is without a test: rows of docs/domain.md whose ids tests carry."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.support.domain_page import PAGE

TESTS: Final = Path(__file__).parents[1]
ROWS: Final = 27
"""The seed's title, seven questions, the study, and what it affirms, weighs, concludes and fears: counted by hand."""
FAILURES: Final = 11
"""The known failures in handoffs of the domain reference."""
_ROW: Final = re.compile(r"^\| ([A-Z]\d+[a-z]?) \| (.+) \|$", re.MULTILINE)


def rows(heading: str) -> list[tuple[str, str]]:
    """The rows of a table of the page, which nothing generates: the id, and what stands behind it."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found: list[tuple[str, str]] = _ROW.findall(section)
    return found


@cache
def functions() -> frozenset[str]:
    """The names of all test functions that pytest collects, here and elsewhere."""
    found = set()
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.add(node.name)
    return frozenset(found)


REQUIREMENTS: Final = dict(rows("The seed"))
KNOWN_FAILURES: Final = dict(rows("Known failures"))


@pytest.mark.parametrize(("heading", "count"), [("The seed", ROWS), ("Known failures", FAILURES)])
def test_the_page_has_every_row_once_and_says_what_it_asks_for(heading: str, count: int) -> None:
    """Each id with its requirement in words; of a failure, with what notices it."""
    ids = [name for name, _ in rows(heading)]
    assert len(ids) == len(set(ids)) == count
    assert all(len(words.split()) > 3 for _, words in rows(heading))


@pytest.mark.parametrize("row", REQUIREMENTS)
def test_every_row_has_a_test_that_carries_its_id(row: str) -> None:
    """`test_q3b_…` is of Q3b and not of Q3."""
    carrying = [name for name in functions() if name.startswith(f"test_{row.lower()}_")]
    assert carrying, f"no test of {row}: {REQUIREMENTS[row]}"


@pytest.mark.parametrize("failure", KNOWN_FAILURES)
def test_q5_every_known_failure_is_noticed_and_has_a_failing_case(failure: str) -> None:
    """The pitfalls: each has its detector on the page, and a test in which it fails as it is known to."""
    _, _, notices = KNOWN_FAILURES[failure].partition(" | ")
    assert notices
    assert [name for name in functions() if name.startswith(f"test_{failure.lower()}_")], KNOWN_FAILURES[failure]
