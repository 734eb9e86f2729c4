"""The report with which the organisation hands a case back; also the intake leads to one."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.match_end import MatchEnded, agreed_end, match_ended
from services.casefile.domain.organisation_part import access_after, trajectory_over
from services.casefile.domain.state import Case, Handback, referral_of, trajectory_of
from services.casefile.domain.steps import Awaiting, Moves, OpenStep, ended_by
from services.casefile.domain.terms import deadline
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import To


class HandbackRequested(Moves, frozen=True, kw_only=True):
    """The report. The organisation stays responsible until the agency accepts.

    `requested_at` is when it was sent, also where a report of something earlier (the third no-show) led to it;
    `ended_at` and `access` are set where the trajectory ends with it. `agreed` is the proposal by which the agency
    agreed to the end.
    """

    referral: str
    closure_reason: str
    outcomes: dict[str, str]
    open_needs: tuple[str, ...]
    recommended_next_step: str | None
    requested_at: datetime
    ended_at: datetime | None
    access: Deadline | None
    agreed: str | UnsetType = UNSET


def handed_back(
    context: Context,
    at: datetime,
    reason: str,
    *,
    outcomes: dict[str, str] | None = None,
    open_needs: tuple[str, ...] = (),
    recommended_next_step: str | None = None,
) -> list[HandbackRequested | MatchEnded | To]:
    """The report with the agency. The coordinator owns the step until the agency has accepted."""
    case = context.case
    trajectory = trajectory_of(case)
    due = deadline(context.terms, Step.HANDBACK_ACKNOWLEDGEMENT, at)
    waiting = OpenStep(
        step=Step.HANDBACK_ACKNOWLEDGEMENT.value,
        owner=trajectory.coordinator,
        since=at,
        deadlines=(due,),
        awaiting=Awaiting(org=case.agency, action="accept-handback", due_at=due.due_at),
    )
    ends_now = trajectory.ended_at is None
    return [
        *match_ended(context, reason, at),
        HandbackRequested(
            referral=referral_of(case),
            closure_reason=reason,
            outcomes=outcomes or {},
            open_needs=open_needs,
            recommended_next_step=recommended_next_step,
            requested_at=at,
            ended_at=at if ends_now else None,
            access=access_after(context, at) if ends_now else None,
            agreed=agreed_end(case),
            closes=ended_by(case.steps),
            opens=(waiting,),
        ),
    ]


def evolve(case: Case, event: HandbackRequested) -> Case:
    """The case with the report; the trajectory ends with it, unless it had ended before."""
    case = trajectory_over(case, event.access, event.ended_at)
    if (now := case.trajectory) is None:
        return case
    report = Handback(
        closure_reason=event.closure_reason,
        open_needs=event.open_needs,
        outcomes=event.outcomes,
        recommended_next_step=event.recommended_next_step,
        requested_at=event.requested_at,
        returned=now.handback.returned if now.handback is not None else None,
    )
    reported = replace(
        now, handback=report, ended_at=event.ended_at or now.ended_at, closure_reason=event.closure_reason
    )
    return replace(case, trajectory=reported)
