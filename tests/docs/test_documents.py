"""All documents: what they link to, and the files and names that they speak of, exist."""

from __future__ import annotations

import ast
import importlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest

from services.cli import main
from tests.docs.pages import PAGES, ROOT, blocks, name, prose

_CODE: Final = re.compile(r"`([^`\n]+)`")
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH: Final = re.compile(r"(?:(?:services|contracts|deploy|tests|docs|\.ci)/(?!.*NNNN)[\w./*-]*|\w+\.(?:md|toml))\Z")
_TEST: Final = re.compile(r"(tests/[\w/]+\.py)::(\w+)\Z")
_NAME: Final = re.compile(r"((?:services|contracts|deploy)/[\w/]+)\.py:([\w.]+)\Z")

pytestmark = pytest.mark.parametrize("page", PAGES, ids=name)


def _code(page: Path) -> list[str]:
    return _CODE.findall(prose(page))


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@lru_cache
def _defined(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def test_every_link_leads_somewhere(page: Path) -> None:
    """A link inside the repository leads to a file that exists, and to a heading in it."""
    for link in _LINK.findall(prose(page)):
        if link.startswith("https://"):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_every_file_that_is_named_exists(page: Path) -> None:
    """A path in a document is that of a file or a directory, or matches some."""
    named = [code.rstrip("/") for code in _code(page) if _PATH.match(code)]
    assert [path for path in named if not list(ROOT.glob(path))] == []


def test_every_function_and_class_that_is_named_exists(page: Path) -> None:
    """`file:name` names something that the file defines."""
    for code in _code(page):
        if (found := _NAME.match(code)) is not None:
            thing: object = importlib.import_module(found[1].replace("/", "."))
            for part in found[2].split("."):
                assert hasattr(thing, part), code
                thing = getattr(thing, part)


def test_every_test_that_is_named_exists(page: Path) -> None:
    """`file::test` names a test of that file."""
    for code in _code(page):
        if (found := _TEST.match(code)) is not None:
            assert found[2] in _defined(ROOT / found[1]), code


def test_every_make_target_that_is_named_exists(page: Path) -> None:
    """Every `make something` in the documents can be run."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = [
        *_code(page),
        *(line for block in blocks(page) if block.kind == "sh" for line in block.text.splitlines()),
    ]
    asked = {found[1] for command in commands if (found := re.match(r"make ([a-z-]+)", command))}
    assert asked <= targets


def test_every_command_of_the_shell_that_is_named_exists(page: Path) -> None:
    """Every `caserelay something` in the documents can be run."""
    commands = re.findall(r"caserelay ([a-z]+)\b", " ; ".join(_code(page)))
    assert set(commands) <= main.commands.keys()
