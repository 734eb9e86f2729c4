"""The shape of every message: a payload model with a stable CloudEvents type, and the envelope around it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from contracts.coded import RoleCode


class Contract(BaseModel):
    """Anything that crosses a boundary: camelCase on the wire, immutable, and tolerant of fields that it does not know.

    Tolerance lets new writers run beside old readers; the golden corpus proves that old messages still read.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class ActorRef(Contract):
    """Who acted: the organisation's own staff identifier, role, organisation.

    `on_behalf_of` is whose word it was, where somebody passed on another's, and `on_behalf_reason` the code of the
    reason why (`contracts.casefile_codes.OnBehalfReason`).
    """

    sub: str
    role: RoleCode
    org: str
    on_behalf_of: str | None = None
    on_behalf_reason: str | None = None


class Deadline(Contract):
    """A running deadline: what is due, until when, and when its owner is reminded (80 % of the term)."""

    name: str
    due_at: datetime
    remind_at: datetime


class Message(Contract):
    """The payload of a CloudEvent. `TYPE` is its stable name with a version; a published version is never edited."""

    TYPE: ClassVar[str]
    NAME: ClassVar[str]
    """The event's name in docs/domain.md, which the timeline shows."""


class CaseMessage(Message):
    """A message about one case; `digest` is the SHA-256 of the private event behind it, in hexadecimal."""

    case: str
    actor: ActorRef
    occurred_at: datetime
    recorded_at: datetime
    digest: str


class CloudEvent(Contract):
    """CloudEvents 1.0, with the partitioning, sequence, correlation and distributed-tracing extensions.

    `id` is the event's id, `sequence` its position in the source's log, `subject` and `partitionkey` the case
    (for an organisation or a programme: its own id), `causationid` the id of the message that this one follows from,
    which came from another service, and `causationsequence` the `sequence` of that one.
    """

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    dataschema: str
    datacontenttype: str = "application/json"
    sequence: str
    partitionkey: str
    causationid: str | None = None
    causationsequence: str | None = None
    traceparent: str | None = None
    data: dict[str, Any]
