"""What the index knows of deliveries: how each stands that was attempted, and for what lanes wait."""

from __future__ import annotations

from typing import Final, assert_never

from services.chassis.index.index import Changes, Table
from services.chassis.log.metadata import Recorded
from services.chassis.time.scheduler import sortable
from services.notifications.domain.lane import (
    Delivered,
    DeliveryAttempted,
    DeliveryFailed,
    DeliveryRetryRequested,
    DeliveryState,
    DeliveryWithheld,
    LaneEvent,
)

DELIVERIES: Final = Table(
    "deliveries",
    columns=("subscription", "state", "lane"),
    indexes=(("subscription",), ("subscription", "state")),
)
"""One row per delivery that was attempted or withheld, by its id.

`seq` is its place in lists: that of its message in the log, which it had already while it waited for its turn; of what
nobody knew of before it was attempted, as of a replay or a test event, that of its first event.
"""

LANES: Final = Table(
    "lanes",
    columns=("subscription", "about", "case_id", "replay", "due"),
    orders=(("subscription", "due"),),
)
"""What lanes wait for: a row per delivery that is tried again, by its id, and one per lane that has not caught up.

`due` is when, as `sortable` has it, by the machine's clock. `about` is what keeps the order in the lane.
"""


def index_lane(recorded: Recorded, event: LaneEvent, changes: Changes) -> None:
    """What one event of a lane changes."""
    delivery = event.delivery
    match event:
        case DeliveryAttempted():
            _stands(recorded, delivery, event.outcome, changes)
            if event.next_at is not None:
                _waits(recorded, delivery.id, delivery, sortable(event.next_at), changes)
            elif event.attempt > 1:
                changes.delete(LANES.name, delivery.id)
            _passed_by(recorded, delivery, sortable(event.started_at), changes, more=event.more)
        case DeliveryFailed():
            pass
        case DeliveryWithheld():
            _stands(recorded, delivery, DeliveryState.WITHHELD, changes)
            changes.delete(LANES.name, delivery.id)
            _passed_by(recorded, delivery, "", changes, more=event.more)
        case DeliveryRetryRequested():
            _stands(recorded, delivery, DeliveryState.RETRYING, changes)
            _waits(recorded, delivery.id, delivery, sortable(event.due_at), changes)
        case _:
            assert_never(event)


def _stands(recorded: Recorded, delivery: Delivered, state: DeliveryState, changes: Changes) -> None:
    foreseen = delivery.replay is None and delivery.position
    changes.put(
        DELIVERIES.name,
        delivery.id,
        delivery.position if foreseen else recorded.position,
        subscription=delivery.subscription,
        state=state.value,
        lane=recorded.stream,
    )


def _waits(recorded: Recorded, key: str, delivery: Delivered, due: str, changes: Changes) -> None:
    changes.put(
        LANES.name,
        key,
        recorded.position,
        subscription=delivery.subscription,
        about=delivery.key,
        case_id=delivery.case,
        replay=delivery.replay,
        due=due,
    )


def _passed_by(recorded: Recorded, delivery: Delivered, due: str, changes: Changes, *, more: bool | None) -> None:
    if more:
        _waits(recorded, recorded.stream, delivery, due, changes)
    elif more is not None:
        changes.delete(LANES.name, recorded.stream)
