"""What the index knows of subscriptions."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final, assert_never

from contracts.subscription_codes import SubscriptionState
from services.chassis.index.index import Changes, Row, Table, Value
from services.chassis.log.metadata import Recorded
from services.chassis.time.scheduler import sortable
from services.notifications.domain.subscription import subscription_stream
from services.notifications.domain.subscription_events import (
    ChallengeFailed,
    ChallengeSent,
    DeliveryTestRequested,
    OwnershipProven,
    ReplayFinished,
    ReplayRequested,
    SecretRotated,
    SubscriptionChanged,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionDisabled,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionRecovered,
    SubscriptionResumed,
    VerificationRequested,
    WarnedAboutSubscription,
)

SUBSCRIPTIONS: Final = Table(
    "subscriptions",
    columns=("organisation", "channel", "state", "challenge_due", "types", "created_at"),
    indexes=(("organisation",), ("state",), ("challenge_due",), ("organisation", "channel")),
)
"""One row per subscription, by its id; `seq` is where it begins: what comes behind it is for the subscriber.

`state` is of `SubscriptionState`, and `challenge_due` 1 as long as a challenge has to be sent. `types` is a JSON array,
or null for all. One that was deleted has no row.
"""

ENDED: Final = Table("ended_subscriptions", columns=("ended_at",), indexes=((),))
"""One row per subscription that was deleted, by its id; `seq` is the position of its end."""


def covers(row: Row, kind: str, since: datetime) -> bool:
    """Whether a subscription was there by then, and is of messages of this CloudEvents type."""
    types, created_at = row.columns["types"], row.columns["created_at"]
    if types is None or created_at is None or str(created_at) > sortable(since):
        return False
    chosen = json.loads(str(types))
    return not chosen or kind in chosen


def index_subscription(recorded: Recorded, event: SubscriptionEvent, changes: Changes) -> None:
    """What one event of a subscription changes in its row."""
    match event:
        case SubscriptionCreated():
            row = {
                "organisation": event.organisation,
                "channel": event.choices.channel,
                "types": json.dumps(event.choices.types),
                "created_at": sortable(event.created_at),
            }
            _put(recorded, changes, SubscriptionState.PENDING, challenge_due=1, **row)
        case SubscriptionChanged() | VerificationRequested():
            _chosen(recorded, event, changes)
        case OwnershipProven():
            _put(recorded, changes, SubscriptionState.ACTIVE, challenge_due=None)
        case ChallengeSent() | ChallengeFailed():
            _put(recorded, changes, SubscriptionState.PENDING, challenge_due=None)
        case SubscriptionPaused():
            _put(recorded, changes, SubscriptionState.PAUSED)
        case SubscriptionResumed():
            _put(recorded, changes, SubscriptionState.ACTIVE)
        case SubscriptionDisabled():
            _put(recorded, changes, SubscriptionState.DISABLED, challenge_due=None)
        case SubscriptionDeleted():
            changes.delete(SUBSCRIPTIONS.name, _key(recorded))
            changes.put(ENDED.name, _key(recorded), recorded.position, ended_at=sortable(event.deleted_at))
        case (
            WarnedAboutSubscription()
            | SubscriptionRecovered()
            | SecretRotated()
            | DeliveryTestRequested()
            | ReplayRequested()
            | ReplayFinished()
        ):
            pass
        case _:
            assert_never(event)


def _chosen(recorded: Recorded, event: SubscriptionChanged | VerificationRequested, changes: Changes) -> None:
    if isinstance(event, SubscriptionChanged):
        changes.put(SUBSCRIPTIONS.name, _key(recorded), recorded.position, types=json.dumps(event.choices.types))
        if not event.elsewhere:
            return
    _put(recorded, changes, SubscriptionState.PENDING, challenge_due=1)


def _key(recorded: Recorded) -> str:
    return recorded.stream.removeprefix(subscription_stream(""))


def _put(recorded: Recorded, changes: Changes, state: SubscriptionState, **columns: Value) -> None:
    changes.put(SUBSCRIPTIONS.name, _key(recorded), recorded.position, state=state.value, **columns)
