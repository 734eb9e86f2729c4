"""Changes that an organisation proposed, in their JSON shape."""

from __future__ import annotations

from services.casefile.domain.open_matters import Proposal
from services.chassis.http.response.rendering import Json


def proposal_of_change(held: Proposal) -> Json:
    """What is proposed, by whom, and what became of it."""
    by = held.proposed_by
    return {
        "id": held.proposal,
        "change": held.change,
        "state": held.state,
        "by": {"role": by.role, "org": by.org, "sub": by.sub},
        "proposedAt": held.proposed_at,
        "dueAt": held.deadline.due_at,
        "reason": held.reason,
        "end": held.end,
        "coordinator": held.coordinator.sub if held.coordinator is not None else None,
    }
