"""README.md: its commands, pasted in order, print what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest

from services.chassis.settings import Settings
from tests.docs.likeness import differences
from tests.docs.pages import ROOT, Step, prose, steps, under
from tests.docs.reader import Pasted, Reading, reading
from tests.faults.test_servers_away import AWAY
from tests.support import chance, kafka, machines, postgres

README: Final = ROOT / "README.md"
MAKE_RUN, MAKE_TEST, *_REST = steps(README)
_OWN_SANDBOX: Final = [*under(README, "### With a mailbox", _REST), *under(README, "### With a Kafka client", _REST)]
PASTED: Final = [step for step in _REST if step not in _OWN_SANDBOX]
"""All but what needs a sandbox of its own: see `tests/docs/test_readme_boxes.py`."""

STOPS_BY_ITSELF: Final = "28 curl -sSN --max-time"
"""What curl says of a stream that it was told to listen to for a while only."""


pytestmark = pytest.mark.xdist_group("readme")  # one process pastes, and one only


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    """README, read once."""
    with reading(tmp_path_factory.mktemp("readme"), PASTED) as what_came_of_it:
        yield what_came_of_it


def _of_interest(pasted: Pasted) -> str:
    return "\n".join(line for line in pasted.printed.splitlines() if not line.startswith("curl: (28)"))


def test_the_first_two_commands_are_the_whole_set_up() -> None:
    """README begins with `make run` and `make test`, and the Makefile has both."""
    assert [MAKE_RUN.commands.text, MAKE_TEST.commands.text] == ["make run\n", "make test\n"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"run", "test"} <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_sandbox_says_what_is_shown(read: Reading) -> None:
    """The story under `make run` is the one that the sandbox tells, apart from where it runs and keeps its data."""
    assert MAKE_RUN.shown is not None
    shown = re.sub(r"at http://\S+ \(Ctrl-C stops it; data is kept in .*\)", "at …", MAKE_RUN.shown.text)
    assert differences(shown, "text", read.said) == []


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("step", PASTED, ids=lambda step: f"line {step.commands.line}")
def test_a_command_does_what_is_shown(step: Step, read: Reading) -> None:
    """Every command succeeds, and what it prints is what README shows."""
    pasted = read.pasted[step.commands.line]
    assert [one for one in pasted.failed if not one.startswith(STOPS_BY_ITSELF)] == [], pasted.printed
    printed = _of_interest(pasted)
    if step.shown is None:
        assert printed == ""
    else:
        assert differences(step.shown.text, step.shown.kind, printed) == []


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    """The table names each setting with its default, and no setting that there is not."""
    rows = dict(re.findall(r"^\| `(CASERELAY_\w+)` \| (.*?) \|", prose(README), re.MULTILINE))
    defaults = {
        f"CASERELAY_{name.upper()}": "none" if field.default is None else f"`{_written(field.default)}`"
        for name, field in Settings.model_fields.items()
    }
    assert rows == defaults


def _written(default: object) -> str:
    """As an operator writes it."""
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_every_setting_named_in_a_document_exists() -> None:
    """No document tells an operator to set a variable that nothing reads."""
    known = {f"CASERELAY_{name.upper()}" for name in Settings.model_fields}
    known |= {postgres.ADDRESS, postgres.IMAGE, kafka.SERVERS, kafka.IMAGE, AWAY, chance.VARIABLE, machines.MORE}
    for page in (*ROOT.glob("*.md"), ROOT / "docs" / "operating.md"):
        assert set(re.findall(r"\bCASERELAY_[A-Z][A-Z_]*\b", page.read_text(encoding="utf-8"))) <= known, page.name


def test_no_token_is_pasted_into_a_document() -> None:
    """Tokens are made on the spot; one that is pasted is stale at best."""
    for page in ROOT.rglob("*.md"):
        if not any(part.startswith(".") for part in page.relative_to(ROOT).parts):
            assert not re.search(r"eyJ[\w-]{10,}", page.read_text(encoding="utf-8")), page.name
