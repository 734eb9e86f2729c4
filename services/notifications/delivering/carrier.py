"""Takes a message to an endpoint: its body as the subscriber chose it, signed with what the vault keeps for it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from contracts.subscription_codes import ChallengeOutcome, Payload
from services.chassis.modelling.days import in_utc
from services.chassis.time.clock import machine_now
from services.chassis.vault.vault import Vault
from services.notifications.domain.subscription import Subscription
from services.notifications.webhooks import bodies
from services.notifications.webhooks.challenge import challenge_body, drawn_challenge, repeats
from services.notifications.webhooks.sender import Answer, Outgoing, Sender, Target
from services.notifications.webhooks.signing import Secret

SOURCE: Final = "/services/notifications"
TEST: Final = "org.caserelay.subscription.test.v1"
"""The type of a test event."""


class ForgottenSecrets(Exception):  # noqa: N818 - reads as what happened
    """The vault has forgotten what the deliveries of a subscription are signed with."""


class Carrier:
    """Sends to the endpoints of subscriptions."""

    def __init__(self, sender: Sender, vault: Vault, public_url: str = "") -> None:
        """`public_url`: under which a receiver reaches the services."""
        self._sender = sender
        self._vault = vault
        self._public_url = public_url

    async def carry(self, subscription: Subscription, message: Mapping[str, Any], at: datetime) -> Answer:
        """One attempt to deliver a message, a CloudEvent as JSON. Raises ForgottenSecrets."""
        choices = subscription.choices
        full = choices is not None and choices.payload == Payload.FULL
        body = bodies.full(message) if full else bodies.thin(message, self._public_url)
        return await self._send(subscription, str(message["id"]), body, at, message.get("traceparent"))

    async def test(self, subscription: Subscription, test: str, at: datetime) -> Answer:
        """One attempt to deliver a test event with this id. Raises ForgottenSecrets."""
        data = {"subscription": subscription.subscription, "test": test}
        body = bodies.own_event(
            TEST, data, event=test, source=SOURCE, subject=subscription.subscription, time=in_utc(at, "milliseconds")
        )
        return await self._send(subscription, test, body, at)

    async def ask(self, subscription: Subscription) -> tuple[ChallengeOutcome, int | None]:
        """Sends a challenge, and says what came of it, with the status of the answer. Raises ForgottenSecrets."""
        challenge, event, at = drawn_challenge(), str(uuid.uuid4()), machine_now()
        body = challenge_body(
            event=event,
            source=SOURCE,
            subscription=subscription.subscription,
            challenge=challenge,
            time=in_utc(at, "milliseconds"),
        )
        answer = await self._send(subscription, event, body, at)
        if repeats(answer, challenge):
            return ChallengeOutcome.PROVEN, answer.status
        if answer.error is not None:
            known = ChallengeOutcome.__members__.get(answer.error, ChallengeOutcome.CONNECTION)
            return known, answer.status
        return (ChallengeOutcome.NO_ANSWER if answer.status == 200 else ChallengeOutcome.STATUS), answer.status

    async def post(self, subscription: Subscription, event: str, body: bytes, at: datetime) -> Answer:
        """One attempt to post what is about another subscription, under its id. Raises ForgottenSecrets."""
        return await self._send(subscription, event, body, at)

    async def close(self) -> None:
        """Lets go of connections."""
        await self._sender.close()

    async def _send(
        self, subscription: Subscription, event: str, body: bytes, at: datetime, traceparent: Any = None
    ) -> Answer:
        target = await self._target(subscription, at)
        return await self._sender.send(
            target, Outgoing(id=event, body=body, at=int(at.timestamp()), traceparent=traceparent)
        )

    async def _target(self, subscription: Subscription, at: datetime) -> Target:
        secrets = []
        for keys in subscription.signing(at):
            record = await self._vault.read(keys.secret_ref)
            if record is None:
                raise ForgottenSecrets
            secrets.append(Secret.of(record["secret"], record["key"]))
        choices = subscription.choices
        header = None
        if choices is not None and choices.header is not None:
            record = await self._vault.read(choices.header.value_ref)
            if record is None:
                raise ForgottenSecrets
            header = (choices.header.name, str(record["value"]))
        return Target(url=(choices.url if choices is not None else None) or "", secrets=secrets, header=header)
