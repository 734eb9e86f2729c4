"""What users and operators read is plain English: no words that engineers do not use, and no sentences upside down.

The same holds for the names in the code of the services.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import pytest

from contracts.refusals import REFUSALS
from services.cli import main

ROOT: Final = Path(__file__).parents[2]

WORDS: Final = (
    r"anew",
    r"whoever",
    r"how-manieth",
    r"reckoned",
    r"thither|whither|hitherto|heretofore|aforesaid|thereof|therein|whereof|wherein|whereupon",
    r"nobody keeps|nobody between",
    r"nought",
)
"""By hand: words that no engineer writes today."""
INVERSIONS: Final = (
    r"(?:^|[.;:] )Who (?:has|is|was|sends|sent|asks|may|had|comes|acts|reads|waits|begins) (?!\w+\?)[^?]*?(?:$|[.;])",
    r"(?:^|[.;:] )What (?:stands|comes|is not|was not|has been) [^?]*?(?:$|[.;])",
    r"\b(?:there is|is there) nothing here\b",
    r"\bwait(?:s|ing)? aside\b",
    r"\bcome back\b",
    r"\bcalls again\b",
    r"\bwas told\b[^.]{0,20}\btold\b|\bthe told\b|\ba told\b",
    r"\bsays it;",
    r"(?<!\b[Tt]here )\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|fewer\b|earlier\b|later\b|[^.;]*\bthan\b)\w+",
    r"\bhas to be there\b",
    r"\bnot yours to say\b",
    r"\bat work as it may\b",
    r"\bIs it [a-z]+, can it\b",
    r"\bis it that\b",
)
"""By hand: turns of phrase that read as if translated word by word."""
FORBIDDEN: Final = re.compile("|".join((*(rf"(?i:\b(?:{word})\b)" for word in WORDS), *INVERSIONS)), re.MULTILINE)
LIBRARYS: Final = re.compile(r"\bInput should\b|\bvalid (?:dictionary|integer|string)\b|\bValue error\b")
"""What pydantic says of Python's types to a programmer, and not of JSON to a client."""


SPOKEN: Final = frozenset({"told", "asked", "said"})
"""Participles that say nothing of what a value is."""
JSON_NAMES: Final = frozenset({"asked_for", "asked_to_lead", "asked_to_coordinate", "NOT_TOLD"})
"""By hand: members and codes of answers, whose names are public."""
MODULES: Final = sorted([*(ROOT / "services").rglob("*.py"), *(ROOT / "contracts").rglob("*.py")])


def faults(text: str) -> list[str]:
    """What a text has that it should not."""
    return [found[0] for found in (*FORBIDDEN.finditer(text), *LIBRARYS.finditer(text))]


def texts_in(document: Any, names: frozenset[str]) -> Iterator[str]:
    """The texts of these members, however deep."""
    match document:
        case dict():
            for name, value in document.items():
                if name in names and isinstance(value, str):
                    yield value
                else:
                    yield from texts_in(value, names)
        case list():
            for one in document:
                yield from texts_in(one, names)
        case _:
            pass


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts in a module but for its docstrings: line and text, with … for what is put in when it runs."""
    match tree:
        case ast.Expr(value=ast.Constant()):
            return
        case ast.JoinedStr(values=parts):
            yield tree.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
        case ast.Constant(value=str(text)):
            yield tree.lineno, text
        case _:
            pass
    for part in ast.iter_child_nodes(tree):
        # The constant parts of a text with values in it were joined above.
        if not (isinstance(tree, ast.JoinedStr) and isinstance(part, ast.Constant)):
            yield from literals(part)


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The names that a module gives to what it defines, takes or binds, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name
            case ast.MatchMapping(rest=str(name)):
                yield node.lineno, name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((node.lineno, alias.asname) for alias in names if alias.asname is not None)
            case _:
                pass


def nameless(tree: ast.AST) -> list[tuple[int, str]]:
    """The identifiers that name nothing of the field."""
    return [
        (line, name)
        for line, name in identifiers(tree)
        if name not in JSON_NAMES and (name.strip("_").lower() == "one" or SPOKEN & set(name.lower().split("_")))
    ]


def found_in(texts: Iterator[str]) -> dict[str, list[str]]:
    """The faulty ones among them, with their faults."""
    return {text: found for text in texts if (found := faults(text))}


@pytest.mark.parametrize(
    "text",
    [
        "the service begins anew",
        "Whoever asks is told nothing",
        "the how-manieth message it is",
        "there is nothing here that you have a part in",
        "no message waits aside",
        "the reason's code says it; no text beside it",
        "Who has no part in a case learns nothing.",
        "the body is no valid JSON",
        "Input should be a valid dictionary",
        "this is not yours to say",
        "CASERELAY_DATABASE_URL is no PostgreSQL address",
        "the upcasts of a.v1 end at a.v2, which is no topic",
        "a `frozen` that is no boolean",
    ],
)
def test_the_test_finds_what_was_written(text: str) -> None:
    """Each stood in an answer or a page once."""
    assert faults(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "no such resource, or you are not a party to it",
        "no parked messages",
        "Who may read it? Everybody.",
        "there is no casefile log",
        "an agreement that is no longer in force",
    ],
)
def test_plain_sentences_pass(text: str) -> None:
    """A question may begin with its word."""
    assert faults(text) == []


def test_refusals_are_in_plain_words() -> None:
    """Titles and details: users and integrators read them daily."""
    written = json.loads((ROOT / "contracts" / "refusals.json").read_text(encoding="utf-8"))
    assert found_in(iter(REFUSALS.values())) == {}
    assert found_in(texts_in(written, frozenset({"detail"}))) == {}


@pytest.mark.parametrize("path", sorted((ROOT / "contracts" / "openapi").glob("*.json")), ids=lambda path: path.stem)
def test_documents_are_in_plain_words(path: Path) -> None:
    """Summaries, descriptions and details of the OpenAPI documents."""
    document = json.loads(path.read_text(encoding="utf-8"))
    assert found_in(texts_in(document, frozenset({"summary", "description", "detail"}))) == {}


@pytest.mark.parametrize(
    "path",
    sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_pages_are_in_plain_words(path: Path) -> None:
    """Every page but the decisions, which are not rewritten. Names of tests are names."""
    text = re.sub(r"`[^`]*`", "``", path.read_text(encoding="utf-8"))
    assert faults(text) == []


def commands(group: click.Group, name: str = "caserelay") -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name."""
    yield name, group
    for called, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {called}")
        else:
            yield f"{name} {called}", command


@pytest.mark.parametrize(("name", "command"), [*commands(main)], ids=lambda one: one if isinstance(one, str) else "")
def test_help_is_in_plain_words(name: str, command: click.Command) -> None:
    """As `--help` prints it, settings included."""
    with click.Context(command, info_name=name, terminal_width=10_000) as context:
        assert faults(command.get_help(context)) == []


def test_the_test_reads_what_errors_say() -> None:
    """Raised at once, by way of a variable, and with values in it; a docstring is not part of an error."""
    module = ast.parse('''
def check(value):
    """It is no text of an error."""
    if not value:
        raise ValueError("the value " f"{value!r} is no number")
    msg = "it is no topic"
    raise ValueError(msg)
''')
    assert list(literals(module)) == [(5, "the value … is no number"), (6, "it is no topic")]


def test_the_test_finds_names_that_name_nothing() -> None:
    """However such a name is bound; names that others gave and names with a number in them are no fault."""
    module = ast.parse(
        """
from contracts import referral as told
def was_told(asked, one_person): ...
def ask(found):
    self._said = [one for one in found]
    match found:
        case {"one": one, **said}: return one_of(found.one)
        case [*asked]: return asked_for
"""
    )
    assert sorted({name for _, name in nameless(module)}) == ["_said", "asked", "one", "said", "told", "was_told"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_errors_and_output_are_in_plain_words(path: Path) -> None:
    """Every text in the code of services and contracts: of exceptions, of refused starts, of the command line."""
    written = literals(ast.parse(path.read_text(encoding="utf-8")))
    assert [(line, text) for line, text in written if FORBIDDEN.search(text)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_identifiers_name_what_they_hold(path: Path) -> None:
    """Nouns and verbs of the field, and not `one`, `told`, `asked` or `said`."""
    assert nameless(ast.parse(path.read_text(encoding="utf-8"))) == []
