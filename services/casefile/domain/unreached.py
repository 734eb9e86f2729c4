"""An organisation could not be told of what waits for it: the side that sent it is asked to see to it.

That is the lead for an organisation, and the organisation's coordinator for the agency. It is settled by itself once
that one was told after all; until then somebody may resolve it by hand, as any escalation.
"""

from __future__ import annotations

from datetime import datetime

from contracts.codes import Step
from contracts.escalation_codes import EscalationReason, HowResolved
from services.casefile.domain.context import Context
from services.casefile.domain.escalation import EscalationResolved
from services.casefile.domain.open_escalations import EscalationRaised, Unreached, open_escalations, raised
from services.casefile.domain.state import BEFORE_CLOSED, Case, Escalation, lead_of
from services.casefile.domain.steps import Party, key_of
from services.chassis.modelling.decider import Command


class RaiseUnreached(Command, frozen=True, kw_only=True):
    """An organisation could not be told since then, and why (`contracts.telling_codes.NotToldReason`)."""

    organisation: str
    since: datetime
    why: str


class SettleUnreached(Command, frozen=True, kw_only=True):
    """An organisation that could not be told was told."""

    organisation: str


def raise_unreached(command: RaiseUnreached, context: Context) -> list[EscalationRaised]:
    """Asks the other side, once for an organisation as long as it is open; nobody, once the case is closed."""
    case = context.case
    if case.state not in BEFORE_CLOSED or _open(case, command.organisation) is not None:
        return []
    if any(
        (held.unreached, held.unreached_since) == (command.organisation, command.since) for held in case.escalations
    ):
        # The same word again, after somebody saw to it.
        return []
    unreached = Unreached(organisation=command.organisation, since=command.since, why=command.why)
    return [raised(context, EscalationReason.NOT_TOLD, unreached=unreached, owner=_sender(case, command.organisation))]


def settle_unreached(command: SettleUnreached, context: Context) -> list[EscalationResolved]:
    """Ends what was asked about the organisation, if it is open."""
    if (held := _open(context.case, command.organisation)) is None:
        return []
    return [
        EscalationResolved(
            resolution=HowResolved.REACHED.value,
            resolved_at=command.at,
            escalation=held.id,
            closes=(key_of(Step.ESCALATION.value, held.id),),
        )
    ]


def _open(case: Case, organisation: str) -> Escalation | None:
    return next((held for held in open_escalations(case) if held.unreached == organisation), None)


def _sender(case: Case, organisation: str) -> Party:
    if organisation == case.agency and case.trajectory is not None:
        return case.trajectory.coordinator
    return lead_of(case)
