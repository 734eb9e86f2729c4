"""The stories of a case whose charter changed under a running match, wherever somebody still owes a word on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from services.casefile.domain.charter_change import NoticeCharter
from tests.casefile import stories
from tests.casefile.casebook import READY
from tests.casefile.stories import PROPOSAL, SECOND_MENTOR, Story
from tests.support.actors import CLOCK, LOTTE
from tests.support.dates import on


def _changed(make: Callable[[], Story]) -> Callable[[], Story]:
    def changed() -> Story:
        story = make()
        story.now += timedelta(hours=1)
        assert story.book.act(NoticeCharter(at=story.now, by=CLOCK))
        return story

    return changed


def rematched() -> Story:
    """MATCHING again: the coordinator still owes a word on the charter."""
    end = {"reason": "MISMATCH", "next": "REMATCH", "closureTalk": True}
    return _changed(stories.mentoring)().act(LOTTE, "end-match", end, on(1, 4))


def proposed_again() -> Story:
    """MATCH_PROPOSED: so too."""
    story = rematched()
    story.book.describe_mentor(replace(READY, charter_version="v2"), mentor=SECOND_MENTOR)
    return story.act(LOTTE, "propose-match", {**PROPOSAL, "mentorRef": SECOND_MENTOR})


CHARTER_STORIES: Final[dict[str, Callable[[], Story]]] = {
    "charter_changed": _changed(stories.mentoring),
    "charter_changed_in_a_pause": _changed(stories.suspended),
    "charter_changed_and_rematched": rematched,
    "charter_changed_and_proposed_again": proposed_again,
}
"""By the name of the situation."""
