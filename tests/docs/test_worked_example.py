"""CONTRIBUTING.md: who does what the worked example says, on a copy, has a command that works and a clean check."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import ROOT
from tests.docs.worked_example import PAGE, Change, Stale, change, changes, copy_of_the_repository

CHECKS: Final = (
    "tests/casefile/test_ask_for_report.py",
    "tests/casefile/test_case_table.py",
    "tests/contracts/test_generated.py",
    "tests/contracts/test_golden_corpus.py",
    "tests/contracts/test_golden_messages.py",
    "tests/contracts/test_openapi.py",
    "tests/contracts/test_refusals.py",
    "tests/test_house.py",
)
"""The test of the example, and the tests that say what else was forgotten."""
KEPT: Final = {
    "contracts/http_examples/case-ask-for-report.json",
    "contracts/examples/org.caserelay.case.report_asked_for.v1/1.json",
    "tests/casefile/golden/events/case.report_asked_for.v1.json",
}
"""The samples of what is new."""
BY_HAND: Final = 8
"""Files that somebody writes for a command with an event, a deadline and a message, its tests included."""
FORGOTTEN: Final = {
    "the row": "services/casefile/events.py",
    "the fold": "services/casefile/domain/mentoring.py",
}


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in the copy, where its modules are found before those that are installed."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def performed(copy: Path, example: list[Change]) -> Path:
    """The copy after the changes of the example."""
    for one in example:
        one.apply(copy)
    return copy


def test_the_example_names_each_file_that_is_touched_once() -> None:
    """What CONTRIBUTING.md counts is what a reader has to write."""
    paths = [one.path for one in changes()]
    assert len(paths) == len(set(paths)) == BY_HAND
    assert f"It takes {BY_HAND} files" in PAGE.read_text(encoding="utf-8")
    assert [one.path for one in changes() if not one.is_new and not (ROOT / one.path).exists()] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_who_follows_the_example_has_a_command_that_works(tmp_path: Path) -> None:
    """Blocks applied, a sample of each new thing kept, contracts generated: then every check is content."""
    copy = performed(copy_of_the_repository(tmp_path / "copy"), changes())
    kept = run(copy, "-m", "tests.support.samples")
    assert kept.returncode == 0, kept.stdout
    assert {line for line in kept.stdout.splitlines() if line in KEPT} == KEPT
    generated = run(copy, "-m", "deploy.contracts")
    assert generated.returncode == 0, generated.stdout
    assert "contracts/schemas/org.caserelay.case.report_asked_for.v1.json" in generated.stdout.splitlines()
    checked = run(copy, "-m", "pytest", "-q", *CHECKS, "-p", "no:cacheprovider")
    assert checked.returncode == 0, checked.stdout
    manners = ("tests/casefile/test_actions_http.py", "-k", "ask-for-report or tested")
    checked = run(copy, "-m", "pytest", "-q", *manners, "-p", "no:cacheprovider")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", FORGOTTEN.values(), ids=FORGOTTEN)
def test_the_type_checker_names_what_was_forgotten(tmp_path: Path, path: str) -> None:
    """A new event that one of those who have to deal with it does not know is an error there, before any test runs."""
    text = (ROOT / path).read_text(encoding="utf-8")
    copy = performed(copy_of_the_repository(tmp_path / "copy"), changes())
    changed = (copy / path).read_text(encoding="utf-8")
    # Of the domain's file the event stays, and only the fold forgets it.
    begin = changed.index("        case ReportAskedFor():") if path.endswith("mentoring.py") else None
    if begin is None:
        (copy / path).write_text(text, encoding="utf-8")
    else:
        end = changed.index("        case ", begin + 1)
        (copy / path).write_text(changed[:begin] + changed[end:], encoding="utf-8")
    found = run(copy, "-m", "mypy", "--cache-dir", str(tmp_path / "mypy"), path)
    assert found.returncode == 1, found.stdout
    assert f"{path}:" in found.stdout
    assert "assert_never" in found.stdout
    assert "ReportAskedFor" in found.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_type_checker_names_a_message_of_the_referral_service_without_a_sentence(tmp_path: Path) -> None:
    """A case takes it in under its name, which stands on the timeline with a sentence."""
    copy = copy_of_the_repository(tmp_path / "copy")
    entry = copy / "services/casefile/domain/referral_entry.py"
    names = 'EntryName = Literal[\n    "ReferralParked",'
    text = entry.read_text(encoding="utf-8").replace("EntryName = Literal[", names)
    entry.write_text(text, encoding="utf-8")
    sentences = "services/casefile/sentences.py"
    found = run(copy, "-m", "mypy", "--cache-dir", str(tmp_path / "mypy"), sentences)
    assert found.returncode == 1, found.stdout
    assert f"{sentences}:" in found.stdout
    assert "assert_never" in found.stdout
    assert "ReferralParked" in found.stdout


def test_a_block_that_fits_no_more_is_noticed(tmp_path: Path) -> None:
    """The place is gone, or there are two of it; a line that stays may be named by how it begins."""
    file = tmp_path / "list.py"
    file.write_text("one = 1\ntwo = 2\nthree = 3\n")
    change("--- list.py\n one…\n+once = 1\n@@\n-three = 3\n+three = 4\n").apply(tmp_path)
    assert file.read_text() == "one = 1\nonce = 1\ntwo = 2\nthree = 4\n"
    for block in (
        "--- list.py\n four = 4\n+five = 5\n",
        "--- list.py\n o…\n+six = 6\n",
        "+++ list.py\n+seven = 7\n",
        "list.py\n+eight = 8\n",
    ):
        with pytest.raises(Stale):
            change(block).apply(tmp_path)
    assert PAGE.exists()
