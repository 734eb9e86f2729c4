"""What the casefile service is sent about changes that one side proposes to the other, and answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from contracts.answers import ActorAnswer, Contract
from contracts.change_codes import ChangeKind, ProposalState
from contracts.fields import Body, CalendarDate, Code, Count, Flag, FreeText, Identifier, StaffId


class ProposeChangeBody(Body):
    """A change: END and NOT_RELEVANT have a `reason`, COORDINATOR a `coordinator`.

    EXTEND has a day or a number of months; without either, it is the longest there is.
    """

    change: ChangeKind
    reason: Code | None = None
    end: CalendarDate | None = None
    months: Annotated[Count, Field(ge=1, le=60)] | None = None
    coordinator: StaffId | None = None


class DecideChangeBody(Body):
    """The agency's decision on a proposal, and why; the reason goes to the vault."""

    proposal: Identifier
    approved: Flag
    reason: FreeText | None = None


class WithdrawChangeBody(Body):
    """The proposal that is taken back."""

    proposal: Identifier


class ProposedChangeAnswer(Contract):
    """A change that the organisation proposed, `by` whom, and what became of it; it is decided by `dueAt`."""

    id: str
    change: ChangeKind
    state: ProposalState
    by: ActorAnswer
    proposed_at: datetime
    due_at: datetime
    reason: str | None = None
    end: date | None = None
    coordinator: str | None = None
