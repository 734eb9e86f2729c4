"""The OpenAPI documents pass the linters that others would use, with no error and no warning."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.contracts.documents import CONTRACTS
from tests.support.contract_tools import CLIENTS, node, node_modules

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420), pytest.mark.xdist_group("clients")]

DOCUMENTS = sorted((CONTRACTS / "openapi").glob("*.json"))
PROBLEM = "application/problem+json"


def linted(tool: list[str], *documents: Path) -> subprocess.CompletedProcess[str]:
    """What a linter says of documents."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    command = [node(), str(node_modules() / tool[0]), *tool[1:], *map(str, documents)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=400, env={**os.environ, **quiet}
    )


SPECTRAL = [
    "@stoplight/spectral-cli/dist/index.js",
    "lint",
    "--fail-severity=hint",
    f"--ruleset={CLIENTS / 'spectral.yaml'}",
]
REDOCLY = ["@redocly/cli/bin/cli.js", "lint", f"--config={CLIENTS / 'redocly.yaml'}"]


WIDEST, SMALLEST = "sandbox.json", "notifications.json"


def read(name: str) -> dict[str, Any]:
    """A document as it is checked in."""
    document: dict[str, Any] = json.loads((CONTRACTS / "openapi" / name).read_text(encoding="utf-8"))
    return document


def problems(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Every answer of a document that is a problem; and its examples by name, each as text with their schema."""
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        for answer in operation["responses"].values():
            if (body := answer.get("content", {}).get(PROBLEM)) is not None:
                assert body.keys() == {"schema", "examples"}
                yield answer, {name: json.dumps([body["schema"], shown]) for name, shown in body["examples"].items()}


def said_once(document: dict[str, Any]) -> dict[str, Any]:
    """The document, in which no problem shows again what an earlier one has shown: an example, or the schema alone.

    Spectral reads a document with everything that is referred to in its place. Nine tenths of that are the schema of a
    problem, which it reads some thousand times, to find in two minutes what it has found at the first of them.
    """
    seen = set[str]()
    for answer, shown in problems(document):
        examples = answer["content"][PROBLEM]["examples"]
        for name in [name for name, text in shown.items() if text in seen]:
            del examples[name]
        if not examples:
            del answer["content"][PROBLEM]
        seen.update(shown.values())
    return document


def for_spectral(document: dict[str, Any], directory: Path) -> Path:
    """A file with the document as Spectral is to read it."""
    file = directory / f"{document['info']['title']}.json"
    file.write_text(json.dumps(said_once(document)), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", [WIDEST, SMALLEST])
def test_what_spectral_does_not_read_stands_where_it_does(name: str) -> None:
    """Each example with its schema, once; and nothing but problems was touched."""
    whole, once = read(name), said_once(read(name))
    there = [text for _, shown in problems(once) for text in shown.values()]
    assert sorted(there) == sorted({text for _, shown in problems(whole) for text in shown.values()})
    for document in (whole, once):
        for answer, _ in problems(document):
            del answer["content"][PROBLEM]
    assert whole == once


def test_what_a_document_says_stands_in_the_widest_word_for_word() -> None:
    """But for who it is and how its operations are grouped: what holds of the widest holds of each."""
    assert len(DOCUMENTS) == 5
    whole = read(WIDEST)
    for document in (read(file.name) for file in DOCUMENTS):
        assert {name for name in document if document[name] != whole[name]} <= {"info", "tags", "paths", "components"}
        assert document["paths"].items() <= whole["paths"].items()
        for kind, parts in document["components"].items():
            assert parts.items() <= whole["components"][kind].items()


def test_spectral_finds_nothing_in_any_document(tmp_path: Path) -> None:
    """What is stored is what is served, as `test_generated.py` and the tour see to.

    The smallest shows that a document of one service has what a rule wants.
    """
    said = linted(SPECTRAL, *(for_spectral(read(name), tmp_path) for name in (WIDEST, SMALLEST)))
    assert said.returncode == 0, said.stdout + said.stderr


def test_redocly_finds_nothing_in_any_document() -> None:
    """All of them, and in full."""
    said = linted(REDOCLY, *DOCUMENTS)
    assert said.returncode == 0, said.stdout + said.stderr


def broken_answer(document: dict[str, Any]) -> None:
    """An example that does not fit its schema."""
    answer = document["paths"]["/v1/feed"]["get"]["responses"]["200"]["content"]["application/json"]
    answer["example"]["next"] = 5


def broken_problem(document: dict[str, Any]) -> None:
    """The same of one that many operations show, and many as the first one does."""
    document["components"]["examples"]["TOKEN_MISSING"]["value"]["code"] = 5


@pytest.mark.parametrize("spoil", [broken_answer, broken_problem])
@pytest.mark.parametrize("tool", [SPECTRAL, REDOCLY], ids=["spectral", "redocly"])
def test_a_linter_sees_what_is_wrong(tool: list[str], spoil: Callable[[dict[str, Any]], None], tmp_path: Path) -> None:
    """Otherwise their silence would say nothing."""
    document = read(SMALLEST)
    spoil(document)
    assert linted(tool, for_spectral(document, tmp_path)).returncode == 1
