"""The endpoints that this process owns: found in the index, and kept abreast of what happens to their subscriptions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Final

from contracts.subscription_codes import Channel, Digest, SubscriptionState
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader, Value
from services.chassis.operating.delivery_metrics import Tally
from services.notifications.delivering.endpoint import Endpoint
from services.notifications.delivering.shards import shard_of
from services.notifications.domain.digest import DIGEST, digest_stream
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.subscription_rows import SUBSCRIPTIONS

FOUND_AT_ONCE: Final = 500
_LIVELY: Final[tuple[dict[str, Value], ...]] = ({"state": SubscriptionState.ACTIVE.value}, {"challenge_due": 1})
"""Those for which something may have to be sent."""


def is_lively(subscription: Subscription) -> bool:
    """Whether something may have to be sent to it now."""
    active = subscription.state is SubscriptionState.ACTIVE
    # What is told once a day goes another way: `daily_digests.py`.
    daily = subscription.choices is not None and subscription.choices.digest == Digest.DAILY
    return (active and not (daily and not subscription.is_webhook)) or subscription.challenge_due is not None


class Endpoints:
    """Endpoints by their subscription, and by the organisation whose feed they get."""

    def __init__(self, streams: Streams, index: IndexReader) -> None:
        self._streams = streams
        self._index = index
        self._all: dict[str, Endpoint] = {}
        self._of: dict[str, set[Endpoint]] = {}

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def get(self, subscription: str) -> Endpoint | None:
        """The endpoint of a subscription, if it is owned here and lively."""
        return self._all.get(subscription)

    def that_get(self, event: MessageTaken) -> list[Endpoint]:
        """Those whose feed has a message, and which want it."""
        if event.case is None:
            readers: Iterable[Endpoint] = self
        else:
            readers = (each for organisation in event.audience for each in self._of.get(organisation, ()))
        return [endpoint for endpoint in readers if endpoint.wants(event.type)]

    def tally(self, outcomes: dict[str, int], known: int, now: datetime) -> Tally:
        """How they stand, where the log is known up to a position; `outcomes` are those of their attempts."""
        waiting = behind = failing = 0
        away = 0.0
        for endpoint in self:
            waiting += len(endpoint.active) + len(endpoint.soon)
            # Else it lacks nothing but what is for others.
            if endpoint.walk is not None and (endpoint.active or endpoint.stalled or endpoint.queued):
                behind = max(behind, known - endpoint.walk.after)
            failing += endpoint.is_failing
            if endpoint.away_since is not None:
                away = max(away, (now - endpoint.away_since).total_seconds())
        return Tally(outcomes, waiting, behind, len(self), failing, away)

    async def load(self, shards: Collection[int]) -> list[Endpoint]:
        """Finds those of the shards; the index has to know them all."""
        found: list[Endpoint] = []
        for where in _LIVELY:
            after = 0
            while rows := await self._index.find(SUBSCRIPTIONS.name, where, after=after, limit=FOUND_AT_ONCE):
                after = rows[-1].seq
                for row in rows:
                    shard = shard_of(row.key)
                    if shard not in shards:
                        continue
                    if (known := self._all.get(row.key)) is not None:
                        # Entered before something failed, or while others had the shard.
                        found.append(known)
                    elif row.columns["channel"] != Channel.WEBHOOK.value:
                        mailbox, _ = await self.learn(row.key)
                        found += [mailbox] if mailbox is not None else []
                    else:
                        found.append(self._enter(Endpoint(row.key, shard, row.seq), str(row.columns["organisation"])))
        return found

    async def learn(self, subscription: str) -> tuple[Endpoint | None, Subscription]:
        """The endpoint of a subscription as it stands now, None if nothing is to be sent to it."""
        stream = subscription_stream(subscription)
        state = (await self._streams.fold(stream, SUBSCRIPTION)).state
        endpoint = self._all.get(subscription)
        if not is_lively(state):
            if endpoint is not None:
                self.drop(endpoint)
            return None, state
        if endpoint is None:
            (first,) = await self._streams.log.read(stream, most=1)
            since = max(first.position, await self._in_digests(state))
            # Somebody else may have entered it meanwhile.
            if (endpoint := self._all.get(subscription)) is None:
                endpoint = self._enter(Endpoint(subscription, shard_of(subscription), since), state.organisation)
        endpoint.learn(state)
        return endpoint, state

    async def _in_digests(self, subscription: Subscription) -> int:
        """Up to which position a mailbox was told by digests, or is being told by one: that does not come once more."""
        if subscription.is_webhook:
            return 0
        digest = (await self._streams.fold(digest_stream(subscription.subscription), DIGEST)).state
        return digest.through if digest.begun is None else digest.begun.through

    def _enter(self, endpoint: Endpoint, organisation: str) -> Endpoint:
        endpoint.organisation = organisation
        self._all[endpoint.id] = endpoint
        self._of.setdefault(organisation, set()).add(endpoint)
        return endpoint

    def renew(self, endpoint: Endpoint) -> Endpoint:
        """The same endpoint, with nothing known of it, in place of one that was dropped."""
        return self._enter(Endpoint(endpoint.id, endpoint.shard, endpoint.seq), endpoint.organisation)

    def drop(self, endpoint: Endpoint) -> None:
        """Nothing is begun for it any more here; what is known of it is forgotten."""
        endpoint.gone = True
        if self._all.get(endpoint.id) is endpoint:
            del self._all[endpoint.id]
        of_organisation = self._of.get(endpoint.organisation, set())
        of_organisation.discard(endpoint)
        if not of_organisation:
            self._of.pop(endpoint.organisation, None)
