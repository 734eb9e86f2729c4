"""Puts an address on the list once its reader has confirmed it, and takes it off at a word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from contracts.subscription_codes import ChallengeOutcome, DisabledBecause, SubscriptionState
from services.chassis.deciding.handler import Call, Handler, NotFound
from services.chassis.deciding.streams import Streams
from services.chassis.modelling.decider import Actor, Command, Refused
from services.chassis.time.clock import Clock, machine_now
from services.chassis.vault.tokens import Tokens, id_in
from services.notifications.domain.subscription import (
    SUBSCRIPTION,
    Subscription,
    SubscriptionContext,
    subscription_stream,
)
from services.notifications.domain.subscription_course import DisableSubscription, RecordChallenge

CONFIRM_WITHIN: Final = timedelta(days=7)
_CONFIRM: Final = "confirm"
_UNSUBSCRIBE: Final = "unsubscribe"


class ConfirmLink(NamedTuple):
    """A link by which an address is confirmed, and until when, by the machine's clock."""

    url: str
    until: datetime


class MailingList:
    """Confirms addresses and takes them off. `system` is in whose name it is recorded: a link alone proves nobody."""

    def __init__(
        self,
        streams: Streams,
        handler: Handler[Command, SubscriptionContext],
        tokens: Tokens,
        url: str,
        clock: Clock,
        system: Actor,
        now: Callable[[], datetime] = machine_now,
    ) -> None:
        """`url` is what links begin with, `now` the machine's time."""
        self._streams, self._handler, self._tokens, self._url = streams, handler, tokens, url
        self._clock, self._system, self._now = clock, system, now

    def confirm_link(self, subscription: Subscription) -> ConfirmLink:
        """The link for the challenge that is open; another challenge, another link."""
        until = (self._now() + CONFIRM_WITHIN).replace(microsecond=0)
        seconds = int(until.timestamp())
        token = self._tokens.make(_CONFIRM, subscription.subscription, str(subscription.challenge), str(seconds))
        return ConfirmLink(f"{self._url}/mail/confirm/{token}?until={seconds}", until)

    def unsubscribe_link(self, subscription: Subscription) -> str:
        """The link by which an address is taken off; void once the subscription has another one."""
        token = self._tokens.make(_UNSUBSCRIBE, subscription.subscription, _address(subscription))
        return f"{self._url}/mail/unsubscribe/{token}"

    async def to_confirm(self, token: str, until: int) -> Subscription:
        """The subscription of a link to confirm. Raises NotFound, and Refused for one that has ended."""
        subscription = await self._of(token)
        # What was confirmed has no open challenge: its last one is meant.
        number = subscription.challenge if subscription.challenge is not None else subscription.challenges
        if not self._tokens.knows(token, _CONFIRM, subscription.subscription, str(number), str(until)):
            raise NotFound(_CONFIRM)
        if self._now().timestamp() >= until and subscription.state is SubscriptionState.PENDING:
            raise Refused("LINK_EXPIRED", "the link ended seven days after it was sent: ask for another one by verify")
        return subscription

    async def confirm(self, token: str, until: int) -> tuple[Subscription, bool]:
        """Confirms; says whether it was so already. Raises as `to_confirm`."""
        subscription = await self.to_confirm(token, until)
        if subscription.challenge is None:
            return subscription, True
        command = RecordChallenge(
            at=self._clock.now(),
            by=self._system,
            challenge=subscription.challenge,
            outcome=ChallengeOutcome.PROVEN,
        )
        return await self._run(subscription, command)

    async def to_leave(self, token: str) -> Subscription:
        """The subscription of a link to unsubscribe. Raises NotFound."""
        subscription = await self._of(token)
        if not self._tokens.knows(token, _UNSUBSCRIBE, subscription.subscription, _address(subscription)):
            raise NotFound(_UNSUBSCRIBE)
        return subscription

    async def leave(self, token: str) -> tuple[Subscription, bool]:
        """Takes the address off; says whether it was off already. Raises NotFound."""
        subscription = await self.to_leave(token)
        reason = DisabledBecause.UNSUBSCRIBED.value
        command = DisableSubscription(at=self._clock.now(), by=self._system, reason=reason)
        return await self._run(subscription, command)

    async def _of(self, token: str) -> Subscription:
        subscription_id = id_in(token)
        if subscription_id is None:
            raise NotFound(_CONFIRM)
        subscription = (await self._streams.fold(subscription_stream(subscription_id), SUBSCRIPTION)).state
        if subscription.choices is None or subscription.deleted:
            raise NotFound(_CONFIRM)
        return subscription

    async def _run(self, subscription: Subscription, command: Command) -> tuple[Subscription, bool]:
        stream = subscription_stream(subscription.subscription)
        outcome = await self._handler.handle(command, stream, SUBSCRIPTION, Call(actor=self._system))
        return outcome.state, not outcome.events


def _address(subscription: Subscription) -> str:
    ref = subscription.choices.address_ref if subscription.choices is not None else None
    return ref or ""
