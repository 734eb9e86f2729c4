"""What the casefile service is sent about gaps in services, and answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from contracts.answers import ActorAnswer, Contract
from contracts.fields import Body, CalendarDate, Code, Flag, FreeText, Identifier, Instant
from contracts.gap_codes import GapState, GapType, ServiceKind
from contracts.problem import Problem


class ReportGapBody(Body):
    """Which public service falls short, and how; `task` is what a mentor was asked for in its place.

    Who provides the service is said in words that go to the vault.
    """

    service_kind: ServiceKind
    gap_type: GapType
    provider: FreeText | None = None
    task: Code | None = None
    occurred_at: Instant | None = None


class AnswerGapBody(Body):
    """The agency's answer to a `gap`, or to several of one service and type (`gaps`).

    One that is accepted says what is done, and by which day; one that is not says why. The words go to the vault.
    """

    gap: Identifier | None = None
    gaps: Annotated[list[Identifier], Field(max_length=20)] = []
    accepted: Flag
    action: FreeText | None = None
    due: CalendarDate | None = None
    reason: FreeText | None = None


class AnswerGapsBody(Body):
    """One answer to gaps of one service and type, in whichever cases of the agency; otherwise as to one gap."""

    gaps: Annotated[list[Identifier], Field(min_length=1, max_length=100)]
    accepted: Flag
    action: FreeText | None = None
    due: CalendarDate | None = None
    reason: FreeText | None = None


class CompleteGapActionBody(Body):
    """The gap about which the agency has done what it answered."""

    gap: Identifier
    occurred_at: Instant | None = None


class GapAnswerAnswer(Contract):
    """What the agency answered; `completedAt` is when it had done what it promised. Words are there until forgotten."""

    accepted: bool
    action: str | None = None
    due: date | None = None
    reason: str | None = None
    answered_by: ActorAnswer
    answered_at: datetime
    completed_at: datetime | None = None


class GapLinks(Contract):
    """Its own address, and that of its case."""

    self: str
    case: str


class GapShown(Contract):
    """A gap in a public service, as its case shows it; the words about it are at `links.self`."""

    id: str
    case: str
    service_kind: ServiceKind
    gap_type: GapType
    task: str | None = None
    reported_by: ActorAnswer
    reported_at: datetime
    due_at: datetime = Field(description="Until when the agency answers.")
    state: GapState
    answer: GapAnswerAnswer | None = None
    links: GapLinks


class GapRead(GapShown):
    """A gap in a public service, who provides it, and what the agency answered."""

    provider: str | None = None


class GapAnswered(Contract):
    """What became of the answer to one gap, as if it had been sent alone: its status, and why it was refused."""

    gap: str
    status: int
    problem: Problem | None = None


class GapsAnswered(Contract):
    """What became of the answer, gap by gap."""

    items: list[GapAnswered]
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")


class GapPage(Contract):
    """A page of gaps, those first whose answer is due first."""

    items: list[GapRead]
    next: str | None
