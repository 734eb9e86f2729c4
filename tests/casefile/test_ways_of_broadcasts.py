"""Where offers to several organisations lead a case, against the rows that say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from contracts import broadcast as told
from contracts.referral import ReferralMessage
from services.casefile.other_commands import OTHER_COMMANDS
from tests.casefile import stories
from tests.casefile.messages import about, submitted
from tests.casefile.stories import Story
from tests.support.actors import INES

BEFORE: Final[dict[str | None, Callable[[], Story]]] = {
    None: Story,
    "OPENED": stories.declined,
    "CLOSED": stories.closed,
    "FINALISED": stories.finalised,
}
"""From where the agency may offer the person to several: a case that is over meanwhile is opened by it."""


def declared(name: str) -> set[tuple[str | None, str]]:
    """The ways that the rows have for a message."""
    moves = (move for row in OTHER_COMMANDS for move in row.leads_to if move.cause == name)
    return {(since, move.to) for move in moves for since in move.since}


def tell(story: Story, kind: type[Any], **fields: Any) -> tuple[str | None, str]:
    """A message about the broadcast; the states of the case before it and after."""
    before = story.book.case.state
    story.now += timedelta(hours=1)
    message = about(ReferralMessage, INES, story.now)
    of_one = ("referral", "organisation")
    common = {name: getattr(message, name) for name in message.__struct_fields__ if name not in of_one}
    story.book.tell(kind(**common, broadcast="B-1", **fields))
    return before, str(story.book.case.state)


@pytest.mark.parametrize("state", BEFORE, ids=str)
def test_a_case_goes_where_the_rows_of_its_broadcasts_lead(state: str | None) -> None:
    """It is referred from each state that the rows name, and returned by the end of the offers."""
    story = BEFORE[state]()
    assert story.book.case.state == state
    packet = submitted(story.now)
    same = ("client_ref", "previous_referral", "support_needs", "why_mentoring", "alternative_considered", "deadlines")
    fields = {name: getattr(packet, name) for name in (*same, "recommended_mentor_kind", "eligibility")}
    offers = [told.OfferedTo(organisation=org, referral=f"R-{org}", legal_basis=f"LB-{org}") for org in ("a", "b")]
    opened = tell(
        story,
        told.BroadcastOpened,
        offers=offers,
        legal_basis="CONSENT",
        participation_choice=packet.participation_choice,
        **fields,
    )
    assert opened in declared("BroadcastOpened")
    ended = tell(story, told.BroadcastEnded, state="WITHDRAWN", reason="CLIENT_MOVED")
    assert ended in declared("BroadcastEnded")


def test_no_row_leads_a_case_from_anywhere_else() -> None:
    """What is declared is tried here."""
    assert declared("BroadcastOpened") == {(state, "REFERRED") for state in BEFORE}
    assert declared("BroadcastEnded") == {("REFERRED", "OPENED")}
