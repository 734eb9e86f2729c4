"""A lane: what one subscription was told of one case, message by message in their order.

A delivery becomes an event when it is attempted; what has not been attempted yet stands in the inbox of the case, whose
numbers a lane goes by. While a delivery is retried it holds its lane, and no other one. A delivery that used up its
pauses lets the lane go on, and may be asked for again for ever: kept is the reference to the message, never its data.

Instants of attempts and pauses are the machine's, since a receiver lives by no other clock.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.chassis.modelling.decider import Command, Entity, Event, Refused
from services.chassis.modelling.growing import GrowingMap


class DeliveryState(StrEnum):
    """How a delivery stands."""

    PENDING = "PENDING"
    """Not attempted yet; no event says so."""
    RETRYING = "RETRYING"
    """Attempted, and attempted again after a pause."""
    DELIVERED = "DELIVERED"
    """Its receiver acknowledged it."""
    FAILED = "FAILED"
    """It used up its pauses."""
    WITHHELD = "WITHHELD"
    """When its turn came, its receiver might not get it any more."""


class Delivered(Struct, frozen=True, kw_only=True):
    """Which message goes to whom.

    `id` is the delivery's, `event` the message's, `position` and `number` its places in the log of this service and in
    the inbox of its case, `type` its CloudEvents type. `case` is None for a message about no case; `key` is what keeps
    its order. `replay` names the replay that it belongs to, if any.
    """

    id: str
    event: str
    type: str
    position: int
    number: int
    subscription: str
    organisation: str
    key: str
    case: str | None = None
    channel: str = "WEBHOOK"
    replay: str | None = None


class DeliveryEvent(Event, frozen=True, kw_only=True):
    """What every event of a lane is about."""

    delivery: Delivered


class DeliveryAttempted(DeliveryEvent, frozen=True, kw_only=True):
    """A message was sent, and this came of it.

    `attempt` counts those of the delivery, `since_request` those since it began or was asked for again. `started_at` is
    the machine's time. `status` is the HTTP status of the answer, `error` the code of what stood in its place,
    `digest` the SHA-256 of the answer's body. `next_at`: when it is attempted again; of a delivery that used up its
    pauses, when the endpoint is probed with it. `more`: whether messages behind it wait that were passed by; None: that
    is as it was.
    """

    attempt: int
    since_request: int
    outcome: DeliveryState
    started_at: datetime
    latency_ms: int
    status: int | None = None
    error: str | None = None
    digest: str | None = None
    next_at: datetime | None = None
    more: bool | None = None


class DeliveryFailed(DeliveryEvent, frozen=True, kw_only=True):
    """A delivery used up its pauses after so many attempts, and holds its case no longer."""

    attempts: int


class DeliveryWithheld(DeliveryEvent, frozen=True, kw_only=True):
    """When its turn came, the organisation might not get it any more, by the `rule`; `more` is as in an attempt."""

    rule: str
    more: bool | None = None


class DeliveryRetryRequested(DeliveryEvent, frozen=True, kw_only=True):
    """Somebody asked for the delivery again; `due_at` is the machine's time."""

    due_at: datetime


LaneEvent = DeliveryAttempted | DeliveryFailed | DeliveryWithheld | DeliveryRetryRequested
"""The events of a lane."""


class RecordAttempt(Command, frozen=True, kw_only=True):
    """Record what came of sending a delivery. `known` is how many attempts of it its sender knew of.

    `acknowledged`: the receiver took it. `next_at`: when it is to be tried again, None where no pause is left; then
    `probe_at` is when it serves to find out whether the endpoint is back, None where it is not away.
    """

    delivery: Delivered
    known: int
    acknowledged: bool
    started_at: datetime
    latency_ms: int
    status: int | None = None
    error: str | None = None
    digest: str | None = None
    next_at: datetime | None = None
    probe_at: datetime | None = None
    more: bool = False


class Withhold(Command, frozen=True, kw_only=True):
    """Record that a delivery may not go out, by which rule."""

    delivery: Delivered
    rule: str
    more: bool = False


class RequestRetry(Command, frozen=True, kw_only=True):
    """Ask for a delivery again. `now` is the machine's time."""

    delivery: str
    now: datetime


LaneCommand = RecordAttempt | Withhold | RequestRetry


class Known(Struct, frozen=True, kw_only=True):
    """What is known of a delivery that was attempted, or withheld.

    `due_at`: when it is attempted again, the machine's time; None where nothing is to come.
    """

    delivery: Delivered
    state: DeliveryState
    attempts: int = 0
    since_request: int = 0
    due_at: datetime | None = None


class Lane(Struct, frozen=True, kw_only=True):
    """What a subscription was told of a case.

    `through` is the number in the inbox up to which all is done; `held` the delivery that the lane waits for; `beside`
    those that are tried again without holding anything; `more` whether messages wait that were passed by.
    """

    through: int = 0
    held: str | None = None
    beside: GrowingMap[str, None] = GrowingMap()
    known: GrowingMap[str, Known] = GrowingMap()
    more: bool = False

    @property
    def holds(self) -> Known | None:
        """The delivery that the lane waits for."""
        return None if self.held is None else self.known[self.held]

    @property
    def requested(self) -> list[Known]:
        """What is tried again beside, what is due first before the rest."""
        waiting = [self.known[delivery] for delivery in self.beside]
        return sorted(waiting, key=lambda known: (known.due_at is None, known.due_at, known.delivery.number))

    def attempts(self, delivery: str) -> int:
        """How often it was attempted."""
        known = self.known.get(delivery)
        return 0 if known is None else known.attempts


def decide(command: LaneCommand, lane: Lane) -> list[LaneEvent]:
    """Only what is asked for again can be refused: what happened to a delivery is recorded."""
    match command:
        case RecordAttempt():
            return _attempted(command, lane)
        case Withhold():
            return _withheld(command, lane)
        case RequestRetry():
            return [_requested_again(command, lane)]
        case _:
            assert_never(command)


def _attempted(command: RecordAttempt, lane: Lane) -> list[LaneEvent]:
    delivery = command.delivery
    known = lane.known.get(delivery.id)
    overtaken = command.known != lane.attempts(delivery.id)
    if overtaken and _changes_nothing(command, known):
        # Another process owned the endpoint meanwhile, and has recorded an attempt in this one's place.
        return []
    attempt, since_request = lane.attempts(delivery.id) + 1, (0 if known is None else known.since_request) + 1
    probed = known is not None and known.state is DeliveryState.FAILED
    if command.acknowledged:
        outcome, next_at = DeliveryState.DELIVERED, None
    elif command.next_at is not None and not probed:
        outcome, next_at = DeliveryState.RETRYING, command.next_at
    else:
        outcome, next_at = DeliveryState.FAILED, command.probe_at
    if not _in_turn(lane, delivery):
        more = None
    elif outcome is DeliveryState.RETRYING:
        # It holds what is behind it.
        more = False
    else:
        more = command.more or overtaken
    events: list[LaneEvent] = [
        DeliveryAttempted(
            delivery=delivery,
            attempt=attempt,
            since_request=since_request,
            outcome=outcome,
            started_at=command.started_at,
            latency_ms=command.latency_ms,
            status=command.status,
            error=command.error,
            digest=command.digest,
            next_at=next_at,
            more=more,
        )
    ]
    if outcome is DeliveryState.FAILED and not probed:
        events.append(DeliveryFailed(delivery=delivery, attempts=attempt))
    return events


def _changes_nothing(command: RecordAttempt, known: Known | None) -> bool:
    return not command.acknowledged or (known is not None and known.state is DeliveryState.DELIVERED)


def _in_turn(lane: Lane, delivery: Delivered) -> bool:
    """Whether the lane goes on once the delivery has ended; not so of one that is sent again, or by another process."""
    return lane.held in (None, delivery.id) and delivery.number > lane.through


def _withheld(command: Withhold, lane: Lane) -> list[LaneEvent]:
    known = lane.known.get(command.delivery.id)
    if known is not None and known.due_at is None:
        return []
    more = command.more if _in_turn(lane, command.delivery) else None
    return [DeliveryWithheld(delivery=command.delivery, rule=command.rule, more=more)]


def _requested_again(command: RequestRetry, lane: Lane) -> DeliveryRetryRequested:
    known = lane.known[command.delivery]
    if known.due_at is not None and known.due_at <= command.now:
        raise Refused("DELIVERY_UNDER_WAY", "the delivery is being attempted; ask again once its attempt has ended")
    return DeliveryRetryRequested(delivery=known.delivery, due_at=command.now)


def evolve(lane: Lane, event: LaneEvent) -> Lane:
    """See `services.chassis.modelling.decider`."""
    match event:
        case DeliveryAttempted(outcome=DeliveryState.RETRYING):
            return _waits(lane, event)
        case DeliveryAttempted():
            return _ended(lane, event.delivery, event.outcome, event.next_at, event.attempt, more=event.more)
        case DeliveryFailed():
            return lane
        case DeliveryWithheld(delivery=delivery):
            attempts = lane.attempts(delivery.id)
            return _ended(lane, delivery, DeliveryState.WITHHELD, None, attempts, more=event.more)
        case DeliveryRetryRequested():
            return _again(lane, event)
        case _:
            assert_never(event)


def _waits(lane: Lane, event: DeliveryAttempted) -> Lane:
    delivery = event.delivery
    known = Known(
        delivery=delivery,
        state=DeliveryState.RETRYING,
        attempts=event.attempt,
        since_request=event.since_request,
        due_at=event.next_at,
    )
    if not _in_turn(lane, delivery):
        return replace(lane, known=lane.known.insert(delivery.id, known))
    return replace(lane, held=delivery.id, known=lane.known.insert(delivery.id, known), more=True)


def _ended(
    lane: Lane,
    delivery: Delivered,
    state: DeliveryState,
    due_at: datetime | None,
    attempts: int,
    *,
    more: bool | None,
) -> Lane:
    known = Known(delivery=delivery, state=state, attempts=attempts, due_at=due_at)
    beside = lane.beside.without(delivery.id) if due_at is None else lane.beside.insert(delivery.id, None)
    return replace(
        lane,
        through=delivery.number if _in_turn(lane, delivery) else lane.through,
        held=None if lane.held == delivery.id else lane.held,
        beside=beside,
        known=lane.known.insert(delivery.id, known),
        more=lane.more if more is None else more,
    )


def _again(lane: Lane, event: DeliveryRetryRequested) -> Lane:
    delivery = event.delivery
    known = Known(
        delivery=delivery,
        state=DeliveryState.RETRYING,
        attempts=lane.attempts(delivery.id),
        due_at=event.due_at,
    )
    beside = lane.beside if delivery.id == lane.held else lane.beside.insert(delivery.id, None)
    return replace(lane, beside=beside, known=lane.known.insert(delivery.id, known))


LANE: Entity[Lane] = Entity(Lane(), evolve)


def lane_stream(subscription: str, key: str, replay: str | None = None) -> str:
    """The stream of what a subscription was told of a case, or told again by a replay."""
    return f"lane-{subscription}-{key}" if replay is None else f"lane-{subscription}-{key}-{replay}"
