"""Warns an organisation by its mailboxes that an endpoint of its own fails, or was disabled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from contracts.subscription_codes import Channel, SubscriptionState
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader
from services.chassis.mail.smtp import Result
from services.chassis.modelling.days import in_utc
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Pending, sortable
from services.notifications.delivering.carrier import ForgottenSecrets
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivering.mail_carrier import MailCarrier
from services.notifications.delivering.schedule import GIVE_UP_AFTER
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.email.composing import warning_letter
from services.notifications.subscription_rows import SUBSCRIPTIONS
from services.notifications.warning_rows import WARNING

MOST: Final = 50
"""Mailboxes of an organisation that are written to."""
AGAIN: Final = timedelta(hours=1)


class WebhookWarnings:
    """Writes to the mailboxes that an organisation confirmed."""

    def __init__(self, streams: Streams, index: IndexReader, carrier: MailCarrier, clock: Clock) -> None:
        self._streams, self._index, self._carrier, self._clock = streams, index, carrier, clock

    async def fire(self, stream: str, due: Pending) -> Sequence[Pending]:
        """A warning is due; returns when those are tried again that no mail server took. Their ids are its name."""
        failing = (await self._streams.fold(stream, SUBSCRIPTION)).state
        if failing.warned is None:
            return ()
        mailboxes = due.name.split(",") if due.name else await self._mailboxes(failing.organisation)
        left = [mailbox for mailbox in mailboxes if not await self._warn(mailbox, failing)]
        again = sortable(self._clock.now() + AGAIN)
        return [Pending(again, ",".join(left), WARNING, due.due)] if left else ()

    async def _mailboxes(self, organisation: str) -> list[str]:
        where = {"organisation": organisation, "channel": Channel.EMAIL.value}
        rows = await self._index.find(SUBSCRIPTIONS.name, where, after=0, limit=MOST)
        return [row.key for row in rows if row.columns["state"] == SubscriptionState.ACTIVE.value]

    async def _warn(self, mailbox: str, failing: Subscription) -> bool:
        """Whether nothing is left to be done for this mailbox."""
        reader = (await self._streams.fold(subscription_stream(mailbox), SUBSCRIPTION)).state
        warned, choices = failing.warned, reader.choices
        if warned is None or choices is None or reader.state is not SubscriptionState.ACTIVE:
            return True
        until = warned.since + timedelta(seconds=GIVE_UP_AFTER)
        around = await self._carrier.around(reader)
        gone = failing.state is SubscriptionState.DISABLED
        letter = warning_letter(choices, around, failing.subscription, warned.since, None if gone else until)
        name = f"{failing.subscription} {warned.warning} {in_utc(warned.since)}"
        try:
            answer = await self._carrier.send(reader, letter, delivery_id(mailbox, name))
        except ForgottenSecrets:
            return True
        return answer.result in (Result.ACCEPTED, Result.REFUSED)
