"""What a decision on a subscription rests on: the subscription, and those that its organisation has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.chassis.deciding.context import NOTHING, Needed
from services.chassis.deciding.streams import Reads
from services.chassis.log.event_log import EventLog
from services.chassis.modelling.decider import Command
from services.notifications.actions import STATES
from services.notifications.domain.subscribing import CreateSubscription, ReplaySubscription
from services.notifications.domain.subscription import (
    OF_ORGANISATION,
    Positions,
    Subscription,
    SubscriptionContext,
    organisation_stream,
)
from services.notifications.log_times import through_before


class SubscriptionContexts:
    """The contexts of commands on subscriptions."""

    def needs(self, command: Command, _own: Subscription, /) -> Mapping[str, Needed]:
        """How many the organisation has matters to a new one alone."""
        if not isinstance(command, CreateSubscription):
            return {}
        return {"held": Needed(organisation_stream(command.organisation), OF_ORGANISATION)}

    async def make(
        self, command: Command, _stream: str, own: Subscription, found: Mapping[str, Any], reads: Reads, /
    ) -> SubscriptionContext:
        """The context of a command on a subscription."""
        if isinstance(command, ReplaySubscription) and command.start is not None:
            return self.of(own, {**found, "positions": await _positions(command, command.start, reads.log)})
        return self.of(own, found)

    @staticmethod
    def of(own: Subscription, found: Mapping[str, Any] = NOTHING) -> SubscriptionContext:
        """The context of a subscription as it stands."""
        return SubscriptionContext(subscription=own, states=STATES, **found)

    def references(self, _command: Command, _context: SubscriptionContext, /) -> Mapping[str, str | None]:
        """None: it is about no case."""
        return NOTHING


async def _positions(command: ReplaySubscription, start: datetime, log: EventLog) -> Positions:
    through = await log.head() if command.ends is None else await through_before(log, command.ends)
    return Positions(after=await through_before(log, start), through=through)
