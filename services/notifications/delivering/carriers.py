"""The way that a subscription chose: an endpoint, or a mailbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from contracts.subscription_codes import ChallengeOutcome
from services.notifications.domain.subscription import Subscription
from services.notifications.webhooks.sender import Answer


class Carries(Protocol):
    """What takes messages to where subscriptions are told."""

    async def carry(self, subscription: Subscription, message: Mapping[str, Any], at: datetime) -> Answer:
        """One attempt to deliver a message, a CloudEvent as JSON. Raises ForgottenSecrets."""

    async def test(self, subscription: Subscription, test: str, at: datetime) -> Answer:
        """One attempt to deliver a test event with this id. Raises ForgottenSecrets."""

    async def ask(self, subscription: Subscription) -> tuple[ChallengeOutcome, int | None]:
        """Asks whether it is the subscriber's, and says what came of it, with the status of the answer."""


class Carriers:
    """Takes each message by the channel of its subscription."""

    def __init__(self, webhooks: Carries, mail: Carries) -> None:
        self._webhooks, self._mail = webhooks, mail

    def _by(self, subscription: Subscription) -> Carries:
        return self._webhooks if subscription.is_webhook else self._mail

    async def carry(self, subscription: Subscription, message: Mapping[str, Any], at: datetime) -> Answer:
        """See `Carries`."""
        return await self._by(subscription).carry(subscription, message, at)

    async def test(self, subscription: Subscription, test: str, at: datetime) -> Answer:
        """See `Carries`."""
        return await self._by(subscription).test(subscription, test, at)

    async def ask(self, subscription: Subscription) -> tuple[ChallengeOutcome, int | None]:
        """See `Carries`."""
        return await self._by(subscription).ask(subscription)
