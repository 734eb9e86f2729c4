"""The end of a match, which ends with whatever ends around it; the mentor's place becomes free."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple, Protocol

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.casefile_codes import AfterMatch, EndReason
from contracts.change_codes import ChangeKind, ProposalState
from services.casefile.domain.context import Context
from services.casefile.domain.mentor import MentorReleased, mentor_stream
from services.casefile.domain.organisation_part import trajectory_over
from services.casefile.domain.state import Case, EndedMatch, MentorAccess, Trajectory
from services.casefile.domain.steps import Moves
from services.casefile.domain.terms import deadline
from services.chassis.modelling.days import months_after
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import To

MENTOR_ACCESS: Final = "MENTOR_ACCESS"
MONTHS_OF_NOTICE: Final = 1
"""So long before is a mentor to say that they withdraw, so that another one can be found (domain reference 5)."""
_ENDS: Final = frozenset({ChangeKind.END.value, ChangeKind.NOT_RELEVANT.value})


class MatchEnded(Moves, frozen=True, kw_only=True):
    """The match ended; `next` is REMATCH or HANDBACK, None where something else ended the trajectory around it.

    `access` is set where the trajectory ends with it: the organisation's access ends so many weeks later.
    `mentor_access` is until when the mentor of a signed agreement still reads it. `agreed` is the proposal by which the
    agency agreed to the end. Of a mentor who withdrew it says since when that was known, and whether that was
    `short_notice`.
    """

    match: str
    mentor: str
    reason: str
    side: str | None
    next: str | None
    closure_talk: bool
    ended_at: datetime
    access: Deadline | None = None
    mentor_access: Deadline | UnsetType = UNSET
    agreed: str | UnsetType = UNSET
    notice_on: date | UnsetType = UNSET
    short_notice: bool | UnsetType = UNSET


class Notice(NamedTuple):
    """When a mentor who withdraws said so, None: nobody says; and whether that was less than a month before."""

    on: date | None
    short: bool


def notice_of(reason: str, on: date | None, last_day: date) -> Notice | None:
    """The notice that a mentor gave who withdrew; None where none did.

    Where nobody says since when it was known, it was known on the last day and no earlier.
    """
    if reason != EndReason.MENTOR_WITHDREW:
        return None
    return Notice(on, last_day < months_after(on or last_day, MONTHS_OF_NOTICE))


def match_ended(
    context: Context,
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
    case = context.case
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
        mentor_access=mentor_access_after(context, reason, at),
        agreed=agreed_end(case),
        closes=moves.closes,
        opens=moves.opens,
    )
    return [*mentor_released(case, at), ended]


def mentor_released(case: Case, at: datetime) -> list[To]:
    """The mentor's place, free again, in the mentor's own stream. One of a pair waits for another one since then."""
    if case.match is None or case.organisation is None:
        return []
    since = at if case.match.agreement is not None else UNSET
    released = MentorReleased(case=case.case, released_at=since)
    return [To(mentor_stream(case.organisation, case.match.mentor), released)]


def evolve(case: Case, event: MatchEnded) -> Case:
    """The case after the end of a match; with HANDBACK the trajectory ends as well."""
    case = mentor_reads_until(trajectory_over(case, event.access, event.ended_at), event.mentor_access)
    if (now := case.trajectory) is None:
        return case
    over = match_over(now, event.reason, notice_in(event))
    if event.next == AfterMatch.HANDBACK:
        over = replace(over, ended_at=event.ended_at, closure_reason=event.reason)
    return replace(case, trajectory=over)


def agreed_end(case: Case) -> str | UnsetType:
    """The proposal by which the agency agreed that it ends; the latest, if there were several."""
    approved = (
        held.proposal
        for held in reversed(case.proposals)
        if held.change in _ENDS
        and held.state == ProposalState.APPROVED
        and case.referral is not None
        and held.referral == case.referral.referral
    )
    return next(approved, UNSET)


def mentor_access_after(context: Context, reason: str, ended_at: datetime) -> Deadline | UnsetType:
    """When the mentor's access ends: so many weeks after the match, and with it where the person withdrew the consent.

    Before the signature there is none that could end.
    """
    match = context.case.match
    if match is None or match.agreement is None or reason == EndReason.CONSENT_WITHDRAWN:
        return UNSET
    return replace(deadline(context.terms, MENTOR_ACCESS, ended_at), name=f"{MENTOR_ACCESS}:{match.match}")


def mentor_reads_until(case: Case, expires: Deadline | UnsetType) -> Case:
    """The case whose match ends, and whose mentor may read it until then."""
    if expires is UNSET or case.match is None or case.referral is None:
        return case
    access = MentorAccess(
        match=case.match.match,
        mentor=case.match.mentor,
        referral=case.referral.referral,
        organisation=case.referral.organisation,
        expires=expires,
    )
    return replace(case, mentor_accesses=case.mentor_accesses.plus(access))


class Ends(Protocol):
    """An event that ends a match, and may say how much notice its mentor gave."""

    @property
    def notice_on(self) -> date | UnsetType:
        """When the mentor said so."""

    @property
    def short_notice(self) -> bool | UnsetType:
        """Whether that was less than a month before."""


def notice_in(event: Ends) -> Notice | None:
    """The notice that an event keeps; None where no mentor withdrew."""
    return None if event.short_notice is UNSET else Notice(event.notice_on or None, event.short_notice)


def match_over(now: Trajectory, reason: str, notice: Notice | None = None) -> Trajectory:
    """The trajectory without a running match; the one that ran stays to be read."""
    if now.match is None:
        return now
    ended = EndedMatch(match=now.match, reason=reason)
    if notice is not None:
        ended = replace(ended, notice_on=notice.on, short_notice=notice.short)
    return replace(now, match=None, ended_matches=now.ended_matches.plus(ended))
