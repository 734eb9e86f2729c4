"""No statement of the seed is without a test: every row of the table in docs/domain.md has tests that carry its id."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.domain_page import PAGE

TESTS: Final = Path(__file__).parents[1]
ROWS: Final = 27
"""The seed's title, seven questions, the study, and what it affirms, weighs, concludes and fears: counted by hand."""
_ROW: Final = re.compile(r"^\| ([A-Z]\d[a-z]?) \| (.+) \|$", re.MULTILINE)


def requirements() -> dict[str, str]:
    """What each statement of the seed asks for, by its id: the table of the page, which nothing generates."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## The seed\n")[2].partition("\n## ")[0]
    return dict(_ROW.findall(section))


def functions() -> set[str]:
    """The names of all test functions that pytest collects, here and elsewhere."""
    found = set()
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.add(node.name)
    return found


REQUIREMENTS: Final = requirements()


def test_the_page_has_every_row_once_and_says_what_it_asks_for() -> None:
    """Twenty-seven ids, each with its requirement in words."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## The seed\n")[2].partition("\n## ")[0]
    ids = [name for name, _ in _ROW.findall(section)]
    assert len(ids) == len(set(ids)) == ROWS
    assert all(len(words.split()) > 3 for words in REQUIREMENTS.values())


@pytest.mark.parametrize("row", REQUIREMENTS)
def test_every_row_has_a_test_that_carries_its_id(row: str) -> None:
    """`test_q3b_…` is of Q3b and not of Q3."""
    carrying = [name for name in functions() if name.startswith(f"test_{row.lower()}_")]
    assert carrying, f"no test of {row}: {REQUIREMENTS[row]}"
