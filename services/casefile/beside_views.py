"""What stands beside the way of a case, such as its escalations, in its JSON shape."""

from __future__ import annotations

from datetime import datetime

from contracts.escalation_codes import EscalationState
from services.casefile.domain.contact_norm import months
from services.casefile.domain.open_escalations import is_open
from services.casefile.domain.state import Case
from services.casefile.domain.task_state import RoleException
from services.chassis.http.response.rendering import Json, as_json


def escalation_views(case: Case, seen_by: str | None) -> list[Json]:
    """What somebody was asked to see to; an organisation (`seen_by`) reads of it what was raised while it had it."""
    return [
        {
            "id": held.id,
            "reason": held.reason,
            "level": held.level,
            "match": held.match,
            "openedAt": held.opened_at,
            "contactDueAt": held.contact_due_at,
            "resolutionDueAt": held.resolution_due_at,
            "signals": list(held.joined),
            "state": (EscalationState.OPEN if is_open(case, held) else EscalationState.RESOLVED).value,
            "resolution": held.resolution,
        }
        for held in case.escalations
        if seen_by in (None, held.organisation)
    ]


def exception_view(known: RoleException) -> Json:
    """A one-off exception, from a task or from a rule."""
    kind: Json = {"task": known.task} if known.task is not None else {"rule": known.rule}
    return {"id": known.exception, **kind, "state": known.state}


def norm_view(case: Case, zone: str | None, now: datetime) -> list[Json]:
    """How often the pair met in each month of the running agreement, against the norm that it agreed on."""
    agreement = case.match.agreement if case.match is not None else None
    if agreement is None or case.trajectory is None or zone is None:
        return []
    meetings = [at for kind, _, at in case.trajectory.reported if kind == "MEETING"]
    return [as_json(month) for month in months(agreement, meetings, zone, now)]
