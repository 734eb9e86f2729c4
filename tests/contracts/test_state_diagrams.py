"""The diagrams in docs/states.md have the ways from state to state of the tables in docs/domain.md, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest

from deploy.contracts.documents import checked_in
from tests.support.domain_page import (
    CASE_BY_ITSELF,
    CASE_COMMANDS,
    REFERRAL_BY_ITSELF,
    REFERRAL_COMMANDS,
    lines,
    table,
)

Way = tuple[str, str, str]
"""By what, from which state ([*]: nothing is recorded), to which."""
START: Final = "[*]"
CASE_OF_A_BROADCAST: Final = "What a case makes of a broadcast"
OF_OTHER_OFFERS: Final = frozenset({"OfferWon", "BroadcastEnded"})
"""The page has them in the table of a broadcast, by what happens to it: `test_ways_of_offers.py` tries them."""
_ARROW: Final = re.compile(r"^    (\S+) --> (\S+)(?:: (.+))?$", re.MULTILINE)


def drawn(heading: str) -> set[Way]:
    """The arrows of the diagram under a heading, but for those that only mark the end."""
    text = checked_in()["docs/states.md"]
    diagram = text.partition(f"## {heading}\n")[2].partition("```mermaid\n")[2].partition("```")[0]
    arrows = _ARROW.findall(diagram)
    return {(name, since, to) for since, to, names in arrows if names for name in names.split(", ")}


def written(*headings: str) -> Iterator[Way]:
    """The ways in the tables under headings."""
    for row in (row for heading in headings for row in table(heading)):
        if row.to is not None:
            yield from ((row.command, state or START, row.to) for state in row.states if state != row.to)


def of_a_broadcast() -> Iterator[Way]:
    """What a case makes of offers to several organisations."""
    for cells in lines(CASE_OF_A_BROADCAST):
        name, to = cells["What happens"].partition("`, ")[0].strip("`"), cells["To"].strip("`")
        for since in cells["From"].replace("`", "").split(", "):
            if since != to:
                yield name, START if since == "\N{EN DASH}" else since, to


@pytest.mark.parametrize(
    ("heading", "ways"),
    [
        ("A referral", {*written(REFERRAL_COMMANDS, REFERRAL_BY_ITSELF)}),
        ("A case", {*written(CASE_COMMANDS, CASE_BY_ITSELF), *of_a_broadcast()}),
    ],
    ids=["referral", "case"],
)
def test_a_diagram_has_the_ways_of_the_page(heading: str, ways: set[Way]) -> None:
    """Each arrow is a row of the page, and each row that changes the state is an arrow."""
    arrows = {way for way in drawn(heading) if heading == "A case" or way[0] not in OF_OTHER_OFFERS}
    assert sorted(arrows - ways) == []
    assert sorted(ways - arrows) == []
