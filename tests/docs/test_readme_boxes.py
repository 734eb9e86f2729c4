"""README.md: each kind of organisation is connected by pasting its box; that of the web server goes with the tour."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.docs.likeness import differences
from tests.docs.pages import ROOT, Step, steps, under
from tests.docs.reader import reading
from tests.journeys.sandbox import free_port

README: Final = ROOT / "README.md"
STEPS: Final = steps(README)
NEEDED: Final = [
    *under(README, "## Five minutes", STEPS)[:2],
    under(README, "## Connect an organisation", STEPS)[0],
]
"""What the boxes say that they go on from."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("readme")]


def _pasted(directory: Path, heading: str, **outside: str) -> list[Step]:
    """Pastes a box: its first block into the terminal of the sandbox, the others into another; what it shows, comes."""
    start, *box = under(README, heading, STEPS)
    assert start.commands.text.endswith("make run\n")
    with reading(directory, [*NEEDED, *box], start.commands.text, **outside) as read:
        for step in box:
            pasted = read.pasted[step.commands.line]
            assert pasted.failed == (), pasted.printed
            if step.shown is None:
                assert pasted.printed == ""
            else:
                assert differences(step.shown.text, step.shown.kind, pasted.printed) == [], step.commands.text
    return box


def test_an_organisation_with_a_mailbox_is_connected(tmp_path: Path) -> None:
    """A real mail server takes the letters; the person confirms the address, and accepts a referral by its link."""
    assert len(_pasted(tmp_path, "### With a mailbox", MAIL_PORT=str(free_port()))) == 3


def test_an_organisation_with_a_kafka_client_is_connected(
    tmp_path: Path, kafka_servers: str, kafka_prefix: str
) -> None:
    """A real broker has the organisation's topic, and the example reads from it."""
    outside = {"KAFKA_SERVERS": kafka_servers, "KAFKA_PREFIX": kafka_prefix, "CASERELAY_KAFKA_PREFIX": kafka_prefix}
    assert len(_pasted(tmp_path, "### With a Kafka client", **outside)) == 1


def test_every_box_is_pasted_by_some_test() -> None:
    """A fourth box needs a test of its own here."""
    headings = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("### With a ")]
    assert headings == ["### With a web server", "### With a mailbox", "### With a Kafka client"]
