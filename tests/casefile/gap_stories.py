"""The stories of a case in which a gap in services was reported: one with the gap open, one answered, in each state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from contracts import referral as told
from tests.casefile import stories
from tests.casefile.messages import CASE_ID, submitted
from tests.casefile.stories import ANSWERS, YEAR_LATER, Body, Story
from tests.support.actors import INES, LOTTE
from tests.support.dates import on

FIRST: Final = f"{CASE_ID}.g1"
GAP: Final[Body] = {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW"}
PROMISE: Final[Body] = {"gap": FIRST, "accepted": True, "action": "two more places", "due": "2029-06-29"}
REFUSAL: Final[Body] = {"gap": FIRST, "accepted": False, "reason": "the city does it"}
OTHER_GAP: Final[Body] = {"serviceKind": "LANGUAGE_COURSE", "gapType": "ABSENT"}


def referred() -> Story:
    """REFERRED: mentoring was chosen because there is no job coaching."""
    story = stories.declined()
    story.now = on(12, 1)
    story.book.tell(submitted(story.now, previous_referral="R-0", why_mentoring="SERVICE_GAP"))
    return story


def opened() -> Story:
    """OPENED: the organisation declined, and the gap is there as before."""
    no = {"reason": "CAPACITY_FULL", "re_referable": True, "suggestion": None}
    return referred().tell(told.ReferralDeclined, LOTTE, on(14, 1), **no)


def _reported(make: Callable[[], Story]) -> Callable[[], Story]:
    return lambda: make().act(LOTTE, "report-gap", GAP)


def closed() -> Story:
    """CLOSED: the gap outlasted the handback."""
    story = _reported(stories.handback_requested)()
    return story.act(INES, "accept-handback", {"decision": "CLOSE", "answers": ANSWERS}, on(6, 7))


def settled() -> Story:
    """CLOSED: every outcome is recorded, and the case waits for the answer to the gap."""
    story = closed()
    for point in stories.POINTS:
        story.act(INES, "record-outcome", {"point": point, **stories.OUTCOME}, YEAR_LATER)
    return story


def finalised() -> Story:
    """FINALISED: the gap is answered, and what was promised has its day to come."""
    story = settled().act(INES, "answer-gap", PROMISE)
    return story.passes("FINALISE", story.now + timedelta(hours=1))


def _answered(make: Callable[[], Story]) -> Callable[[], Story]:
    return lambda: make().act(INES, "answer-gap", PROMISE)


OPEN_GAPS: Final[dict[str, Callable[[], Story]]] = {
    "opened_with_a_gap": opened,
    "referred_for_a_gap": referred,
    "accepted_with_a_gap": _reported(stories.accepted),
    "matching_with_a_gap": _reported(stories.matching),
    "proposed_with_a_gap": _reported(stories.proposed),
    "mentoring_with_a_gap": _reported(stories.mentoring),
    "suspended_with_a_gap": _reported(stories.suspended),
    "handback_due_with_a_gap": _reported(stories.handback_due),
    "handback_requested_with_a_gap": _reported(stories.handback_requested),
    "closed_with_a_gap": closed,
    "settled_with_a_gap": settled,
}
GAP_STORIES: Final[dict[str, Callable[[], Story]]] = {
    **OPEN_GAPS,
    **{f"{name}_answered": _answered(make) for name, make in OPEN_GAPS.items() if name != "settled_with_a_gap"},
    "finalised_with_a_promise": finalised,
}
"""By the name of the situation: in every state one with an open gap, but for the last, and one with a promise."""
