"""What happens to a subscription, and what its events are made of.

The secrets of an endpoint, the value of its own header and an e-mail address are vault references here. Keys sign until
`until`, which is of the machine's clock, as `rotated_at` is.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from services.chassis.modelling.decider import Event


class Person(Struct, frozen=True, kw_only=True):
    """A member of an organisation's staff."""

    sub: str
    role: str


class OwnHeader(Struct, frozen=True, kw_only=True):
    """A header that goes with every request to an endpoint; its value is a vault reference."""

    name: str
    value_ref: str


class Choices(Struct, frozen=True, kw_only=True):
    """What the subscriber chose. `types` are CloudEvents types; None: all of them, those of tomorrow too.

    A webhook has a `url`; an e-mail an `address_ref`, the `person` who reads it, and the `hours` in which it is sent at
    once.
    """

    channel: str
    url: str | None = None
    address_ref: str | None = None
    person: Person | None = None
    types: tuple[str, ...] | None = None
    payload: str
    digest: str
    language: str
    time_zone: str
    header: OwnHeader | None = None
    hours: str = "WORKING"

    def goes_elsewhere(self, other: Choices) -> bool:
        """Whether the other choices are of another endpoint, address or person, which has to be proven first."""
        return (self.url, self.address_ref, self.person) != (other.url, other.address_ref, other.person)


class Keys(Struct, frozen=True, kw_only=True):
    """What deliveries are signed with: a secret and a private key (a vault reference), and the public key."""

    secret_ref: str
    public_key: str
    until: datetime | None = None


class SubscriptionCreated(Event, frozen=True, kw_only=True):
    """Somebody subscribed. `keys` has a webhook only; `reads_as` is the role by which the feed is read for it."""

    subscription: str
    organisation: str
    reads_as: str
    choices: Choices
    keys: Keys | None = None
    created_by: Person
    created_at: datetime


class SubscriptionChanged(Event, frozen=True, kw_only=True):
    """Other choices; with `elsewhere` of another endpoint or address, which has to be proven."""

    choices: Choices
    elsewhere: bool
    changed_at: datetime


class VerificationRequested(Event, frozen=True, kw_only=True):
    """The subscriber asks for another challenge."""

    requested_at: datetime


class ChallengeSent(Event, frozen=True, kw_only=True):
    """A challenge is on its way that is answered later, as by a link in an e-mail."""

    BYSTANDER: ClassVar[bool] = True
    challenge: int
    sent_at: datetime


class OwnershipProven(Event, frozen=True, kw_only=True):
    """The endpoint answered the challenge, or the person confirmed the address."""

    challenge: int
    proven_at: datetime


class ChallengeFailed(Event, frozen=True, kw_only=True):
    """The challenge was not answered; `status` is that of the HTTP answer, where there was one."""

    challenge: int
    outcome: str
    status: int | None = None
    failed_at: datetime


class SubscriptionPaused(Event, frozen=True, kw_only=True):
    """Nothing is sent until it goes on; what comes meanwhile waits."""

    paused_at: datetime


class SubscriptionResumed(Event, frozen=True, kw_only=True):
    """It goes on where it stopped."""

    resumed_at: datetime


class SubscriptionDisabled(Event, frozen=True, kw_only=True):
    """Nothing is sent any more, unless it is proven again."""

    reason: str
    status: int | None = None
    disabled_at: datetime


class WarnedAboutSubscription(Event, frozen=True, kw_only=True):
    """The subscriber was warned; `since` is from when on nothing could be delivered."""

    BYSTANDER: ClassVar[bool] = True
    warning: str
    since: datetime
    warned_at: datetime


class SubscriptionRecovered(Event, frozen=True, kw_only=True):
    """Deliveries arrive again after a warning."""

    BYSTANDER: ClassVar[bool] = True
    recovered_at: datetime


class SecretRotated(Event, frozen=True, kw_only=True):
    """New keys sign from now on, those before them until `keep_until` as well, or no longer than they did."""

    keys: Keys
    keep_until: datetime
    rotated_at: datetime


class DeliveryTestRequested(Event, frozen=True, kw_only=True):
    """A test event is to be sent; `test` is its id."""

    BYSTANDER: ClassVar[bool] = True
    test: str
    requested_at: datetime


class ReplayRequested(Event, frozen=True, kw_only=True):
    """What is behind `after_position` up to `through_position` in the service's log is to be sent again."""

    BYSTANDER: ClassVar[bool] = True
    replay: int
    after_position: int
    through_position: int
    requested_at: datetime


class ReplayFinished(Event, frozen=True, kw_only=True):
    """All of a replay was sent, or will be retried as single deliveries."""

    BYSTANDER: ClassVar[bool] = True
    replay: int
    finished_at: datetime


class SubscriptionDeleted(Event, frozen=True, kw_only=True):
    """The end: nobody reads it any more, and the vault forgets its secrets and its address."""

    deleted_at: datetime


class SubscriptionCounted(Event, frozen=True, kw_only=True):
    """An organisation has one subscription more."""

    BESIDE: ClassVar[bool] = True
    BYSTANDER: ClassVar[bool] = True
    subscription: str


class SubscriptionUncounted(Event, frozen=True, kw_only=True):
    """An organisation has one subscription less."""

    BESIDE: ClassVar[bool] = True
    BYSTANDER: ClassVar[bool] = True
    subscription: str


SubscriptionEvent = (
    SubscriptionCreated
    | SubscriptionChanged
    | VerificationRequested
    | ChallengeSent
    | OwnershipProven
    | ChallengeFailed
    | SubscriptionPaused
    | SubscriptionResumed
    | SubscriptionDisabled
    | WarnedAboutSubscription
    | SubscriptionRecovered
    | SecretRotated
    | DeliveryTestRequested
    | ReplayRequested
    | ReplayFinished
    | SubscriptionDeleted
)
CountEvent = SubscriptionCounted | SubscriptionUncounted
