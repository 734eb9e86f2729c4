"""The end of a match, which ends with whatever ends around it; the mentor's place becomes free."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET
from msgspec.structs import replace

from contracts.casefile_codes import AfterMatch
from services.casefile.domain.mentor import MentorReleased, mentor_stream
from services.casefile.domain.organisation_part import trajectory_over
from services.casefile.domain.state import Case, EndedMatch, Trajectory
from services.casefile.domain.steps import Moves
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import To


class MatchEnded(Moves, frozen=True, kw_only=True):
    """The match ended; `next` is REMATCH or HANDBACK, None where something else ended the trajectory around it.

    `access` is set where the trajectory ends with it: the organisation's access ends so many weeks later.
    """

    match: str
    mentor: str
    reason: str
    side: str | None
    next: str | None
    closure_talk: bool
    ended_at: datetime
    access: Deadline | None = None


def match_ended(
    case: Case,
    reason: str,
    at: datetime,
    *,
    then: str | None = None,
    side: str | None = None,
    closure_talk: bool = False,
    access: Deadline | None = None,
    moves: Moves | None = None,
) -> list[MatchEnded | To]:
    """The end of the match, if there is one, and the mentor's place free again."""
    if case.match is None:
        return []
    moves = moves or Moves()
    ended = MatchEnded(
        match=case.match.match,
        mentor=case.match.mentor,
        reason=reason,
        side=side,
        next=then,
        closure_talk=closure_talk,
        ended_at=at,
        access=access,
        closes=moves.closes,
        opens=moves.opens,
    )
    return [*mentor_released(case, at), ended]


def mentor_released(case: Case, at: datetime) -> list[To]:
    """The mentor's place, free again, in the mentor's own stream: who was one of a pair waits for another since then."""
    if case.match is None or case.organisation is None:
        return []
    since = at if case.match.agreement is not None else UNSET
    released = MentorReleased(case=case.case, released_at=since)
    return [To(mentor_stream(case.organisation, case.match.mentor), released)]


def evolve(case: Case, event: MatchEnded) -> Case:
    """The case after the end of a match; with HANDBACK the trajectory ends as well."""
    case = trajectory_over(case, event.access, event.ended_at)
    if (now := case.trajectory) is None:
        return case
    over = match_over(now, event.reason)
    if event.next == AfterMatch.HANDBACK:
        over = replace(over, ended_at=event.ended_at, closure_reason=event.reason)
    return replace(case, trajectory=over)


def match_over(now: Trajectory, reason: str) -> Trajectory:
    """The trajectory without a running match; the one that ran stays to be read."""
    if now.match is None:
        return now
    ended = now.ended_matches.plus(EndedMatch(match=now.match, reason=reason))
    return replace(now, match=None, ended_matches=ended)
