"""The decisions: each is in the index, and each dependency has one that gives its reason."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import DECISIONS, ROOT, prose

INDEX: Final = prose(DECISIONS / "README.md")
EXPORTS: Final = ROOT / "services" / "casefile" / "exports"
FILES: Final = sorted(DECISIONS.glob("[0-9]*.md"))


def _normal(distribution: str) -> str:
    return re.split(r"[\[<>=!~; ]", distribution, maxsplit=1)[0].lower().replace("_", "-")


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"].values()
    return {_normal(one) for some in (project["dependencies"], *optional) for one in some}


def _locked(name: str) -> set[str]:
    lock = (ROOT / "deploy" / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    return {_normal(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}


def _imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def test_every_decision_is_in_the_index_under_its_title() -> None:
    """The index lists the files that there are, in order, with their titles."""
    rows = re.findall(r"^\| \[(\d{4})\]\(([\w.-]+)\) \| (.+) \|$", INDEX, re.MULTILINE)
    expected = []
    for file in FILES:
        number, title = file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").split(" ", 1)
        expected.append((number, file.name, title))
    assert rows == expected


def test_no_two_decisions_have_one_number() -> None:
    """A number names one decision, and none is left out."""
    assert [file.name[:4] for file in FILES] == [f"{number:04}" for number in range(1, len(FILES) + 1)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name[:4])
def test_a_decision_is_a_page_that_says_why_and_what_not(file: Path) -> None:
    """Every decision has a status, a question, an answer and its consequences, on one page."""
    text = file.read_text(encoding="utf-8")
    assert "\nStatus: " in text
    assert [part for part in ("## The question", "## What we decided", "## What follows") if part not in text] == []
    assert len(text.splitlines()) <= 66


def test_every_dependency_is_given_a_reason_in_a_decision() -> None:
    """The table names the dependencies of pyproject.toml and no others, and the decision speaks of them."""
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]+ \| \[\d{4}\]\(([\w.-]+)\) \|$", INDEX, re.MULTILINE)
    assert {name for name, _ in rows} == _declared()
    for name, file in rows:
        reasons = (DECISIONS / file).read_text(encoding="utf-8").lower()
        assert re.search(rf"\b{re.escape(name)}\b", reasons), f"{file} does not speak of {name}"


def test_what_runs_is_what_is_locked_to_run() -> None:
    """Nothing that is installed by `make run` imports what only `make test` installs.

    What writes exports may import what `make exports` installs.
    """
    of_module = packages_distributions()
    own = {"contracts", "services", *sys.stdlib_module_names}
    locked, more = _locked("runtime"), _locked("export")
    missing = {
        f"{file.relative_to(ROOT)}: {module}"
        for package in ("contracts", "services")
        for file in (ROOT / package).rglob("*.py")
        for module in _imported(file) - own
        if not {_normal(one) for one in of_module.get(module, [])} & (more if file.parent == EXPORTS else locked)
    }
    assert missing == set()
