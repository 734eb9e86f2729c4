"""What the commands about tasks and exceptions are sent, and how a case answers with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from contracts.answers import Contract
from contracts.casefile_codes import AcknowledgingSide, CharterRole, OnBehalfReason
from contracts.fields import Body, Code, Count, Flag, FreeText, Instant, Reference
from contracts.task_codes import ExceptionRule, ExceptionState


class ByRoleBody(Body):
    """In which role of the charter a task is done."""

    role: CharterRole


class TaskBody(Body):
    """A kind of task, by its name in the charter."""

    task: Code


class ClaimTaskBody(TaskBody):
    """A kind of task to be led. Without `by`: the caller's own role, and of a coordinator the mentor's if it may."""

    by: ByRoleBody | None = None


class RecordTaskBody(TaskBody):
    """A task that was done. Without `by` a coordinator records it for the mentor, and everybody else for themselves."""

    minutes: Annotated[Count, Field(ge=1, le=1440)] | None = None
    by: ByRoleBody | None = None
    occurred_at: Instant | None = None


class RequestExceptionBody(Body):
    """A one-off exception, from what the charter says of a `task` or from a `rule`; the reason goes to the vault."""

    task: Code | None = None
    rule: ExceptionRule | None = None
    justification: FreeText


class DecideExceptionBody(Body):
    """The lead's decision on an exception of the case, and why; the reason goes to the vault."""

    exception: Reference
    granted: Flag
    reason: FreeText


class AcknowledgeCharterBody(Body):
    """Whose acknowledgement of the charter in force it is: by default the caller's own.

    Anyone who passes on a mentor's says why: `onBehalfReason`. `charterVersion` may say which version it is.
    """

    by: AcknowledgingSide | None = None
    charter_version: Reference | None = None
    on_behalf_reason: OnBehalfReason | None = None
    occurred_at: Instant | None = None


class CharterInUseAnswer(Contract):
    """The charter that governs the match, since when if it changed, and who of those asked has acknowledged it."""

    version: str
    since: datetime | None
    acknowledged_by: list[AcknowledgingSide]


class ExceptionAnswer(Contract):
    """A one-off exception: from what, and where it stands."""

    id: str
    task: str | None = None
    rule: ExceptionRule | None = None
    state: ExceptionState
    reason: Literal["PART_ENDED"] | None = Field(
        default=None, description="PART_ENDED: denied by the end of the match or of the part, before anybody decided."
    )


class TaskLeadAnswer(Contract):
    """The lead of a kind of task: the role that has it, and for which organisation."""

    task: str
    role: CharterRole
    org: str
