"""Answers over HTTP: their base, and those that all services give in one shape (who acted, what may be done next).

Messages on the bus are Structs: `contracts/message.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from contracts.casefile_codes import OnBehalfReason
from contracts.codes import Role
from contracts.refusals import REFUSALS


class Contract(BaseModel):
    """An answer, or a part of one: camelCase in JSON and immutable.

    Answers are written without: a model is built when a document, or somebody who reads an answer, asks for it.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore", defer_build=True
    )


RefusalCode = Annotated[str, Field(json_schema_extra={"enum": sorted(REFUSALS)})]
"""Which refusal a command would meet."""


class ActorAnswer(Contract):
    """Who acted, and on whose behalf; `absent` is the colleague of a substitute who passes on the word of another.

    `method` is how they proved who they are, where it was not by a token.
    """

    sub: str
    role: Role
    org: str
    on_behalf_of: str | None = None
    on_behalf_reason: OnBehalfReason | Literal["ABSENCE"] | None = None
    absent: str | None = None
    method: Literal["LINK_AND_CODE"] | None = None


class AllowedAction(Contract):
    """A command that this caller may send now."""

    action: str
    href: str
    method: Literal["POST"]


class BlockedAction(Contract):
    """A command that is not possible now, the rule that says so, and who can change it."""

    action: str
    code: RefusalCode
    detail: str
    who_can_unblock: str | None


class RecordedAnswer(Contract):
    """An event of the raw record; `digest` is the SHA-256 of its stored bytes, `position` its place in the log."""

    event: str
    type: str
    topic: str
    version: int
    position: int
    occurred_at: datetime
    recorded_at: datetime
    actor: ActorAnswer
    legal_basis_id: str | None
    charter_version: str | None
    programme_version: str | None
    correlation_id: str
    causation_id: str | None
    traceparent: str | None
    digest: str
    data: dict[str, Any]


class TextAnswer(Contract):
    """A free text that an event refers to; `field` says which of its texts, `code` which question it answers."""

    event: str
    type: str
    field: str
    code: str | None
    text: str


class TextPage(Contract):
    """The free texts of a referral or case; they stand in no event and are not told on the feed."""

    items: list[TextAnswer]
    next: str | None


class RecordedPage(Contract):
    """The raw record of a stream."""

    items: list[RecordedAnswer]
    next: str | None
