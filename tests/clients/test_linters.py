"""The OpenAPI documents pass the linters that others would use, with no error and no warning."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.contracts.documents import CONTRACTS
from tests.support.contract_tools import CLIENTS, node, node_modules

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420), pytest.mark.xdist_group("clients")]

DOCUMENTS = sorted((CONTRACTS / "openapi").glob("*.json"))


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


def test_what_a_document_says_stands_in_the_widest_word_for_word() -> None:
    """But for who it is and how its operations are grouped: what holds of the widest holds of each."""
    assert len(DOCUMENTS) == 5
    read = {document.name: json.loads(document.read_text(encoding="utf-8")) for document in DOCUMENTS}
    whole = read[WIDEST]
    for document in read.values():
        assert {name for name in document if document[name] != whole[name]} <= {"info", "tags", "paths", "components"}
        assert document["paths"].items() <= whole["paths"].items()
        for kind, parts in document["components"].items():
            assert parts.items() <= whole["components"][kind].items()


@pytest.mark.parametrize(
    ("tool", "documents"),
    [
        # A minute for each three megabytes; the smallest shows that a document of one service has what a rule wants.
        (SPECTRAL, [document for document in DOCUMENTS if document.name in (WIDEST, SMALLEST)]),
        (REDOCLY, DOCUMENTS),
    ],
    ids=["spectral", "redocly"],
)
def test_a_linter_finds_nothing_in_any_document(tool: list[str], documents: list[Path]) -> None:
    """What is stored is what is served, as `test_generated.py` and the tour see to."""
    said = linted(tool, *documents)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("tool", [SPECTRAL, REDOCLY], ids=["spectral", "redocly"])
def test_a_linter_sees_what_is_wrong(tool: list[str], tmp_path: Path) -> None:
    """An example that does not fit its schema, for one: otherwise their silence would say nothing."""
    document: dict[str, Any] = json.loads((CONTRACTS / "openapi" / "notifications.json").read_text(encoding="utf-8"))
    answer = document["paths"]["/v1/feed"]["get"]["responses"]["200"]["content"]["application/json"]
    answer["example"]["next"] = 5
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document), encoding="utf-8")
    assert linted(tool, broken).returncode == 1
