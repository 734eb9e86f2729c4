"""The stories of a case in which a change is proposed: of each kind, in each state in which it may be open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.casefile import stories
from tests.casefile.messages import CASE_ID
from tests.casefile.stories import Body, Story
from tests.support.actors import LOTTE

FIRST: Final = f"{CASE_ID}.p1"
END: Final[Body] = {"change": "END", "reason": "GOAL_REACHED"}
EXTEND: Final[Body] = {"change": "EXTEND", "months": 1}
COORDINATOR: Final[Body] = {"change": "COORDINATOR", "coordinator": "hanne.wouters"}
NOT_RELEVANT: Final[Body] = {"change": "NOT_RELEVANT", "reason": "NEEDS_OTHER_SUPPORT"}
EVERY_CHANGE: Final = (END, EXTEND, COORDINATOR, NOT_RELEVANT)
DECISIONS: Final[tuple[Body, ...]] = (
    {"proposal": FIRST, "approved": True},
    {"proposal": FIRST, "approved": False, "reason": "not yet"},
)
IN_STATES: Final[dict[str, Callable[[], Story]]] = {
    "accepted": stories.accepted,
    "matching": stories.matching,
    "proposed": stories.proposed,
    "mentoring": stories.mentoring,
    "suspended": stories.suspended,
    "handback_due": stories.handback_due,
    "handback_requested": stories.handback_requested,
}


def _proposed(make: Callable[[], Story], body: Body) -> Callable[[], Story]:
    return lambda: make().act(LOTTE, "propose-change", body)


CHANGE_STORIES: Final[dict[str, Callable[[], Story]]] = {
    **{f"coordinator_proposed_when_{name}": _proposed(make, COORDINATOR) for name, make in IN_STATES.items()},
    **{
        f"not_relevant_when_{name}": _proposed(make, NOT_RELEVANT)
        for name, make in IN_STATES.items()
        if not name.startswith("handback")
    },
    "end_proposed": _proposed(stories.mentoring, END),
}
"""By the name of the situation. An extension is proposed in the stories of its own."""
