"""Every situation that a case can be in as far as rules tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from tests.casefile import escalation_stories, stories, task_stories
from tests.casefile.casebook import Casebook
from tests.casefile.change_stories import CHANGE_STORIES
from tests.casefile.charter_stories import CHARTER_STORIES
from tests.casefile.gap_stories import GAP_STORIES
from tests.casefile.stories import Body, Story
from tests.casefile.stranded_stories import stranded


@dataclass(frozen=True, slots=True)
class Situation:
    """What has been recorded so far, and when the next thing happens."""

    name: str
    book: Casebook
    at: datetime

    @property
    def state(self) -> str | None:
        """Where the case stands."""
        return self.book.case.state.value if self.book.case.state is not None else None


STORIES: Final[tuple[Callable[[], Story], ...]] = (
    Story,
    stories.declined,
    stories.referred,
    stories.received,
    stories.accepted,
    stories.twice_missed,
    stories.matching,
    stories.rejected,
    stories.to_be_rematched,
    stories.proposed,
    stories.one_yes,
    stories.confirmed,
    stories.mentoring,
    stories.in_march,
    stories.extension_proposed,
    stories.extended,
    stories.suspended,
    stories.suspended_and_asked,
    stories.suspended_for_too_long,
    stories.handback_due,
    stories.not_suitable,
    stories.handback_requested,
    stories.returned,
    stories.sent_again,
    stories.taken_back,
    stories.closed,
    stories.reopened,
    stories.a_year_later,
    stories.settled,
    stories.finalised,
    stories.unreached,
    stories.unmatched,
    stories.unanswered,
    stories.unsigned,
    stories.silent,
    stories.extension_undecided,
    stories.both_late,
    stories.progress_missed_by_both,
    stories.talked_and_reported,
    stories.paused_after_the_report,
    stories.suspended_for_a_month,
    stories.reviewed,
    stories.unreviewed,
    stories.proposed_again,
    stories.unreported,
    stories.nobody_reports,
    stories.not_completed,
    stories.never_completed,
    stories.unacknowledged,
    stories.exit_recorded,
    task_stories.led_by_the_mentor,
    task_stories.led_by_the_agency,
    task_stories.excepted_before_a_match,
    task_stories.excepted_with_a_proposal,
    task_stories.excepted_while_mentoring,
    task_stories.excepted_in_a_pause,
    *escalation_stories.STORIES,
)


@cache
def situations() -> tuple[Situation, ...]:
    """All of them, each an hour after the last thing that happened. They are looked at, and never changed."""
    of_a_concern = {**GAP_STORIES, **CHANGE_STORIES, **CHARTER_STORIES, stranded.__name__: stranded}
    named = [*((make.__name__, make) for make in STORIES), *of_a_concern.items()]
    told_once = ((name, make()) for name, make in named)
    return tuple(Situation(name, story.book, story.now + timedelta(hours=1)) for name, story in told_once)


HOLDS: Final[Mapping[str, Body]] = {
    "ContactAttempted": {"channel": "EMAIL"},
    "CheckInRecorded": {"mode": "VIDEO"},
    "MeetingRecorded": {"minutes": 45},
    "ProgressReported": {"progress": {"SOCIAL": "-"}},
    "TaskRecorded": {"minutes": 90},
    "SuspensionReviewed": {"occurredAt": "2026-03-31T08:00:00Z"},
    "OutcomeRecorded": {"code": "TRAINING"},
}
"""What holds instead, by the event that reported something else."""
ONLY_IN: Final[Mapping[str, frozenset[str]]] = {
    "left over by a rematch": frozenset(
        {"to_be_rematched", "proposed_again", "charter_changed_and_rematched", "charter_changed_and_proposed_again"}
    ),
    "owed after a rematch": frozenset({"charter_changed_and_rematched", "charter_changed_and_proposed_again"}),
    "nobody reports any more": frozenset({"nobody_reports"}),
    "the access has ended": frozenset({"nobody_reports", "never_completed"}),
    "somebody waits for it": frozenset(story.__name__ for story in escalation_stories.STORIES)
    - {"rejected_once_and_proposed", "silence_noticed"},
    "joins": frozenset({"rejected_twice_and_proposed", "in_distress", "silence_in_distress", "nobody_asked"}),
    "asked already": frozenset(
        {
            "raised_in_intake",
            "raised_in_matching",
            "raised_over_a_proposal",
            "raised_in_mentoring",
            "raised_in_a_pause",
            "raised_at_the_end",
            "raised_over_the_report",
        }
    ),
    "from its day on": frozenset({"a_year_later"}),
}
"""The situations that a row's note means, where it is one of the case and not of the command."""
