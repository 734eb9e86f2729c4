"""What the routes of subscriptions answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from contracts.answers import AllowedAction, BlockedAction, Contract
from contracts.codes import Role
from contracts.subscription_codes import (
    ChallengeOutcome,
    Channel,
    Digest,
    DisabledBecause,
    LetterHours,
    MailLanguage,
    Payload,
    SubscriptionState,
    WarningCode,
)


class PersonShown(Contract):
    """A member of the organisation's staff."""

    sub: str
    role: Role


class HeaderShown(Contract):
    """The header of the endpoint's own; its value is never shown."""

    name: str


class KeyShown(Contract):
    """A public key ("whpk_" and base64) of those that sign now; `until` by the machine's clock, null for the newest."""

    public_key: str
    until: datetime | None


class ChallengeShown(Contract):
    """What became of the last challenge; `status` is that of the endpoint's answer, where there was one."""

    at: datetime
    outcome: ChallengeOutcome
    detail: str
    status: int | None


class DisabledShown(Contract):
    """Since when nothing is sent, and why."""

    at: datetime
    reason: DisabledBecause
    detail: str
    status: int | None


class WarningShown(Contract):
    """What was warned of last, as long as it lasts."""

    warning: WarningCode
    since: datetime
    at: datetime


class DeliveryTestShown(Contract):
    """The test event that was asked for last, by its id."""

    id: str
    requested_at: datetime


class ReplayShown(Contract):
    """The replay that is under way."""

    number: int
    requested_at: datetime


class SubscriptionLinks(Contract):
    """Where the subscription is read."""

    self: str


class SubscriptionAnswer(Contract):
    """By which channel somebody is told of what, and in which state that is.

    `secret` is in the answer that made it alone, to create or rotate-secret: "whsec_" and base64. A repeat under the
    same key has the same. `readsAs` is the role by which the organisation's feed is read for it.
    """

    id: str
    organisation: str
    state: SubscriptionState
    version: int
    channel: Channel
    url: str | None
    address: str | None
    person: PersonShown | None
    types: list[str] | None
    payload: Payload
    digest: Digest
    hours: LetterHours
    language: MailLanguage
    time_zone: str
    header: HeaderShown | None
    reads_as: Role
    secret: Annotated[str | None, Field(description="Shown once.", examples=["whsec_plJ3nmyCDGBKInavdOK15jsl"])] = None
    public_key: Annotated[str | None, Field(description="The newest; of a webhook.")]
    keys: list[KeyShown]
    created_by: PersonShown
    created_at: datetime
    last_challenge: ChallengeShown | None
    disabled: DisabledShown | None
    warning: WarningShown | None
    test: DeliveryTestShown | None
    replay: ReplayShown | None
    links: SubscriptionLinks
    allowed_actions: list[AllowedAction]
    blocked_actions: list[BlockedAction]
    dry_run: bool | None = None
    events: list[str] | None = None


class SubscriptionPage(Contract):
    """A page of subscriptions."""

    items: list[SubscriptionAnswer]
    next: str | None
