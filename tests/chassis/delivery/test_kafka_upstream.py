"""The library for Kafka is used by what it exports; the rest stands in one file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis.delivery.kafka import upstream

EXPORTED = {"kafka", "kafka.errors"}
FOLDER = Path(upstream.__file__).parent
SERVICES = FOLDER.parents[2]


def modules_of_the_library(tree: ast.AST) -> Iterator[str]:
    """What a file imports of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


def insides(text: str) -> set[str]:
    """Modules of the library that it does not export, and private names of anything but `self` and `cls`."""
    tree = ast.parse(text)
    modules = {one for one in modules_of_the_library(tree) if one.partition(".")[0] == "kafka"} - EXPORTED
    return modules | {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.name)
def test_only_one_file_reaches_into_the_library(file: Path) -> None:
    """And that one does, or this would show nothing."""
    assert bool(insides(file.read_text(encoding="utf-8"))) is (file.name == "upstream.py")


def test_nothing_outside_the_folder_knows_the_library() -> None:
    """Whatever else a service does, it does through the port of the bus."""
    knowing = {
        file.relative_to(SERVICES).as_posix()
        for file in SERVICES.rglob("*.py")
        if file.parent != FOLDER
        and any(one.partition(".")[0] == "kafka" for one in modules_of_the_library(ast.parse(file.read_text("utf-8"))))
    }
    assert knowing == set()


def test_each_piece_says_which_fault_or_gap_it_is_for() -> None:
    """By its docstring, or for an import by the comment above it."""
    text = (FOLDER / "upstream.py").read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            assert "Fault:" in (ast.get_docstring(node) or ""), node.name
    inside = [n for n, line in enumerate(lines) if line.startswith("from kafka.") and "kafka.errors" not in line]
    for n in inside:
        before = [line for line in lines[:n] if not line.startswith("from kafka.")][-1]
        assert before.startswith(("# Fault:", "# Gap:")), lines[n]
