"""Reads subscriptions for callers: one, with what may be done to it, or a page of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.folded import Folded
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.cursors import Pages
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import IndexReader
from services.chassis.time.clock import machine_now
from services.chassis.vault.vault import Vault
from services.notifications.access import LIST, OWN_ORGANISATION, POLICY, READ, relations_to_subscription
from services.notifications.actions import ACTIONS
from services.notifications.context import SubscriptionContexts
from services.notifications.domain.subscribing import blocked, not_the_reader
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.subscription_rows import SUBSCRIPTIONS
from services.notifications.views import PATH, subscription_view

OFFERED: Final = tuple(action for action in ACTIONS.values() if action.method == "POST")
"""The actions that an answer offers, or says to be blocked: those with a route of their own."""


class Queries:
    """Finds subscriptions for callers. Every way to one leads through `find`."""

    def __init__(
        self, streams: Streams, vault: Vault, index: IndexReader, caught_up: Callable[[], Awaitable[None]]
    ) -> None:
        self.streams = streams
        self._vault = vault
        self._index = index
        self._caught_up = caught_up

    async def find(self, caller: Caller, subscription_id: str, action: str) -> Folded[Subscription]:
        """The subscription, if the caller may do `action` to it. Raises Hidden or Forbidden."""
        folded = await self.streams.fold(subscription_stream(subscription_id), SUBSCRIPTION)
        POLICY.require(caller, action, relations_to_subscription(caller, folded.state.organisation))
        if folded.state.state is None:
            raise Hidden
        return folded

    async def read(self, caller: Caller, subscription_id: str) -> tuple[Json, int]:
        """What the caller reads of the subscription, and its ETag's version."""
        folded = await self.find(caller, subscription_id, READ)
        return await self.shown(caller, folded.state, folded.etag), folded.etag

    async def address(self, subscription: Subscription) -> str | None:
        """Where its e-mail goes; None for a webhook, and for one that was forgotten."""
        ref = subscription.choices.address_ref if subscription.choices is not None else None
        record = await self._vault.read(ref) if ref is not None else None
        return record.get("address") if record is not None else None

    async def secret(self, subscription: Subscription) -> str | None:
        """The newest secret; None for e-mail, and for one that was forgotten."""
        record = await self._vault.read(subscription.keys[-1].secret_ref) if subscription.keys else None
        return record.get("secret") if record is not None else None

    async def shown(self, caller: Caller, subscription: Subscription, etag: int) -> Json:
        """What is read of a subscription by who manages it."""
        return self.view(caller, subscription, etag, await self.address(subscription))

    @staticmethod
    def view(caller: Caller, subscription: Subscription, etag: int, address: str | None) -> Json:
        """The same of one whose address is known."""
        return {**subscription_view(subscription, etag, machine_now(), address), **_actions(caller, subscription)}

    async def page(self, caller: Caller, pages: Pages, limit: int) -> tuple[list[Json], str | None]:
        """A page of the subscriptions of the caller's organisation, in the order in which they were made."""
        POLICY.require(caller, LIST, (OWN_ORGANISATION,))
        after = await pages.number()
        await self._caught_up()
        rows = await self._index.find(SUBSCRIPTIONS.name, {"organisation": caller.org}, after=after, limit=limit + 1)
        shown = rows[:limit]
        folds = await asyncio.gather(*(self.streams.fold(subscription_stream(row.key), SUBSCRIPTION) for row in shown))
        # One that was deleted a moment ago may have its row yet.
        there = [folded for folded in folds if folded.state.state is not None]
        items = await asyncio.gather(*(self.shown(caller, folded.state, folded.etag) for folded in there))
        return items, pages.next(shown[-1].seq if len(rows) > limit else None)


def _actions(caller: Caller, subscription: Subscription) -> Json:
    context, actor = SubscriptionContexts.of(subscription), caller.actor()
    allowed: list[Json] = []
    refused: list[Json] = []
    for action in OFFERED:
        refusal = blocked(action.name, context) or not_the_reader(action.name, subscription, actor)
        if refusal is None:
            href = f"/v1/{PATH}/{subscription.subscription}/{action.name}"
            allowed.append({"action": action.name, "href": href, "method": "POST"})
        else:
            refused.append(
                {
                    "action": action.name,
                    "code": refusal.code,
                    "detail": refusal.detail,
                    "whoCanUnblock": refusal.who_can_unblock,
                }
            )
    return {"allowedActions": allowed, "blockedActions": refused}
