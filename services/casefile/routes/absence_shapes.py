"""What the routes of absences are sent, and what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from contracts.answers import Contract
from contracts.fields import Body, Identifier, Instant, read_only
from services.casefile.routes.responses import PartyAnswer, SelfLink


class AbsenceBody(Body):
    """Who stands in, from when (now, where it is left out) until when. Why somebody is away is not asked.

    The substitute is of the same organisation. What GET has besides may be sent back as it stands.
    """

    substitute: Identifier
    begins: Annotated[Instant | None, Field(alias="from")] = None
    ends: Annotated[Instant, Field(alias="until")]
    sub: Annotated[str | None, read_only("From GET: that of the path.")] = None
    organisation: Annotated[str | None, read_only("From GET: the caller's own.")] = None
    named_by: Annotated[Any, read_only("From GET, as it stands.")] = None
    named_at: Annotated[str | None, read_only("From GET, as it stands.")] = None
    released_at: Annotated[str | None, read_only("From GET, as it stands.")] = None
    links: Annotated[dict[str, str] | None, read_only("From GET, as they stand.")] = None


class AbsenceAnswer(Contract):
    """Who stands in for a member of an organisation's staff, from when until when; who named it.

    From `releasedAt` on nobody does.
    """

    sub: str
    organisation: str
    substitute: str
    begins: Annotated[datetime, Field(alias="from")]
    ends: Annotated[datetime, Field(alias="until")]
    named_by: PartyAnswer
    named_at: datetime
    released_at: datetime | None
    links: SelfLink
    dry_run: bool | None = None
    events: list[str] | None = None


class AbsencePage(Contract):
    """A page of absences."""

    items: list[AbsenceAnswer]
    next: str | None
