"""Works on one lane: what comes next in it is sent if it may be, and what came of it is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

from contracts.codes import Role
from contracts.subscription_codes import DisabledBecause, SubscriptionState, WarningCode
from services.chassis.access.identity import Caller
from services.chassis.deciding.streams import Streams
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Entity
from services.notifications.delivering.addressed import is_for
from services.notifications.delivering.carrier import TEST
from services.notifications.delivering.carriers import Carries
from services.notifications.delivering.endpoint import Endpoint, LaneKey, UnderWay
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivering.mail_carrier import BOUNCED
from services.notifications.delivering.permission import NOT_A_PARTY, NOT_FOR_YOU, rule_against
from services.notifications.delivering.pools import Pools
from services.notifications.delivering.recording import Recording
from services.notifications.delivering.replays import end_of_replay
from services.notifications.delivering.schedule import Schedule
from services.notifications.domain.inbox import INBOX, MessageTaken, inbox_stream, notices_stream
from services.notifications.domain.lane import (
    LANE,
    Delivered,
    DeliveryState,
    Known,
    Lane,
    lane_stream,
)
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.webhooks.sender import Answer

AT_ONCE: Final = 50
"""Messages of a case that are read at a time."""
WARN_AFTER_SECONDS: Final = 1800.0
"""How long nothing has to arrive at an endpoint before somebody is warned of it."""
GONE: Final = 410
TESTS: Final = LaneKey("test", None, None)
"""The lane of the test events of a subscription."""


class Waits(NamedTuple):
    """When a lane goes on by itself, and whether a delivery holds it until then."""

    until: datetime | None
    held: bool


class NotNow(Exception):  # noqa: N818 - reads as what happened
    """Nothing may be sent to the endpoint from here any more; the lane is where it was."""


class _Message:
    """A message whose turn it is, as the lane knows it and as the inbox has it; `recorded` is None for a test event.

    `last`: nothing came after it when it was read.
    """

    __slots__ = ("delivery", "known", "last", "recorded")

    def __init__(
        self, delivery: Delivered, known: Known | None, recorded: Recorded | None, *, last: bool = False
    ) -> None:
        self.delivery = delivery
        self.known = known
        self.recorded = recorded
        self.last = last


class LaneWork:
    """Works on lanes of endpoints. `may_send` says whether anything may be begun for one now."""

    def __init__(
        self,
        streams: Streams,
        carrier: Carries,
        recording: Recording,
        schedule: Schedule,
        pools: Pools,
        may_send: Callable[[Endpoint], bool],
    ) -> None:
        self._streams = streams
        self._log = streams.log
        self._carrier = carrier
        self._recording = recording
        self._schedule = schedule
        self._pools = pools
        self._may_send = may_send

    async def run(self, endpoint: Endpoint, key: LaneKey, under_way: UnderWay) -> Waits:
        """Works on a lane until it waits for something, or nothing is left; returns for what.

        Raises NotNow, ForgottenSecrets, and Unavailable where a store is away.
        """
        catching_up = False
        own = lane_stream(endpoint.id, key.about, key.replay), LANE
        subscribed = subscription_stream(endpoint.id), SUBSCRIPTION
        # In a round trip each: what a message rests on is asked for together.
        decisive: list[tuple[str, Entity[Any]]] = [subscribed]
        if key.case is not None:
            decisive.append((inbox_of(key), INBOX))
        while True:
            under_way.news = False
            folds = await self._streams.fold_together([own, subscribed])
            lane, types = folds[0].state, _types(folds[1].state)
            # What was passed by while it was held may be from before the feed came to it this time.
            catching_up |= lane.more or lane.held is not None
            message = await self._next(endpoint, key, lane, types, 0 if catching_up else under_way.floor)
            if message is None:
                if not under_way.news or lane.held is not None:
                    return Waits(_next_due(lane), held=lane.held is not None)
                continue
            async with self._pools.place(endpoint):
                mark = self._log.mark()
                subscription = (await self._streams.fold_together(decisive, mark))[0].state
                if not self._may_send(endpoint) or subscription.state is not SubscriptionState.ACTIVE:
                    raise NotNow
                settled = await self._tell(endpoint, key, subscription, message, mark, catching_up=catching_up)
            if settled and message.last and not under_way.news and lane.holds is None and not lane.requested:
                return Waits(None, held=False)

    async def _next(
        self, endpoint: Endpoint, key: LaneKey, lane: Lane, types: Collection[str] | None, floor: int
    ) -> _Message | None:
        now = self._schedule.now()
        waiting = [*([lane.holds] if lane.holds is not None else []), *lane.requested]
        for known in waiting:
            if known.due_at is not None and known.due_at <= now:
                return _Message(known.delivery, known, await self._at(known.delivery))
        if lane.held is not None:
            return None
        if key == TESTS:
            return await self._next_test(endpoint, lane)
        return await self._next_of_inbox(endpoint, key, lane, types, floor)

    async def _at(self, delivery: Delivered) -> Recorded | None:
        if delivery.type == TEST:
            return None
        (recorded,) = await self._log.read_all(delivery.position - 1, 1)
        return recorded

    async def _next_test(self, endpoint: Endpoint, lane: Lane) -> _Message | None:
        subscription = (await self._streams.fold(subscription_stream(endpoint.id), SUBSCRIPTION)).state
        if (test := subscription.test) is None or delivery_id(endpoint.id, test.test) in lane.known:
            return None
        delivery = Delivered(
            id=delivery_id(endpoint.id, test.test),
            event=test.test,
            type=TEST,
            position=0,
            number=lane.through + 1,
            subscription=endpoint.id,
            organisation=endpoint.organisation,
            channel=endpoint.channel,
            key=TESTS.about,
        )
        return _Message(delivery, None, None)

    async def _next_of_inbox(
        self, endpoint: Endpoint, key: LaneKey, lane: Lane, types: Collection[str] | None, floor: int
    ) -> _Message | None:
        number = lane.through
        floor = max(floor, endpoint.seq) if key.replay is None else floor
        through = end_of_replay(key.replay)
        while True:
            batch, mark = await self._read(key, number)
            for recorded in batch:
                number = recorded.version
                if through is not None and recorded.position > through:
                    return None
                if recorded.position <= floor or (types is not None and recorded.event.type not in types):
                    continue
                delivery = delivered(endpoint, key, recorded)
                # Sent out of its turn by another process, which was stopped on the way.
                if delivery.id in lane.known:
                    continue
                if not await is_for(self._streams, endpoint.person, endpoint.organisation, recorded.event, mark):
                    continue
                # Read once more before it is sent; here it only tells what is not to be seen from what is withheld.
                if await rule_against(self._streams, reader_of(endpoint), recorded, mark) != NOT_FOR_YOU:
                    last = recorded is batch[-1] and len(batch) < AT_ONCE
                    return _Message(delivery, None, recorded, last=last)
            if len(batch) < AT_ONCE:
                return None
            await asyncio.sleep(0)

    async def _read(self, key: LaneKey, after: int) -> tuple[list[Recorded], object]:
        """Messages behind `after`, and the log's mark under which their stream was folded at least up to them."""
        inbox, mark = inbox_of(key), self._log.mark()
        if key.case is None:
            return await self._log.read(inbox, after=after, most=AT_ONCE), mark
        # Asked at the same moment, both come in one round trip.
        reading = self._log.read(inbox, after=after, most=AT_ONCE)
        batch, folded = await asyncio.gather(reading, self._streams.fold(inbox, INBOX, mark))
        if batch and folded.version < batch[-1].version:
            # Another process stored something in between.
            mark = self._log.mark()
            await self._streams.fold(inbox, INBOX, mark)
        return batch, mark

    async def _tell(
        self,
        endpoint: Endpoint,
        key: LaneKey,
        subscription: Subscription,
        message: _Message,
        mark: object,
        *,
        catching_up: bool,
    ) -> bool:
        """Returns whether nothing of the message is left to wait for."""
        delivery, known, recorded = message.delivery, message.known, message.recorded
        if recorded is not None:
            rule = await rule_against(self._streams, reader_of(endpoint), recorded, mark)
            if rule is not None:
                more = catching_up and await self._is_more(key, delivery)
                await self._recording.withheld(delivery, rule or NOT_A_PARTY, more=more)
                self._pools.note(DeliveryState.WITHHELD)
                return True
        started_at = self._schedule.now()
        if recorded is None:
            answer = await self._carrier.test(subscription, delivery.event, started_at)
        else:
            taken: MessageTaken = recorded.event
            answer = await self._carrier.carry(subscription, taken.message, started_at)
        ended_at = self._schedule.now()
        endpoint.answered(acknowledged=answer.acknowledged, latency_ms=answer.latency_ms, at=started_at)
        before = 0 if known is None else known.since_request
        next_at = probe_at = None
        if not answer.acknowledged and recorded is not None:
            if known is None or known.state is not DeliveryState.FAILED:
                next_at = self._schedule.next_attempt(before + 1, ended_at, answer.retry_after)
            if next_at is None:
                probe_at = self._probe(endpoint, ended_at)
        more = catching_up and await self._is_more(key, delivery)
        await self._recording.attempt(
            delivery,
            answer,
            known=0 if known is None else known.attempts,
            started_at=started_at,
            next_at=next_at,
            probe_at=probe_at,
            more=more,
        )
        if answer.acknowledged:
            self._pools.note(DeliveryState.DELIVERED)
        else:
            self._pools.note(DeliveryState.FAILED if next_at is None else DeliveryState.RETRYING)
        await self._what_follows(endpoint, subscription, answer, ended_at, used_up=next_at is None)
        return answer.acknowledged

    def _probe(self, endpoint: Endpoint, ended_at: datetime) -> datetime | None:
        # One is enough to find out whether the endpoint is back.
        if endpoint.probed_at is not None and endpoint.probed_at > ended_at:
            return None
        endpoint.probed_at = self._schedule.next_probe(ended_at)
        return endpoint.probed_at

    async def _is_more(self, key: LaneKey, delivery: Delivered) -> bool:
        return key != TESTS and bool(await self._log.read(inbox_of(key), after=delivery.number, most=1))

    async def _what_follows(
        self, endpoint: Endpoint, subscription: Subscription, answer: Answer, at: datetime, *, used_up: bool
    ) -> None:
        """What an attempt means for the subscription."""
        if answer.acknowledged:
            if subscription.warned is not None:
                await self._recording.recovered(endpoint.id)
            return
        since = endpoint.away_since or at
        if answer.status == GONE:
            await self._recording.warn(subscription, WarningCode.DISABLED, since)
            await self._recording.disable(subscription, DisabledBecause.GONE, answer.status)
            return
        if answer.error == BOUNCED:
            await self._recording.disable(subscription, DisabledBecause.BOUNCED, answer.status)
            return
        if self._schedule.given_up(since, at):
            await self._recording.warn(subscription, WarningCode.DISABLED, since)
            await self._recording.disable(subscription, DisabledBecause.UNREACHABLE, answer.status)
            return
        away = (at - since).total_seconds() >= WARN_AFTER_SECONDS
        if subscription.warned is None and (away or used_up):
            await self._recording.warn(subscription, WarningCode.FAILING, since)


def _types(subscription: Subscription) -> Collection[str] | None:
    return None if subscription.choices is None else subscription.choices.types


def _next_due(lane: Lane) -> datetime | None:
    waiting = [*([lane.holds] if lane.holds is not None else []), *lane.requested]
    return min((known.due_at for known in waiting if known.due_at is not None), default=None)


def inbox_of(key: LaneKey) -> str:
    """The stream that a lane is told of."""
    return inbox_stream(key.case) if key.case is not None else notices_stream(key.about)


def reader_of(endpoint: Endpoint) -> Caller:
    """In whose name the feed is read for an endpoint."""
    return Caller(endpoint.id, endpoint.organisation, Role(endpoint.reads_as))


def delivered(endpoint: Endpoint, key: LaneKey, recorded: Recorded) -> Delivered:
    """The delivery of a message to an endpoint."""
    taken: MessageTaken = recorded.event
    event = str(taken.message["id"])
    return Delivered(
        id=delivery_id(endpoint.id, event, recorded.position, key.replay),
        event=event,
        type=taken.type,
        position=recorded.position,
        number=recorded.version,
        subscription=endpoint.id,
        organisation=endpoint.organisation,
        key=key.about,
        case=taken.case,
        channel=endpoint.channel,
        replay=key.replay,
    )
