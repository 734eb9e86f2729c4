"""What the routes of the charter are sent, and what they answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field, field_validator

from contracts.answers import Contract
from contracts.casefile_codes import CharterRole, Verdict
from contracts.fields import Body, CalendarDate, Code, read_only
from services.casefile.routes.responses import SelfLink


class TaskRuleBody(Body):
    """A kind of task, with what the charter says of each role: L may carry it, S may support it, X must not."""

    task: Code
    roles: dict[CharterRole, Verdict]
    refer: Code | None = None

    @field_validator("roles")
    @classmethod
    def _every_role(cls, roles: dict[CharterRole, Verdict]) -> dict[CharterRole, Verdict]:
        if missing := [role.value for role in CharterRole if role not in roles]:
            msg = f"a task says of every role what it may do; missing: {', '.join(missing)}"
            raise ValueError(msg)
        return roles


class CharterBody(Body):
    """A version of the charter of roles, in force from `validFrom` on, and until `validUntil` if that is given.

    What GET has besides may be sent back as it stands.
    """

    valid_from: CalendarDate
    valid_until: CalendarDate | None = None
    tasks: Annotated[list[TaskRuleBody], Field(min_length=1, max_length=200)]
    version: Annotated[str | None, read_only("From GET: that of the path.")] = None
    signed_by: Annotated[Any, read_only("From GET, as it stands.")] = None
    links: Annotated[dict[str, str] | None, read_only("From GET, as they stand.")] = None


class TaskRuleAnswer(Contract):
    """A kind of task: what each role may do about it, and where it is referred to."""

    task: str
    roles: dict[CharterRole, Verdict]
    refer: str | None


class CharterAnswer(Contract):
    """A version of the charter of roles, and the organisations that signed it."""

    version: str
    valid_from: date
    valid_until: date | None
    signed_by: list[str]
    tasks: list[TaskRuleAnswer]
    links: SelfLink
    dry_run: bool | None = None
    events: list[str] | None = None


class CharterPage(Contract):
    """A page of versions of the charter."""

    items: list[CharterAnswer]
    next: str | None
