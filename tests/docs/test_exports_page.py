"""docs/exports.md: its commands, pasted in order beside a sandbox, print what it shows; it leaves out no format."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from services.casefile.exports.formats import FORMATS
from services.casefile.exports.tables import TABLES
from services.export_shell import FORMATS as NAMES
from services.export_shell import TABLES as NAMES_OF_TABLES
from tests.docs.likeness import differences
from tests.docs.pages import ROOT, prose, steps
from tests.docs.reader import reading

PAGE: Final = ROOT / "docs" / "exports.md"


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.xdist_group("readme")
def test_every_command_does_what_is_shown(tmp_path: Path) -> None:
    """Manifests hold, and the digest on the last page of a PDF follows from the raw record."""
    # What is installed already stays.
    pasted = [step for step in steps(PAGE) if step.commands.text.strip() != "make exports"]
    with reading(tmp_path, pasted) as read:
        for step in pasted:
            came = read.pasted[step.commands.line]
            assert came.failed == (), came.printed
            assert step.shown is not None
            assert differences(step.shown.text, step.shown.kind, came.printed) == [], step.commands.text


def test_every_format_and_table_is_explained() -> None:
    """On the page, and to the shell, which does not load them for its help."""
    assert sorted(re.findall(r"^\| `(\w+)` \|", prose(PAGE), re.MULTILINE)) == sorted(FORMATS) == sorted(NAMES)
    assert tuple(TABLES) == NAMES_OF_TABLES
    for table in TABLES:
        assert f"`{table}`" in prose(PAGE)
