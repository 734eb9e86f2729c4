"""Records what delivering brings: what came of an attempt, and what becomes of its subscription."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from contracts.subscription_codes import ChallengeOutcome, DisabledBecause, WarningCode
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Busy, Call, Handler
from services.chassis.deciding.streams import Streams, at_second_sight
from services.chassis.engines.store_health import Unavailable
from services.chassis.modelling.decider import Command
from services.chassis.time.clock import Clock
from services.notifications.actions import decide as decide_on_subscription
from services.notifications.context import SubscriptionContexts
from services.notifications.domain.lane import (
    LANE,
    Delivered,
    Lane,
    LaneCommand,
    RecordAttempt,
    Withhold,
    decide,
    lane_stream,
)
from services.notifications.domain.subscription import (
    SUBSCRIPTION,
    Subscription,
    SubscriptionContext,
    subscription_stream,
)
from services.notifications.domain.subscription_course import (
    DisableSubscription,
    FinishReplay,
    RecordChallenge,
    RecordRecovery,
    WarnAboutSubscription,
)
from services.notifications.reactor import SYSTEM
from services.notifications.webhooks.sender import Answer

PAUSES: Final = (0.05, 0.2, 1.0, 2.0, 4.0, 8.0)
"""Seconds. An acknowledged attempt is tried to be recorded again and again: else it would be sent again."""


class Recording:
    """Runs the commands that delivering gives, in the service's own name."""

    def __init__(self, streams: Streams, clock: Clock) -> None:
        self._clock = clock
        self._lanes = Handler[LaneCommand, Lane](streams, OwnState(), decide)
        self._subscriptions = Handler[Command, SubscriptionContext](
            streams, SubscriptionContexts(), decide_on_subscription
        )

    async def attempt(
        self,
        delivery: Delivered,
        answer: Answer,
        *,
        known: int,
        started_at: datetime,
        next_at: datetime | None,
        probe_at: datetime | None,
        more: bool,
    ) -> None:
        """What came of an attempt. Raises Unavailable when the log stays away for long."""
        command = RecordAttempt(
            at=self._clock.now(),
            by=SYSTEM,
            delivery=delivery,
            known=known,
            acknowledged=answer.acknowledged,
            started_at=started_at,
            latency_ms=answer.latency_ms,
            status=answer.status,
            error=answer.error,
            digest=answer.digest,
            next_at=next_at,
            probe_at=probe_at,
            more=more,
        )
        for pause in PAUSES:
            try:
                await self._of_lane(command)
                break
            except (Unavailable, Busy):
                await asyncio.sleep(pause)
        else:
            await self._of_lane(command)

    async def withheld(self, delivery: Delivered, rule: str, *, more: bool) -> None:
        """That a delivery may not go out."""
        await self._of_lane(Withhold(at=self._clock.now(), by=SYSTEM, delivery=delivery, rule=rule, more=more))

    async def _of_lane(self, command: RecordAttempt | Withhold) -> None:
        delivery = command.delivery
        stream = lane_stream(delivery.subscription, delivery.key, delivery.replay)
        call = Call(actor=SYSTEM, correlation_id=delivery.event)

        async def record(known: bool) -> None:  # noqa: FBT001 - see at_second_sight
            # Of most lanes this is the first event: what has no fold is taken as new, and the append finds out.
            reads = await self._lanes.read(command, stream, LANE, None, known=known)
            await self._lanes.handle(command, stream, LANE, call, must_exist=False, reads=reads)

        await at_second_sight(record)

    async def challenge(self, subscription: str, number: int, outcome: ChallengeOutcome, status: int | None) -> None:
        """What became of a challenge."""
        await self._of_subscription(
            subscription,
            RecordChallenge(at=self._clock.now(), by=SYSTEM, challenge=number, outcome=outcome, status=status),
        )

    async def disable(self, sent_for: Subscription, reason: DisabledBecause, status: int | None = None) -> None:
        """That nothing is sent any more; `sent_for` is the subscription as it stood when that was sent of which so."""
        command = DisableSubscription(
            at=self._clock.now(), by=SYSTEM, reason=reason.value, status=status, challenges=sent_for.challenges
        )
        await self._of_subscription(sent_for.subscription, command)

    async def warn(self, sent_for: Subscription, warning: WarningCode, since: datetime) -> None:
        """That somebody has to be warned; `sent_for` is as in `disable`."""
        command = WarnAboutSubscription(
            at=self._clock.now(), by=SYSTEM, warning=warning.value, since=since, challenges=sent_for.challenges
        )
        await self._of_subscription(sent_for.subscription, command)

    async def recovered(self, subscription: str) -> None:
        """That what was warned of is over."""
        await self._of_subscription(subscription, RecordRecovery(at=self._clock.now(), by=SYSTEM))

    async def replayed(self, subscription: str, number: int) -> None:
        """That a replay is done."""
        await self._of_subscription(subscription, FinishReplay(at=self._clock.now(), by=SYSTEM, replay=number))

    async def _of_subscription(self, subscription: str, command: Command) -> None:
        await self._subscriptions.handle(command, subscription_stream(subscription), SUBSCRIPTION, Call(actor=SYSTEM))
