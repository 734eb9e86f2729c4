"""The commands on the shell that end by themselves, and those that refuse to begin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from tests.journeys.sandbox import Outsider, Program, run, sandbox
from tests.sandbox.issuer import issuing
from tests.support.people import INES, LOTTE
from tests.support.requests import samira

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("the shell")]

LOTTE_ASKS = ("token", "--org", "brugwerk", "--role", "NGO_COORDINATOR", "--sub", "lotte.claes")
HOURS_12 = 12 * 3600


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Outsider]]:
    """An empty sandbox and a developer at it."""
    with sandbox(tmp_path_factory.mktemp("shell") / "var", "--empty") as running:
        yield running


def test_token_prints_one_token_and_nothing_else(empty: tuple[Program, Outsider]) -> None:
    """It names the person, lasts twelve hours, and the sandbox takes it."""
    program, _ = empty
    printed = run(program.data, *LOTTE_ASKS)
    assert (printed.returncode, printed.stderr) == (0, "")
    (token,) = printed.stdout.split()
    assert printed.stdout == f"{token}\n"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.items() >= {"sub": "lotte.claes", "org": "brugwerk", "role": "NGO_COORDINATOR"}.items()
    assert claims["exp"] - claims["iat"] == HOURS_12
    answer = httpx.get(f"{program.url}/v1/worklist", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "--org", "brugwerk", "--role", "KING", "--sub", "lotte.claes"),
        ("token", "--org", "brugwerk", "--role", "SYSTEM", "--sub", "lotte.claes"),
        ("token", "--org", "", "--role", "NGO_COORDINATOR", "--sub", "lotte.claes"),
        ("token", "--org", "brugwerk", "--role", "NGO_COORDINATOR"),
    ],
)
def test_a_token_for_nobody_is_refused_in_words(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A role that nobody has, no organisation, no person: a message, a failure, and no token."""
    refused = run(tmp_path / "var", *arguments)
    assert refused.returncode not in {0, None}
    assert refused.stdout == ""
    assert refused.stderr.strip()
    assert "Traceback" not in refused.stderr


def test_replay_of_an_unknown_case_says_so_and_fails(empty: tuple[Program, Outsider], tmp_path: Path) -> None:
    """Neither in a log that is there, nor where there is none."""
    program, _ = empty
    for data in (program.data, tmp_path / "nothing"):
        refused = run(data, "replay", "no-such-case")
        assert refused.returncode == 1
        assert refused.stdout.strip() or refused.stderr.strip()
        assert "Traceback" not in refused.stderr
    assert not (tmp_path / "nothing").exists()


def test_replay_shows_the_case_while_the_sandbox_runs(empty: tuple[Program, Outsider]) -> None:
    """It reads the log alone, so it shows what the sandbox shows."""
    program, outside = empty
    outside.clock(INES, "2026-01-12T10:00:00Z")
    case = outside.refer(INES, samira()).json()["case"]
    outside.clock(INES, "2026-01-13T10:00:00Z")
    shown = run(program.data, "replay", case)
    assert shown.returncode == 0
    for item in outside.timeline(INES, case):
        assert item["type"] in shown.stdout
        assert item["text"] in shown.stdout
    assert "REFERRAL_ANSWER" in shown.stdout
    printed = run(program.data, "replay", case, "--json")
    assert (printed.returncode, printed.stderr) == (0, "")
    replayed = json.loads(printed.stdout)
    assert (replayed["case"], replayed["state"]) == (case, "REFERRED")
    assert [one["event"] for one in replayed["timeline"]] == [one["event"] for one in outside.timeline(INES, case)]
    assert [step["step"] for step in replayed["responsibility"]["steps"]] == ["REFERRAL_ANSWER"]
    for wrong in ("yesterday", "2026-13-01", "2026-01-12T10:00:00"):
        assert run(program.data, "replay", case, "--as-of", wrong).returncode == 2


def test_a_token_for_programs_says_how_long_it_lasts(empty: tuple[Program, Outsider]) -> None:
    """One JSON document with the same token."""
    program, _ = empty
    issued = json.loads(run(program.data, *LOTTE_ASKS, "--json").stdout)
    assert (issued["type"], issued["expiresIn"]) == ("Bearer", HOURS_12)
    answer = httpx.get(f"{program.url}/v1/worklist", headers={"Authorization": f"Bearer {issued['token']}"})
    assert answer.status_code == 200


def test_a_sandbox_does_not_start_on_a_port_that_is_taken(empty: tuple[Program, Outsider], tmp_path: Path) -> None:
    """It says so before it touches anything, and the one that runs is left in peace."""
    program, outside = empty
    before = outside.read(LOTTE, "/v1/feed", limit=200)
    refused = run(tmp_path / "other", "sandbox", port=program.port)
    assert refused.returncode == 2
    assert "CASERELAY_PORT" in refused.stderr
    assert not (tmp_path / "other").exists()
    assert outside.read(LOTTE, "/v1/feed", limit=200) == before


@pytest.mark.parametrize("which", ["all", "casefile"])
def test_production_does_not_start_without_an_issuer(tmp_path: Path, which: str) -> None:
    """It names the setting, and makes nothing."""
    refused = run(tmp_path / "var", "serve", which)
    assert refused.returncode == 2
    assert "CASERELAY_ISSUER" in refused.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9", "nonsense"])
def test_production_does_not_start_with_an_issuer_that_cannot_be_reached(tmp_path: Path, issuer: str) -> None:
    """Nobody could be let in: better no service than one that refuses everybody."""
    refused = run(tmp_path / "var", "serve", "all", issuer=issuer)
    assert refused.returncode == 2
    assert "CASERELAY_ISSUER" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "var").exists()


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Before anything starts, and without repeating its value."""
    with issuing() as issuer:
        refused = run(tmp_path / "var", "serve", "all", issuer=issuer.url, body_limit="secret-value")
    assert refused.returncode == 2
    assert "CASERELAY_BODY_LIMIT" in refused.stderr
    assert "secret-value" not in refused.stderr
