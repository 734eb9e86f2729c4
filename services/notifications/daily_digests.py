"""Digests: what came since the last one, on the morning of each working day, by the domain's clock.

What a letter says is fixed when its time has come, whatever the mail server does. It is posted beside the deadlines,
and only then is it looked what of it may still be seen.
"""

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
from services.chassis.time.scheduler import Pending, instant, sortable
from services.notifications.access import READ_FEED
from services.notifications.delivering.addressed import is_for
from services.notifications.delivering.carrier import ForgottenSecrets
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivering.mail_carrier import MailCarrier
from services.notifications.delivering.recording import Recording
from services.notifications.delivery_rows import DELIVERIES
from services.notifications.digest_rows import pending_digest, wants_digest
from services.notifications.domain.digest import (
    DIGEST,
    BeginDigest,
    Digest,
    DigestBegun,
    DigestCommand,
    RecordDigest,
    decide,
    digest_stream,
)
from services.notifications.domain.lane import DeliveryState
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.email.composing import digest_letter
from services.notifications.email.quiet_hours import is_daytime, next_morning
from services.notifications.lists import Page, messages_at, page, taken_at
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

    async def begin(self, stream: str, _due: Pending) -> Sequence[Pending]:
        """A digest of a subscription is due: fixes what its letter says. Returns when the next one is due."""
        subscription, digest = await self._found(stream)
        choices, now = subscription.choices, self._clock.now()
        if subscription.deleted or choices is None or not wants_digest(choices):
            return ()
        zone = choices.time_zone
        next_at = next_morning(now, zone)
        # As long as the letter before is on its way, what came since waits for the next morning.
        if subscription.state is SubscriptionState.ACTIVE and digest.begun is None and is_daytime(now, zone):
            more = await self._fix(subscription, digest, now)
            if more and is_daytime(now + AGAIN, zone):
                next_at = now + AGAIN
        return [pending_digest(next_at)]

    async def post(self, stream: str, due: Pending) -> Sequence[Pending]:
        """The letter of a digest waits, which is dated from when it was due; returns when it is tried again."""
        subscription, digest = await self._found(stream)
        choices, now = subscription.choices, self._clock.now()
        if subscription.deleted or choices is None or digest.begun is None:
            return ()
        zone = choices.time_zone
        if subscription.state is SubscriptionState.ACTIVE and is_daytime(now, zone):
            try:
                sent = await self._post(subscription, digest.begun, instant(due.due))
            except ForgottenSecrets:
                return ()
            if sent:
                return ()
        again = now + AGAIN
        return [due._replace(at=sortable(again if is_daytime(again, zone) else next_morning(now, zone)))]

    async def _found(self, stream: str) -> tuple[Subscription, Digest]:
        subscription = subscription_stream(stream.removeprefix(digest_stream("")))
        found = (await self._streams.fold(subscription, SUBSCRIPTION)).state
        return found, (await self._streams.fold(stream, DIGEST)).state

    async def _fix(self, subscription: Subscription, digest: Digest, now: datetime) -> bool:
        """Fixes what there is to be told, if there is anything; says whether more is left for later in the day."""
        after, last = digest.through or await self._beginning(subscription), None
        while True:
            found = await self._page(subscription, after)
            last = found.positions[-1] if found.positions else last
            positions = await self._to_tell(subscription, found.positions)
            if positions or not found.more:
                break
            # Of a mailbox that was told at once before: its past is passed by.
            after = found.next
        if last is None:
            return False
        # What is for others alone is passed by, and not looked at again.
        await self._run(
            subscription,
            BeginDigest(
                at=now,
                by=SYSTEM,
                subscription=subscription.subscription,
                after=after,
                through=last,
                count=len(positions),
            ),
        )
        return found.more

    async def _page(self, subscription: Subscription, after: int) -> Page:
        reader = Caller(sub=subscription.subscription, org=subscription.organisation, role=Role(subscription.reads_as))
        types = subscription.choices.types if subscription.choices is not None else None
        return await page(self._index, reader, READ_FEED, after=after, limit=MOST, types=types)

    async def _to_tell(self, subscription: Subscription, positions: Sequence[int]) -> tuple[int, ...]:
        """Those that are for its reader, and were not told at once when the mailbox was still told so."""
        choices = subscription.choices
        person, organisation = choices.person if choices is not None else None, subscription.organisation
        taken = dict(zip(positions, await taken_at(self._streams.log, positions), strict=True))
        deliveries = {
            position: delivery_id(subscription.subscription, str(event.message["id"]), position)
            for position, event in taken.items()
        }
        rows = await self._index.rows(DELIVERIES.name, list(deliveries.values())) if deliveries else {}
        by_itself = {key for key, row in rows.items() if row.columns["state"] == DeliveryState.DELIVERED}
        return tuple(
            [
                position
                for position, event in taken.items()
                if deliveries[position] not in by_itself and await is_for(self._streams, person, organisation, event)
            ]
        )

    async def _post(self, subscription: Subscription, begun: DigestBegun, at: datetime) -> bool:
        """Sends the letter and records what came of it; says whether nothing is left to be done for it."""
        choices = subscription.choices
        if choices is None:
            return True
        after, positions = begun.after, list[int]()
        while after < begun.through:
            # What may not be seen any more has gone from it.
            found = await self._page(subscription, after)
            positions += [position for position in found.positions if position <= begun.through]
            after = found.next if found.more else begun.through
        messages = await messages_at(self._streams.log, await self._to_tell(subscription, positions))
        if not messages:
            # All that it would have said may be seen no more, or nothing of it is for its reader.
            await self._record(subscription, begun.through, Result.ACCEPTED, messages)
            return True
        letter = digest_letter(list(messages), choices, await self._carrier.around(subscription), at)
        identity = delivery_id(subscription.subscription, f"digest {begun.through}")
        answer = await self._carrier.send(subscription, letter, identity)
        await self._record(subscription, begun.through, answer.result, messages, answer)
        if answer.address_refused:
            await self._recording.disable(subscription, DisabledBecause.BOUNCED, answer.status)
        return answer.result is Result.ACCEPTED

    async def _record(
        self,
        subscription: Subscription,
        through: int,
        result: Result,
        messages: list[dict[str, Any]],
        answer: MailAnswer | None = None,
    ) -> None:
        acknowledged = result is Result.ACCEPTED
        command = RecordDigest(
            at=self._clock.now(),
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
