"""What the routes of deliveries answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from contracts.answers import Contract
from services.notifications.domain.lane import DeliveryState


class AttemptShown(Contract):
    """An attempt: when it began by the machine's clock, the status of the answer, and how long it took.

    `error` is there where something else than an answer came of it. `digest` is the SHA-256 of the answer's body.
    """

    at: datetime
    status: int | None
    latency_ms: int
    outcome: DeliveryState
    digest: str | None
    error: str | None = None


class DeliveryLinks(Contract):
    """Where it is, and whose it is."""

    self: str
    subscription: str


class DeliveryAnswer(Contract):
    """A delivery. `rule` says by which one it was withheld; `next_attempt_at` is by the machine's clock.

    `waits_for`: what one that is PENDING waits for, where a delivery could not be made: one of its case, or that by
    which an endpoint that is away is looked for. The attempts of that one say why.
    """

    id: str
    subscription: str
    event: Annotated[str, Field(description="The `id` of the event, and the `webhook-id` that it is sent with.")]
    type: str
    case: str | None
    replay: int | None
    state: DeliveryState
    rule: str | None
    waits_for: str | None
    next_attempt_at: datetime | None
    attempts: list[AttemptShown]
    links: DeliveryLinks
    dry_run: bool | None = None
    events: list[str] | None = None


class DeliveryPage(Contract):
    """A page of deliveries."""

    items: list[DeliveryAnswer]
    next: str | None
