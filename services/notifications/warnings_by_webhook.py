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


class WarningsByWebhook:
    """Posts to the endpoints of an organisation that are proven and take what they get."""

    def __init__(self, streams: Streams, index: IndexReader, carrier: Carrier, clock: Clock, public_url: str) -> None:
        """`public_url`: under which a receiver reaches the services."""
        self._streams, self._index, self._carrier, self._clock = streams, index, carrier, clock
        self._public_url = public_url
        self._handler = Handler[RecordWarned, Warned](streams, OwnState(), decide)
        self._under_way: set[str] = set()

    async def post(self, stream: str, due: Pending) -> Sequence[Pending]:
        """A warning waits: one for each other endpoint, whose name it has, follows from the first that has none.

        Returns these; of one that was not taken, when it is tried again.
        """
        failing = (await self._streams.fold(stream, SUBSCRIPTION)).state
        if failing.warned is None or not failing.is_webhook:
            return ()
        now = self._clock.now()
        if not due.name:
            if now > instant(due.due) + TRIED_FOR:
                return ()
            at = sortable(now)
            return [due._replace(at=at, name=endpoint, due=at) for endpoint in await self._others(failing)]
        if failing.organisation in self._under_way:
            return [due._replace(at=sortable(now + NEXT_TURN))]
        self._under_way.add(failing.organisation)
        try:
            wish = await self._warn(due.name, failing, failing.warned)
        finally:
            self._under_way.discard(failing.organisation)
        now = self._clock.now()
        waited = now - instant(due.due)
        if wish is None or waited >= TAKEN_WITHIN:
            return ()
        return [due._replace(at=sortable(now + max(AGAIN, waited, wish)))]

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
