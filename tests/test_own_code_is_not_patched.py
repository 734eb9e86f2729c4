"""What a test shows of our code it shows of the code as it is: nothing of it is replaced while a test runs.

A test that needs something else gives a parameter, or brings about the fault that it is about.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.house import CODE, ROOT, House

OURS: Final = (*CODE,)
PATCHERS: Final = ("setattr", "delattr", "setitem", "delitem", "patch", "object", "multiple")
"""Functions and methods that replace what another name holds; `object` and `multiple` are `patch`'s."""


def imported(tree: ast.Module) -> dict[str, str]:
    """Under which name a file knows what it imports: the full name of each."""
    names = dict[str, str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def root(node: ast.expr) -> str | None:
    """The name that an expression begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_ours(full_name: str) -> bool:
    """Whether a name begins with a package of this repository."""
    return full_name.partition(".")[0] in OURS


def targets(node: ast.AST) -> Iterator[ast.expr]:
    """What an assignment, or a deletion, is to."""
    waiting: list[ast.expr] = []
    match node:
        case ast.Assign(targets=found) | ast.Delete(targets=found):
            waiting = list(found)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            waiting = [target]
    while waiting:
        place = waiting.pop()
        if isinstance(place, ast.Tuple | ast.List):
            waiting += place.elts
        else:
            yield place


def patched(text: str) -> Iterator[tuple[int, str]]:
    """Each place where a file replaces something in code that is not its own: the line, and what it replaces."""
    tree = ast.parse(text)
    names = imported(tree)
    for node in ast.walk(tree):
        for target in targets(node):
            # Somebody else's inside, or what a module or a class of ours holds for all.
            inside = (
                isinstance(target, ast.Attribute) and target.attr.startswith("_") and not target.attr.endswith("__")
            )
            held = isinstance(target, ast.Attribute) and is_ours(names.get(root(target) or "", ""))
            if (inside and root(target) not in ("self", "cls")) or held:
                yield target.lineno, ast.unparse(target)
        if isinstance(node, ast.Call) and (
            ast.unparse(node.func).rpartition(".")[2] in PATCHERS or ast.unparse(node.func).endswith("patch.dict")
        ):
            yield from ((node.lineno, what) for what in _replaced(node, names))


def _replaced(call: ast.Call, names: dict[str, str]) -> Iterator[str]:
    match call.args:
        case [ast.Constant(value=str(name)), *_]:
            if is_ours(name):
                yield name
        case [object_, *_]:
            # A library's may be replaced, by its name; what a variable holds may be ours.
            full_name = names.get(root(object_) or "", "")
            if not full_name or is_ours(full_name):
                yield ast.unparse(object_)


def test_no_test_replaces_anything_in_our_code() -> None:
    """Neither in a module or a class, nor inside of an object; nor with a mock in its place."""
    found = [
        f"{path}:{line} {what}"
        for path, file in House.at(ROOT, ("tests",)).files.items()
        for line, what in patched(file.text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "monkeypatch.setattr('services.chassis.engines.migrations._Backend.mark_one', print)",
        "from services.chassis.operating import supervision\nmonkeypatch.setattr(supervision, 'FIRST_PAUSE', 8.0)",
        "from services.chassis.operating import supervision\nsupervision.FIRST_PAUSE = 8.0",
        "import services.chassis.operating.supervision as it\nit.FIRST_PAUSE = 8.0",
        "from services.chassis.log.postgres import PostgresEventLog\nPostgresEventLog.append = print",
        "from services.notifications import reactions\nsetattr(reactions, 'MESSAGES', {})",
        "from unittest import mock\nfrom services.a import b\nwith mock.patch.object(b, 'c'):\n    pass",
        "from unittest.mock import patch\nwith patch('services.a.b'):\n    pass",
        "from services.a import TABLE\nmonkeypatch.setitem(TABLE, 'a', 1)",
        "patch.setattr(index, '_written', print)",
        "here.service.projection._project = print",
        "whole, index._db = index._db, None",
        "del index._db",
    ],
)
def test_a_replacement_is_noticed(text: str) -> None:
    """In whichever form it is written."""
    assert len([*patched(text)]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import tempfile\nmonkeypatch.setattr(tempfile, 'tempdir', 'x')",
        "monkeypatch.setattr('sys.stderr', print)",
        "monkeypatch.setenv('CASERELAY_DATA', 'x')",
        "self._steps = 1",
        "here.trouble.project = print",
    ],
)
def test_what_is_not_our_code_may_be_replaced(text: str) -> None:
    """A library's, by its name; the environment; and what a test holds out for it."""
    assert [*patched(text)] == []
