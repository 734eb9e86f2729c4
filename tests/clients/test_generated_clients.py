"""A client that is generated from the OpenAPI document compiles, and plays the tour of README."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.contracts.documents import CONTRACTS
from tests.journeys.sandbox import Outsider, sandbox
from tests.support.contract_tools import CLIENTS, client_python, node, node_modules
from tests.support.people import AUDITOR, INES, LOTTE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("clients")]

DOCUMENT = CONTRACTS / "openapi" / "sandbox.json"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outsider]:
    """A sandbox without stories, for both clients."""
    with sandbox(tmp_path_factory.mktemp("clients") / "var", "--empty") as (_, outside):
        outside.clock(INES, "2026-01-12T10:00:00Z")
        yield outside


def done(command: list[str], where: Path, **environment: str) -> str:
    """What a program said, which ended well."""
    ended = subprocess.run(
        command, cwd=where, capture_output=True, text=True, check=False, timeout=180, env={**os.environ, **environment}
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def tokens(outside: Outsider) -> dict[str, str]:
    """Whom the tour is told by."""
    return {
        name: outside.token(person)
        for name, person in {"AGENCY": INES, "ORGANISATION": LOTTE, "AUDITOR": AUDITOR}.items()
    }


def test_what_is_served_is_what_clients_are_made_from(running: Outsider) -> None:
    """The running sandbox answers the very document that is stored."""
    assert running.http.get("/openapi.json").json() == json.loads(DOCUMENT.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What openapi-typescript makes of the document."""
    where = tmp_path_factory.mktemp("types")
    done([node(), str(node_modules() / "openapi-typescript/bin/cli.js"), str(DOCUMENT), "-o", "schema.d.ts"], where)
    return where / "schema.d.ts"


def test_a_typescript_client_compiles_and_plays_the_tour(running: Outsider, types: Path, tmp_path: Path) -> None:
    """openapi-typescript's types under `tsc --strict`, with openapi-fetch."""
    modules = node_modules()
    (tmp_path / "node_modules").symlink_to(modules)
    shutil.copy(types, tmp_path)
    for name in ("package.json", "tour.ts", "tsconfig.json"):
        shutil.copy(CLIENTS / name, tmp_path)
    done([node(), str(modules / "typescript/bin/tsc"), "--project", "."], tmp_path)
    assert "the tour is over" in done([node(), "built/tour.js", running.url], tmp_path, **tokens(running))


def test_a_python_client_compiles_and_plays_the_tour(running: Outsider, tmp_path: Path) -> None:
    """openapi-python-client's package under `mypy --strict`, in an environment of its own."""
    python = client_python()
    shutil.copy(CLIENTS / "tour.py", tmp_path)
    made = done(
        [
            *(str(python), "-m", "openapi_python_client", "generate", "--path", str(DOCUMENT), "--meta", "none"),
            *(
                "--output-path",
                "caserelay_client",
                "--config",
                str(CLIENTS / "python-client.yaml"),
                "--fail-on-warning",
            ),
        ],
        tmp_path,
    )
    assert "Warning" not in made
    done([str(python), "-m", "mypy", "--strict", "tour.py"], tmp_path)
    assert "the tour is over" in done([str(python), "tour.py", running.url], tmp_path, **tokens(running))


def test_what_has_a_default_need_not_be_sent(types: Path) -> None:
    """A generator takes a default for a field that is always there; a request would have to name all of them."""
    text = types.read_text(encoding="utf-8")
    body = text[text.index("        ReferralBody: {") :]
    body = body[: body.index("\n        };")]
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    schema = document["components"]["schemas"]["ReferralBody"]
    assert set(schema["required"]) == {"programme", "client"}
    for name in schema["properties"]:
        assert (f"            {name}?: " in body) is (name not in schema["required"]), name
