"""Sends digests: what came since the last one, on the morning of each working day, by the domain's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from contracts.codes import Role
from contracts.subscription_codes import DisabledBecause, SubscriptionState
from services.chassis.access.identity import Caller
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader
from services.chassis.mail.smtp import MailAnswer, Result
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Pending
from services.notifications.access import READ_FEED
from services.notifications.delivering.addressed import is_for
from services.notifications.delivering.carrier import ForgottenSecrets
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivering.mail_carrier import MailCarrier
from services.notifications.delivering.recording import Recording
from services.notifications.digest_rows import pending_digest, wants_digest
from services.notifications.domain.digest import (
    DIGEST,
    BeginDigest,
    Digest,
    DigestCommand,
    RecordDigest,
    decide,
    digest_stream,
)
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.email.composing import digest_letter
from services.notifications.email.quiet_hours import is_daytime, next_morning
from services.notifications.lists import messages_at, page, taken_at
from services.notifications.reactor import SYSTEM

MOST: Final = 200
"""Messages of one digest; what comes behind them is in the next one, an hour later."""
AGAIN: Final = timedelta(hours=1)
"""How long a letter waits that the mail server did not take, within the day."""


class DailyDigests:
    """The digests of all mailboxes that want one."""

    def __init__(
        self, streams: Streams, index: IndexReader, carrier: MailCarrier, recording: Recording, clock: Clock
    ) -> None:
        self._streams, self._index, self._carrier, self._recording = streams, index, carrier, recording
        self._clock = clock
        self._handler = Handler[DigestCommand, Digest](streams, OwnState(), decide)

    async def fire(self, stream: str, _due: Pending) -> Sequence[Pending]:
        """A digest of a subscription is due; returns when the next one is."""
        subscription_id = stream.removeprefix(digest_stream(""))
        found = await self._streams.fold(subscription_stream(subscription_id), SUBSCRIPTION)
        subscription, now = found.state, self._clock.now()
        choices = subscription.choices
        if subscription.deleted or choices is None or not wants_digest(choices):
            return ()
        zone = choices.time_zone
        next_at = next_morning(now, zone)
        if subscription.state is SubscriptionState.ACTIVE and is_daytime(now, zone):
            try:
                more = await self._tell(subscription, now)
            except ForgottenSecrets:
                return ()
            if more and is_daytime(now + AGAIN, zone):
                next_at = now + AGAIN
        return [pending_digest(next_at)]

    async def _tell(self, subscription: Subscription, now: datetime) -> bool:
        """Sends what there is to be told; says whether anything is left for later in the day."""
        stream = digest_stream(subscription.subscription)
        digest = (await self._streams.fold(stream, DIGEST)).state
        reader = Caller(sub=subscription.subscription, org=subscription.organisation, role=Role(subscription.reads_as))
        choices = subscription.choices
        after = digest.through or await self._beginning(subscription)
        found = await page(
            self._index, reader, READ_FEED, after=after, limit=MOST, types=choices.types if choices else None
        )
        positions = await self._for_reader(subscription, found.positions)
        if digest.begun is not None:
            # What may not be seen any more has gone from it.
            positions = tuple(position for position in positions if position <= digest.begun.through)
            through = digest.begun.through
        elif found.positions:
            # What is for others alone is passed by, and not looked at again.
            through = found.positions[-1]
            await self._run(
                subscription,
                BeginDigest(
                    at=now,
                    by=SYSTEM,
                    subscription=subscription.subscription,
                    after=after,
                    through=through,
                    count=len(positions),
                ),
            )
        else:
            return False
        messages = await messages_at(self._streams.log, positions)
        return await self._send(subscription, messages, through, now) or found.more

    async def _for_reader(self, subscription: Subscription, positions: Sequence[int]) -> tuple[int, ...]:
        choices = subscription.choices
        person, organisation = choices.person if choices is not None else None, subscription.organisation
        taken = await taken_at(self._streams.log, positions)
        found = [
            position
            for position, event in zip(positions, taken, strict=True)
            if await is_for(self._streams, person, organisation, event)
        ]
        return tuple(found)

    async def _send(
        self, subscription: Subscription, messages: list[dict[str, Any]], through: int, now: datetime
    ) -> bool:
        """Sends one letter and records what came of it; says whether it has to be sent again."""
        choices = subscription.choices
        if choices is None:
            return False
        if not messages:
            # All that it would have said may be seen no more, or nothing of it is for its reader.
            await self._record(subscription, through, now, Result.ACCEPTED, messages)
            return False
        letter = digest_letter(list(messages), choices, await self._carrier.around(subscription), now)
        identity = delivery_id(subscription.subscription, f"digest {through}")
        answer = await self._carrier.send(subscription, letter, identity)
        await self._record(subscription, through, now, answer.result, messages, answer)
        if answer.address_refused:
            await self._recording.disable(subscription, DisabledBecause.BOUNCED, answer.status)
            return False
        return answer.result is not Result.ACCEPTED

    async def _record(
        self,
        subscription: Subscription,
        through: int,
        now: datetime,
        result: Result,
        messages: list[dict[str, Any]],
        answer: MailAnswer | None = None,
    ) -> None:
        acknowledged = result is Result.ACCEPTED
        command = RecordDigest(
            at=now,
            by=SYSTEM,
            subscription=subscription.subscription,
            organisation=subscription.organisation,
            through=through,
            acknowledged=acknowledged,
            status=answer.status if answer is not None else None,
            error=answer.error if answer is not None else None,
            by_case=_by_case(messages) if acknowledged else (),
        )
        await self._run(subscription, command)

    async def _beginning(self, subscription: Subscription) -> int:
        (first,) = await self._streams.log.read(subscription_stream(subscription.subscription), most=1)
        return first.position

    async def _run(self, subscription: Subscription, command: DigestCommand) -> None:
        stream = digest_stream(subscription.subscription)
        await self._handler.handle(command, stream, DIGEST, Call(actor=SYSTEM), must_exist=False)


def _by_case(messages: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    events: dict[str, list[str]] = {}
    for message in messages:
        if (case := message["data"].get("case")) is not None:
            events.setdefault(str(case), []).append(str(message["id"]))
    return tuple((case, tuple(ids)) for case, ids in events.items())
