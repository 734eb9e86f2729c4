"""What a case answers of terms that were missed, and of those that stand still."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from contracts.answers import Contract
from contracts.codes import DeadlineName, Role, Step
from contracts.pause_codes import PauseReason
from contracts.terms import LadderLevel


class ReceiverAnswer(Contract):
    """Those in a role of an organisation, who are told."""

    role: Role
    org: str | None = Field(description="Null: those in the role, wherever they are.")


class LevelDueAnswer(Contract):
    """A level that a missed term comes to, unless what it waits for is done before."""

    level: LadderLevel
    at: datetime


class MissedTermAnswer(Contract):
    """A missed term whose act is still awaited: how far it has come, who was told so far, and what is to come."""

    deadline: str
    step: Step
    due_at: datetime
    level: LadderLevel
    notified: list[ReceiverAnswer]
    to_come: list[LevelDueAnswer]
    organisation: str | None = Field(
        default=None, description="Of one of several offers that are open, to whom; `deadline` names its referral too."
    )


class LateAnswer(Contract):
    """Of a referral, a missed term whose act is still awaited: how far it has come, and the levels to come."""

    deadline: DeadlineName
    due_at: datetime
    level: LadderLevel
    to_come: list[LevelDueAnswer]


class PausedAnswer(Contract):
    """A term that stands still since then, and why."""

    deadline: str
    due_at: datetime = Field(description="When it was due, had it run on.")
    reason: PauseReason
    since: datetime | None
