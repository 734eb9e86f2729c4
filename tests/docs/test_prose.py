"""What users and operators read is plain English: no words that engineers do not use, and no sentences upside down."""

from __future__ import annotations

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
    r"\bis no (?:valid|JSON|directory|file|number|date|boolean|URL|HTTP)\b",
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
    ],
)
def test_the_test_finds_what_was_written(text: str) -> None:
    """Each stood in an answer or a page once."""
    assert faults(text) != []


@pytest.mark.parametrize(
    "text", ["no such resource, or you are not a party to it", "no parked messages", "Who may read it? Everybody."]
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
