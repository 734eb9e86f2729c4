"""The stories of a case in which tasks have a lead, and of exceptions that the organisation's lead is asked for."""

from __future__ import annotations

from tests.casefile.stories import Story, matching, mentoring, proposed, suspended
from tests.support.actors import INES, LOTTE


def led_by_the_mentor() -> Story:
    """MENTORING: the mentor gives feedback on the CV."""
    return mentoring().act(LOTTE, "claim-task", {"task": "CV_FEEDBACK"})


def led_by_the_agency() -> Story:
    """MENTORING: the counsellor does."""
    return mentoring().act(INES, "claim-task", {"task": "CV_FEEDBACK"})


def _asked(story: Story) -> Story:
    return story.act(LOTTE, "request-exception", {"task": "MONEY", "justification": "the card was lost"})


def excepted_before_a_match() -> Story:
    """MATCHING, while an exception is asked for."""
    return _asked(matching())


def excepted_with_a_proposal() -> Story:
    """MATCH_PROPOSED, so too."""
    return _asked(proposed())


def excepted_while_mentoring() -> Story:
    """MENTORING, so too."""
    return _asked(mentoring())


def excepted_in_a_pause() -> Story:
    """SUSPENDED, so too."""
    return _asked(suspended())
