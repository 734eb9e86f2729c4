"""An organisation's part in a case and its end: when its access expires, and what stays to be read."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.state import Case, Earlier
from services.casefile.domain.steps import find
from services.casefile.domain.terms import Deadline, deadline


def access_after(context: Context, ended_at: datetime) -> Deadline:
    """When the organisation's access ends: so many weeks after its part has (rule A)."""
    return deadline(context.terms, "NGO_ACCESS", ended_at)


def access_ends(
    case: Case, referral: str, *, reason: str | None = None, expires: Deadline | None = None, closed: bool = False
) -> Case:
    """The case once the access that goes with a referral has ended, has a last day, or is closed."""
    # From the end: it is the last one, except for what comes long after its end.
    for place in reversed(range(len(case.accesses))):
        if (access := case.accesses[place]).referral == referral:
            changed = replace(
                access,
                ended=reason or access.ended,
                expires=expires or access.expires,
                closed=closed or access.closed,
            )
            return replace(case, accesses=case.accesses.changed(place, changed))
    return case


def trajectory_over(case: Case, access: Deadline | None, ended_at: datetime | None) -> Case:
    """The case once its trajectory is over: the access expires, and the person has left. Nothing without `access`."""
    if access is None or case.referral is None:
        return case
    return replace(access_ends(case, case.referral.referral, expires=access), exit_at=ended_at)


def back_with_agency(
    case: Case,
    *,
    ended_by: str,
    reason: str | None,
    decision: str | None = None,
    next_service: str | None = None,
    answers: dict[str, str] | None = None,
) -> Case:
    """The case back with its agency; what there was stays to be read."""
    earlier = case.earlier
    if case.referral is not None:
        # The lead's next step began with the end.
        begun = find(case.steps, Step.NEXT_SERVICE)
        earlier = earlier.plus(
            Earlier(
                referral=case.referral.referral,
                organisation=case.referral.organisation,
                ended_by=ended_by,
                reason=reason,
                ended_at=begun.since if begun is not None else None,
                trajectory=case.trajectory,
                decision=decision,
                next_service=next_service,
                answers=answers or {},
            )
        )
    return replace(
        case,
        referral=None,
        trajectory=None,
        proposed_coordinator=None,
        takes_over_by_acting=False,
        earlier=earlier,
    )
