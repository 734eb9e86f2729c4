"""docs/audit.md: its commands, pasted in order beside a sandbox, print what it shows; its tables leave out nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from services.chassis.audit.mismatches import What
from services.chassis.audit.offline import findings
from services.chassis.audit.refusals import RefusesToSign
from tests.docs.likeness import differences
from tests.docs.pages import ROOT, prose, steps
from tests.docs.reader import reading

PAGE: Final = ROOT / "docs" / "audit.md"
ROW: Final = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.xdist_group("readme")
def test_every_command_does_what_is_shown(tmp_path: Path) -> None:
    """OpenSSL finds the signature right, and the hash of an entry is the one in the tree."""
    pasted = steps(PAGE)
    with reading(tmp_path, pasted) as read:
        for step in pasted:
            came = read.pasted[step.commands.line]
            assert came.failed == (), came.printed
            assert step.shown is not None
            assert differences(step.shown.text, step.shown.kind, came.printed) == [], step.commands.text
            if "sha256sum" in step.commands.text:
                _, computed, served = came.printed.splitlines()
                assert re.fullmatch("[0-9a-f]{64}", computed)
                assert computed == served


def test_every_mismatch_and_every_refusal_is_explained() -> None:
    """And no other, but for a store that cannot be used, and for too few who cosign."""
    assert sorted(ROW.findall(prose(PAGE))) == sorted(
        [
            *{*What, *findings.What},
            *(refusal.__name__ for refusal in RefusesToSign.__subclasses__()),
            "QuorumMissed",
            "Unavailable",
        ]
    )
