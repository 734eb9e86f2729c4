"""What README says of the files in the data directory."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from tests.docs.pages import ROOT, prose
from tests.journeys.sandbox import Outsider, sandbox
from tests.support.people import AUDITOR, INES, LOTTE

_ROW: Final = re.compile(r"^\| (`[^|]*`) \| ([^|]*) \| ((?:yes|never|only)[^|]*) \|$", re.MULTILINE)
_LATER: Final = "there once "
"""How the table says of a file that it is not there from the first."""


def _told() -> dict[str, str]:
    """Every name in README's table of files, and what it says of deleting it."""
    rows = _ROW.findall(prose(ROOT / "README.md"))
    return {name.rstrip("/"): may for names, _, may in rows for name in re.findall(r"`([^`]+)`", names)}


def _at_first() -> set[str]:
    """The names in the table that it says are there from the first."""
    rows = _ROW.findall(prose(ROOT / "README.md"))
    found = [names for names, what, _ in rows if _LATER not in what]
    return {name.rstrip("/") for names in found for name in re.findall(r"`([^`]+)`", names)}


def _seen(developer: Outsider) -> list[Any]:
    """What people read of the demo, page after page; moments of reading left out."""
    case = developer.read(AUDITOR, "/v1/cases")["items"][0]["id"]
    lists = [developer.read(LOTTE, path)["items"] for path in ("/v1/referrals", "/v1/cases", "/v1/worklist")]
    return [developer.timeline(INES, case), developer.feed(LOTTE), *lists]


@pytest.mark.slow
def test_what_may_be_deleted_is_made_again(tmp_path: Path) -> None:
    """The files are those of the table; without those that may be deleted, everybody reads what they read before."""
    data = tmp_path / "var"
    with sandbox(data) as (_, developer):
        before = _seen(developer)
    told = _told()
    there = {file.name for file in data.iterdir()}
    assert there == _at_first()
    assert there < told.keys()
    for file, may in told.items():
        if may.startswith("yes") and file in there:
            shutil.rmtree(data / file) if (data / file).is_dir() else (data / file).unlink()
    with sandbox(data) as (_, developer):
        _wait_until_made_again(developer)
        assert _seen(developer) == before


def _wait_until_made_again(developer: Outsider) -> None:
    behind = True
    while behind:
        services = developer.http.get("/readyz").json()["services"].values()
        behind = any(any(service["behind"].values()) for service in services)
        assert not any(any(service["parked"].values()) or service["failing"] for service in services)
