"""Tells the other endpoints of an organisation that one of them fails, or was disabled.

None is told of itself, and none that fails itself. A warning that is not taken is tried for a while and then dropped,
and says nothing of the deliveries of its receiver: so endpoints that fail together do not warn one another on and on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from contracts.subscription_codes import Channel, SubscriptionState
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader
from services.chassis.modelling.days import in_utc
from services.chassis.time.clock import Clock, machine_now
from services.chassis.time.scheduler import Pending, instant, sortable
from services.notifications.delivering.carrier import SOURCE, Carrier, ForgottenSecrets
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivering.lanes import GONE
from services.notifications.domain.subscribing import MOST_SUBSCRIPTIONS
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.domain.subscription_events import WarnedAboutSubscription
from services.notifications.domain.warning import WARNED, RecordWarned, Warned, decide, warning_stream
from services.notifications.reactor import SYSTEM
from services.notifications.subscription_rows import SUBSCRIPTIONS
from services.notifications.webhook_warnings import TRIED_FOR
from services.notifications.webhooks.warning import warning_body

ORGANISATIONS_AT_ONCE: Final = 16
"""Organisations that are told side by side."""
MOST: Final = 50
"""Endpoints of an organisation that are told."""
NEXT_TURN: Final = timedelta(seconds=10)
"""How long a warning waits for another one of the same organisation: its endpoints hold up nobody else's."""
AGAIN: Final = timedelta(minutes=5)
"""How long a warning waits at first that was not taken; then as long as it has waited already."""
TAKEN_WITHIN: Final = timedelta(hours=1)
"""How long an endpoint is tried that does not take it."""
_SEPARATOR: Final = " "
"""Between the endpoints that something pending names."""


class WarningsByWebhook:
    """Posts to the endpoints of an organisation that are proven and take what they get."""

    def __init__(self, streams: Streams, index: IndexReader, carrier: Carrier, clock: Clock, public_url: str) -> None:
        """`public_url`: under which a receiver reaches the services."""
        self._streams, self._index, self._carrier, self._clock = streams, index, carrier, clock
        self._public_url = public_url
        self._handler = Handler[RecordWarned, Warned](streams, OwnState(), decide)
        self._under_way: set[str] = set()

    async def post(self, stream: str, due: Pending) -> Sequence[Pending]:
        """A warning waits, for all other endpoints or for those that it names; returns when it is tried again."""
        failing = (await self._streams.fold(stream, SUBSCRIPTION)).state
        now = self._clock.now()
        if failing.warned is None or not failing.is_webhook:
            return ()
        if now > instant(due.due) + TRIED_FOR:
            return ()
        if failing.organisation in self._under_way:
            return [due._replace(at=sortable(now + NEXT_TURN))]
        self._under_way.add(failing.organisation)
        try:
            if not due.name:
                due = due._replace(name=_SEPARATOR.join(await self._others(failing)), due=sortable(now))
            return await self._post_all(stream, due, failing.warned)
        finally:
            self._under_way.discard(failing.organisation)

    async def _post_all(self, stream: str, due: Pending, warned: WarnedAboutSubscription) -> list[Pending]:
        left = list[tuple[str, timedelta]]()
        for endpoint in filter(None, due.name.split(_SEPARATOR)):
            failing = (await self._streams.fold(stream, SUBSCRIPTION)).state
            if failing.warned != warned:
                # It is over, or there is a newer one, which waits by itself.
                return []
            wish = await self._warn(endpoint, failing, warned)
            if wish is not None:
                left.append((endpoint, wish))
        now = self._clock.now()
        waited = now - instant(due.due)
        if waited >= TAKEN_WITHIN:
            return []
        again: dict[str, list[str]] = {}
        for endpoint, wish in left:
            again.setdefault(sortable(now + max(AGAIN, waited, wish)), []).append(endpoint)
        return [due._replace(at=at, name=_SEPARATOR.join(endpoints)) for at, endpoints in again.items()]

    async def _others(self, failing: Subscription) -> list[str]:
        where = {"organisation": failing.organisation, "channel": Channel.WEBHOOK.value}
        rows = await self._index.find(SUBSCRIPTIONS.name, where, after=0, limit=MOST_SUBSCRIPTIONS)
        active = [row.key for row in rows if row.columns["state"] == SubscriptionState.ACTIVE.value]
        return [endpoint for endpoint in active if endpoint != failing.subscription][:MOST]

    async def _warn(self, endpoint: str, failing: Subscription, warned: WarnedAboutSubscription) -> timedelta | None:
        """How long the endpoint wants to be left alone before it is tried again; None where nothing is left to do."""
        stream = warning_stream(failing.subscription)
        before = (await self._streams.fold(stream, WARNED)).state
        other = (await self._streams.fold(subscription_stream(endpoint), SUBSCRIPTION)).state
        if other.state is not SubscriptionState.ACTIVE or other.warned is not None:
            return None
        if before.knows(endpoint, warned.warning, warned.since):
            return None
        since = in_utc(warned.since)
        # The same for each receiver, and by each attempt: two endpoints may lead to one system.
        event = delivery_id(failing.subscription, f"{warned.warning} {since}")
        body = warning_body(
            event=event,
            source=SOURCE,
            subscription=failing.subscription,
            warning=warned.warning,
            since=since,
            time=in_utc(warned.warned_at),
            public_url=self._public_url,
        )
        try:
            answer = await self._carrier.post(other, event, body, machine_now())
        except ForgottenSecrets:
            return None
        if answer.acknowledged:
            await self._record(endpoint, failing, warned)
            return None
        return None if answer.status == GONE else timedelta(seconds=answer.retry_after or 0)

    async def _record(self, endpoint: str, failing: Subscription, warned: WarnedAboutSubscription) -> None:
        command = RecordWarned(
            at=self._clock.now(),
            by=SYSTEM,
            subscription=failing.subscription,
            reader=endpoint,
            channel=Channel.WEBHOOK,
            warning=warned.warning,
            since=warned.since,
        )
        stream = warning_stream(failing.subscription)
        await self._handler.handle(command, stream, WARNED, Call(actor=SYSTEM), must_exist=False)
