"""What the shell says of itself: its version, its commands' help, and completion."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import click
import pytest

from services.chassis.settings import Settings
from services.cli import main
from tests.journeys.sandbox import COMMAND, environment, run, run_as_installed

ROOT: Final = Path(__file__).parents[2]
VARIABLES: Final = {f"CASERELAY_{name.upper()}" for name in Settings.model_fields}


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command."""
    found = list[tuple[str, ...]]()
    for name, command in group.commands.items():
        words = (*path, name)
        found += commands(command, words) if isinstance(command, click.Group) else [words]
    return found


def help_of(words: tuple[str, ...], tmp_path: Path) -> str:
    """What a command prints with `--help`."""
    shown = run(tmp_path / "var", *words, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert not (tmp_path / "var").exists()
    return shown.stdout


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_that_of_the_package(tmp_path: Path, option: str) -> None:
    """One line, and nothing is read or made for it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert run_as_installed(tmp_path / "var", option).stdout == f"caserelay {version}\n"
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_help_names_the_settings_that_a_command_reads(tmp_path: Path, words: tuple[str, ...]) -> None:
    """With their defaults, and none that does not exist."""
    text = re.sub(r"\s+", " ", help_of(words, tmp_path))
    named = set(re.findall(r"CASERELAY_[A-Z_]+", text))
    assert named <= VARIABLES
    expected: dict[tuple[str, ...], set[str]] = {
        ("bus", "topics"): {"CASERELAY_KAFKA_SERVERS", "CASERELAY_KAFKA_PARTITIONS"},
        ("sandbox",): VARIABLES,
        ("serve",): VARIABLES,
        ("migrate",): {"CASERELAY_DATABASE_URL"},
        ("token",): {"CASERELAY_DATA", "CASERELAY_AUDIENCE"},
        ("demo",): {"CASERELAY_DATA", "CASERELAY_AUDIENCE", "CASERELAY_HOST", "CASERELAY_PORT"},
        ("replay",): {"CASERELAY_DATA", "CASERELAY_DATABASE_URL"},
        ("mail", "bounced"): {"CASERELAY_PUBLIC_URL", "CASERELAY_HOST", "CASERELAY_PORT"},
        ("witness",): {"CASERELAY_CONNECTIONS", "CASERELAY_LOG_LEVEL"},
    }
    assert named >= expected.get(words, {"CASERELAY_DATA"})
    assert "[default: " in text or "[no default]" in text


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_that_ends_by_itself_has_json(tmp_path: Path, words: tuple[str, ...]) -> None:
    """All but those that run until they are stopped, and the demo, which tells a story to people."""
    runs = {("sandbox",), ("serve",), ("demo",), ("witness",)}
    assert ("--json" in help_of(words, tmp_path)) is (words not in runs)


def test_the_help_of_token_lists_the_roles(tmp_path: Path) -> None:
    """All that a person may hold; a role that is none is refused with the list."""
    listed = help_of(("token",), tmp_path)
    refused = run(tmp_path / "var", "token", "--org", "brugwerk", "--role", "KING", "--sub", "lotte.claes")
    assert refused.returncode == 2
    for role in (
        "AGENCY_COUNSELLOR",
        "AGENCY_TEAM_LEAD",
        "AGENCY_CONTROL",
        "NGO_COORDINATOR",
        "NGO_LEAD",
        "VOLUNTEER_MENTOR",
        "PROFESSIONAL_MENTOR",
        "MENTEE",
        "DPO",
        "AUDITOR",
        "OPERATOR",
    ):
        assert role in listed
        assert role in refused.stderr
    assert "SYSTEM" not in listed


def test_completion_completes(tmp_path: Path) -> None:
    """Commands, and the values that an option takes; as the shell asks for it."""
    for typed, offered in (("caserelay re", "replay"), ("caserelay token --role NGO", "NGO_LEAD")):
        words = typed.split()
        completed = subprocess.run(
            [COMMAND],
            env={
                **environment(tmp_path / "var", None),
                "_CASERELAY_COMPLETE": "bash_complete",
                "COMP_WORDS": typed,
                "COMP_CWORD": str(len(words) - 1),
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert f"plain,{offered}" in completed.stdout.splitlines()
