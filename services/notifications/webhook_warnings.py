"""Warns an organisation by its mailboxes that an endpoint of its own fails, or was disabled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from contracts.subscription_codes import Channel, SubscriptionState, WarningCode
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader
from services.chassis.mail.smtp import Result
from services.chassis.modelling.days import in_utc
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Pending, instant, sortable
from services.notifications.delivering.carrier import ForgottenSecrets
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivering.mail_carrier import MailCarrier
from services.notifications.delivering.schedule import GIVE_UP_AFTER
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.domain.subscription_events import WarnedAboutSubscription
from services.notifications.domain.warning import WARNED, RecordWarned, Warned, decide, warning_stream
from services.notifications.email.composing import warning_letter
from services.notifications.reactor import SYSTEM
from services.notifications.subscription_rows import SUBSCRIPTIONS

MOST: Final = 50
"""Mailboxes of an organisation that are written to."""
AGAIN: Final = timedelta(hours=1)
TRIED_FOR: Final = timedelta(seconds=GIVE_UP_AFTER)
"""How long a warning is of use: as long as an endpoint is tried that does not answer."""


class WebhookWarnings:
    """Writes to the mailboxes that an organisation confirmed."""

    def __init__(self, streams: Streams, index: IndexReader, carrier: MailCarrier, clock: Clock) -> None:
        self._streams, self._index, self._carrier, self._clock = streams, index, carrier, clock
        self._handler = Handler[RecordWarned, Warned](streams, OwnState(), decide)

    async def post(self, stream: str, due: Pending) -> Sequence[Pending]:
        """A warning waits: a letter for each mailbox, whose name it has, follows from the first that has none.

        Returns these letters; of one that no mail server took, when it is tried again.
        """
        if self._clock.now() > instant(due.due) + TRIED_FOR:
            return ()
        failing = (await self._streams.fold(stream, SUBSCRIPTION)).state
        # Of mailboxes that take nothing no other is told: where our mail server was away, that is all of them.
        if failing.warned is None or not failing.is_webhook:
            return ()
        if not due.name:
            return [due._replace(name=mailbox) for mailbox in await self._mailboxes(failing.organisation)]
        if await self._warn(due.name, failing, failing.warned):
            return ()
        return [due._replace(at=sortable(self._clock.now() + AGAIN))]

    async def _mailboxes(self, organisation: str) -> list[str]:
        where = {"organisation": organisation, "channel": Channel.EMAIL.value}
        rows = await self._index.find(SUBSCRIPTIONS.name, where, after=0, limit=MOST)
        return [row.key for row in rows if row.columns["state"] == SubscriptionState.ACTIVE.value]

    async def _warn(self, mailbox: str, failing: Subscription, warned: WarnedAboutSubscription) -> bool:
        """Whether nothing is left to be done for this mailbox."""
        stream = warning_stream(failing.subscription)
        before = (await self._streams.fold(stream, WARNED)).state
        reader = (await self._streams.fold(subscription_stream(mailbox), SUBSCRIPTION)).state
        choices = reader.choices
        if choices is None or reader.state is not SubscriptionState.ACTIVE:
            return True
        if before.knows(mailbox, warned.warning, warned.since):
            return True
        until = warned.since + timedelta(seconds=GIVE_UP_AFTER)
        around = await self._carrier.around(reader)
        # It is warned before it is disabled, so the state may not say so yet.
        gone = warned.warning == WarningCode.DISABLED or failing.state is SubscriptionState.DISABLED
        letter = warning_letter(choices, around, failing.subscription, warned.since, None if gone else until)
        name = f"{failing.subscription} {warned.warning} {in_utc(warned.since)}"
        try:
            answer = await self._carrier.send(reader, letter, delivery_id(mailbox, name))
        except ForgottenSecrets:
            return True
        if answer.result is Result.ACCEPTED:
            command = RecordWarned(
                at=self._clock.now(),
                by=SYSTEM,
                subscription=failing.subscription,
                reader=mailbox,
                channel=Channel.EMAIL,
                warning=warned.warning,
                since=warned.since,
            )
            await self._handler.handle(command, stream, WARNED, Call(actor=SYSTEM), must_exist=False)
        return answer.result in (Result.ACCEPTED, Result.REFUSED)
