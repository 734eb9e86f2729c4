"""A subscription: who is told of what, by a webhook or by e-mail, and whether it is proven to be theirs.

What an endpoint or a person gets is the feed of the organisation, from the subscription's first event on, as the role
`reads_as` may read it at the moment of each sending.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from contracts.subscription_codes import ChallengeOutcome, Channel, SubscriptionState
from services.chassis.modelling.decider import Entity, To
from services.chassis.modelling.growing import GrowingSet
from services.notifications.domain.subscription_events import (
    ChallengeFailed,
    ChallengeSent,
    Choices,
    CountEvent,
    DeliveryTestRequested,
    Keys,
    OwnershipProven,
    Person,
    ReplayFinished,
    ReplayRequested,
    SecretRotated,
    SubscriptionChanged,
    SubscriptionCounted,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionDisabled,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionRecovered,
    SubscriptionResumed,
    SubscriptionUncounted,
    VerificationRequested,
    WarnedAboutSubscription,
)

MOST_KEYS: Final = 4
"""Of one subscription that sign at the same time."""


def subscription_stream(subscription: str) -> str:
    """The stream of one subscription."""
    return f"subscription-{subscription}"


def organisation_stream(organisation: str) -> str:
    """The stream that counts the subscriptions of an organisation."""
    return f"subscriptions-{organisation}"


class LastChallenge(Struct, frozen=True, kw_only=True):
    """What became of the challenge before."""

    at: datetime
    outcome: str
    status: int | None = None


class Subscription(Struct, frozen=True, kw_only=True):
    """A subscription as it stands; `state` is None before there is one and after its end.

    `challenge` is the number of the challenge that is open, of `challenges` so far: to be sent, unless `sent` is set.
    `keys` are all that may sign, the newest last. `replay` is the one that is under way, of `replays` so far; `test`
    the test event that was asked for last. `disabled` and `warned` say why and of what, as long as it is so.
    """

    subscription: str = ""
    organisation: str = ""
    reads_as: str = ""
    choices: Choices | None = None
    created_by: Person | None = None
    created_at: datetime | None = None
    state: SubscriptionState | None = None
    deleted: bool = False
    challenges: int = 0
    challenge: int | None = None
    sent: datetime | None = None
    last_challenge: LastChallenge | None = None
    keys: tuple[Keys, ...] = ()
    disabled: SubscriptionDisabled | None = None
    warned: WarnedAboutSubscription | None = None
    test: DeliveryTestRequested | None = None
    replays: int = 0
    replay: ReplayRequested | None = None

    @property
    def challenge_due(self) -> int | None:
        """The number of the challenge that has to be sent now; None where none has."""
        return self.challenge if self.state is SubscriptionState.PENDING and self.sent is None else None

    @property
    def is_webhook(self) -> bool:
        """Whether it is told by a webhook."""
        return self.choices is not None and self.choices.channel == Channel.WEBHOOK

    def signing(self, at: datetime) -> tuple[Keys, ...]:
        """The keys that sign at an instant of the machine's clock, the newest first."""
        return tuple(keys for keys in reversed(self.keys) if keys.until is None or at < keys.until)


def asks_for_proof(event: SubscriptionEvent | To) -> bool:
    """Whether ownership has to be proven after an event."""
    return isinstance(event, SubscriptionCreated | VerificationRequested) or (
        isinstance(event, SubscriptionChanged) and event.elsewhere
    )


def _challenged(subscription: Subscription) -> Subscription:
    number = subscription.challenges + 1
    state = SubscriptionState.PENDING
    return replace(subscription, state=state, challenges=number, challenge=number, sent=None, disabled=None)


def evolve(subscription: Subscription, event: SubscriptionEvent) -> Subscription:
    """The subscription after one more event."""
    match event:
        case SubscriptionCreated():
            created = Subscription(
                subscription=event.subscription,
                organisation=event.organisation,
                reads_as=event.reads_as,
                choices=event.choices,
                created_by=event.created_by,
                created_at=event.created_at,
                keys=(event.keys,) if event.keys is not None else (),
            )
            return _challenged(created)
        case SubscriptionChanged():
            person = event.choices.person
            reads_as = person.role if person is not None else subscription.reads_as
            changed = replace(subscription, choices=event.choices, reads_as=reads_as)
            return _challenged(changed) if event.elsewhere else changed
        case VerificationRequested():
            return _challenged(subscription)
        case ChallengeSent():
            outcome = LastChallenge(at=event.sent_at, outcome=ChallengeOutcome.SENT.value)
            return replace(subscription, sent=event.sent_at, last_challenge=outcome)
        case OwnershipProven():
            outcome = LastChallenge(at=event.proven_at, outcome=ChallengeOutcome.PROVEN.value)
            state = SubscriptionState.ACTIVE
            return replace(subscription, state=state, challenge=None, sent=None, last_challenge=outcome, warned=None)
        case ChallengeFailed():
            outcome = LastChallenge(at=event.failed_at, outcome=event.outcome, status=event.status)
            return replace(subscription, challenge=None, sent=None, last_challenge=outcome)
        case SubscriptionPaused():
            return replace(subscription, state=SubscriptionState.PAUSED)
        case SubscriptionResumed():
            return replace(subscription, state=SubscriptionState.ACTIVE)
        case SubscriptionDisabled():
            state = SubscriptionState.DISABLED
            return replace(subscription, state=state, disabled=event, challenge=None, sent=None)
        case WarnedAboutSubscription():
            return replace(subscription, warned=event)
        case SubscriptionRecovered():
            return replace(subscription, warned=None)
        case SecretRotated():
            return replace(subscription, keys=_rotated(subscription.keys, event))
        case DeliveryTestRequested():
            return replace(subscription, test=event)
        case ReplayRequested():
            return replace(subscription, replay=event, replays=event.replay)
        case ReplayFinished():
            return replace(subscription, replay=None)
        case SubscriptionDeleted():
            return replace(subscription, state=None, deleted=True, challenge=None, sent=None, warned=None, replay=None)
        case _:
            assert_never(event)


def _rotated(before: tuple[Keys, ...], event: SecretRotated) -> tuple[Keys, ...]:
    kept = [
        replace(keys, until=min(keys.until or event.keep_until, event.keep_until))
        for keys in before
        if keys.until is None or keys.until > event.rotated_at
    ]
    signing = [keys for keys in kept if keys.until is None or keys.until > event.rotated_at]
    return (*signing[1 - MOST_KEYS :], event.keys)


SUBSCRIPTION: Entity[Subscription] = Entity(Subscription(), evolve)


class OfOrganisation(Struct, frozen=True, kw_only=True):
    """The subscriptions that an organisation has."""

    subscriptions: GrowingSet[str] = GrowingSet()


def evolve_count(held: OfOrganisation, event: CountEvent) -> OfOrganisation:
    """The subscriptions of an organisation after one more event."""
    match event:
        case SubscriptionCounted():
            return OfOrganisation(subscriptions=held.subscriptions | {event.subscription})
        case SubscriptionUncounted():
            return OfOrganisation(subscriptions=held.subscriptions - {event.subscription})
        case _:
            assert_never(event)


OF_ORGANISATION: Entity[OfOrganisation] = Entity(OfOrganisation(), evolve_count)


class Positions(Struct, frozen=True, kw_only=True):
    """A part of the service's log: what is behind `after`, up to `through`."""

    after: int
    through: int


class SubscriptionContext(Struct, frozen=True, kw_only=True):
    """A subscription, and those that its organisation has; which of its commands are possible in which states.

    `positions` are where the times of a replay are in the log.
    """

    subscription: Subscription
    positions: Positions | None = None
    held: OfOrganisation = OfOrganisation()
    states: Mapping[str, tuple[SubscriptionState, ...]] = {}


Decided = list[SubscriptionEvent | To]
"""What follows from a command on a subscription; nothing where it is so already."""
