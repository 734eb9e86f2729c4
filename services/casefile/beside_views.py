"""What stands beside the way of a case, such as its escalations, in its JSON shape."""

from __future__ import annotations

from contracts.escalation_codes import EscalationState
from services.casefile.domain.open_escalations import is_open
from services.casefile.domain.state import Case
from services.chassis.http.response.rendering import Json


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
