"""What the worklist answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.answers import AllowedAction, Contract
from contracts.codes import Step
from contracts.terms import LadderLevel
from services.casefile.routes.responses import AwaitingAnswer, PartyAnswer


class WorklistItem(Contract):
    """What the caller must act on now, with the commands that do it.

    `step` is an open step of the case, or what waits beside them for one person's act: ERROR_CONFIRMATION,
    COUNSELLOR_HANDOVER, COORDINATOR_HANDOVER, GAP_ACTION, CHANGE_DECISION; the leads of a side find as MISSED_TERM what
    they were told of because it is still not done, and the case's lead what was missed of one of several offers.
    Mentors and mentees find their own case, without `clientRef`; until
    they are bound, `step` is MATCH_CONFIRMATION as long as their word is awaited, and nobody is named. The mentee finds
    `withdraw` for every consent by which an organisation still reads, bound or not; LEGAL_BASIS where no step is open.
    `organisationSuspended`: the case is offered to an organisation that the operator has suspended, or with it. The
    agency then finds the case here, also where others must act on it, with what it can do itself.
    """

    case: str
    client_ref: str | None = None
    step: (
        Step
        | Literal[
            "ERROR_CONFIRMATION",
            "COUNSELLOR_HANDOVER",
            "COORDINATOR_HANDOVER",
            "LEGAL_BASIS",
            "GAP_ACTION",
            "CHANGE_DECISION",
            "MISSED_TERM",
        ]
        | None
    )
    about: str | None = Field(
        default=None, description="The escalation, gap, proposal or missed term that it is about, of what is about one."
    )
    level: LadderLevel | None = Field(default=None, description="How far a term has come that was missed in it.")
    owner: PartyAnswer | None
    awaiting: AwaitingAnswer | None
    since: datetime | None
    due_at: datetime | None
    overdue: bool
    organisation_suspended: bool = False
    actions: list[AllowedAction]


class WorklistPage(Contract):
    """What must be acted on, most urgent first."""

    items: list[WorklistItem]
    next: str | None
