"""The stories of a case in which somebody is asked to see to it: of distress, of silence, of what a person raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.casefile import stories
from tests.casefile.messages import submitted
from tests.casefile.stories import Body, Story
from tests.support.actors import INES, LOTTE
from tests.support.dates import on

OTHER: Final[Body] = {"reason": "OTHER"}
NO: Final[Body] = {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "BY_PHONE"}


def raised_in_intake() -> Story:
    """INTAKE: the coordinator is asked to see to something."""
    return stories.accepted().act(LOTTE, "raise-escalation", OTHER)


def raised_in_matching() -> Story:
    """MATCHING: so it is."""
    return stories.matching().act(LOTTE, "raise-escalation", OTHER)


def raised_over_a_proposal() -> Story:
    """MATCH_PROPOSED: so it is."""
    return stories.proposed().act(LOTTE, "raise-escalation", OTHER)


def raised_in_mentoring() -> Story:
    """MENTORING: so it is."""
    return stories.mentoring().act(LOTTE, "raise-escalation", OTHER)


def raised_in_a_pause() -> Story:
    """SUSPENDED: so it is."""
    return stories.suspended().act(LOTTE, "raise-escalation", OTHER)


def raised_at_the_end() -> Story:
    """HANDBACK_DUE: so it is."""
    return stories.handback_due().act(LOTTE, "raise-escalation", OTHER)


def raised_over_the_report() -> Story:
    """HANDBACK_REQUESTED: so it is."""
    return stories.handback_requested().act(LOTTE, "raise-escalation", OTHER)


def gone_back_with_it() -> Story:
    """OPENED: the agency took the case back, and what is open with it."""
    taken = {"decision": "RE_REFER", "nextService": "NEW_REFERRAL", "answers": stories.ANSWERS}
    return raised_over_the_report().act(INES, "accept-handback", taken)


def referred_with_it() -> Story:
    """REFERRED again, and it is still open."""
    story = gone_back_with_it()
    story.book.tell(submitted(story.now, referral="R-2", legal_basis_id="LB-2"))
    return story


def closed_with_it() -> Story:
    """CLOSED, and it is still open."""
    taken = {"decision": "CLOSE", "nextService": "DIPLOMA_DESK", "answers": stories.ANSWERS}
    return raised_over_the_report().act(INES, "accept-handback", taken)


def in_distress() -> Story:
    """MENTORING: a mentor gives the match a 2."""
    return stories.mentoring().act(LOTTE, "record-pulse", {"by": "MENTOR", "score": 2}, on(5, 3))


def rejected_once_and_proposed() -> Story:
    """MATCH_PROPOSED: the first mentor was rejected."""
    story = stories.rejected()
    return story.act(LOTTE, "propose-match", {**stories.PROPOSAL, "mentorRef": stories.SECOND_MENTOR})


def rejected_twice_and_proposed() -> Story:
    """MATCH_PROPOSED: two were rejected, and the coordinator is asked to see to it."""
    twice = rejected_once_and_proposed().act(LOTTE, "reject-match", NO)
    return twice.act(LOTTE, "propose-match", stories.PROPOSAL)


def silence_noticed() -> Story:
    """MENTORING: the pair has not met for three weeks."""
    return stories.mentoring().passes("SILENCE", on(13, 3))


def silence_in_distress() -> Story:
    """MENTORING: so it has not, and the mentor had given the match a 2."""
    return in_distress().passes("SILENCE", on(13, 3))


def nobody_asked() -> Story:
    """MENTORING: and the coordinator did not ask why."""
    return silence_noticed().passes("SILENCE_CHECK_IN", on(19, 3))


STORIES: Final[tuple[Callable[[], Story], ...]] = (
    raised_in_intake,
    raised_in_matching,
    raised_over_a_proposal,
    raised_in_mentoring,
    raised_in_a_pause,
    raised_at_the_end,
    raised_over_the_report,
    gone_back_with_it,
    referred_with_it,
    closed_with_it,
    in_distress,
    rejected_once_and_proposed,
    rejected_twice_and_proposed,
    silence_noticed,
    silence_in_distress,
    nobody_asked,
)
