"""What an organisation may do to its subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from contracts.staff import COORDINATORS, LEADS
from contracts.subscription_codes import Channel, SubscriptionState
from services.chassis.modelling.callers_clock import SKEW
from services.chassis.modelling.days import in_utc
from services.chassis.modelling.decider import Actor, Because, Command, Fault, Refused, To
from services.notifications.domain.subscription import (
    MOST_KEYS,
    Decided,
    Subscription,
    SubscriptionContext,
    organisation_stream,
)
from services.notifications.domain.subscription_events import (
    Choices,
    DeliveryTestRequested,
    Keys,
    Person,
    ReplayRequested,
    SecretRotated,
    SubscriptionChanged,
    SubscriptionCounted,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionUncounted,
    VerificationRequested,
)

MOST_SUBSCRIPTIONS: Final = 500
"""Of one organisation: an e-mail for each of its people, and an endpoint for each of its systems."""

_S = SubscriptionState
_EVERY: Final = tuple(SubscriptionState)
_OF_THE_READER: Final = frozenset({"delete", "pause", "resume"})
"""What a coordinator does to no e-mail of another person: who reads it decides whether it comes."""


class CreateSubscription(Command, frozen=True, kw_only=True):
    """Subscribe. `faults` are what is wrong with the choices where they are made: the address, the installation."""

    subscription: str
    organisation: str
    choices: Choices
    keys: Keys | None = None
    faults: tuple[Fault, ...] = ()


class ChangeSubscription(Command, frozen=True, kw_only=True):
    """Make other choices; all of them are named. `faults` as in `CreateSubscription`."""

    choices: Choices
    faults: tuple[Fault, ...] = ()


class VerifySubscription(Command, frozen=True, kw_only=True):
    """Send the challenge again; of one that is disabled too, which goes on where it stopped once it is proven."""


class PauseSubscription(Command, frozen=True, kw_only=True):
    """Send nothing until it is resumed."""


class ResumeSubscription(Command, frozen=True, kw_only=True):
    """Go on where it was paused."""


class RequestDeliveryTest(Command, frozen=True, kw_only=True):
    """Send a test event of the id `test`."""

    test: str


class RotateSecret(Command, frozen=True, kw_only=True):
    """Sign with new keys, and with those before until `keep_until`; it is `now`, by the machine's clock."""

    keys: Keys
    keep_until: datetime
    now: datetime


class ReplaySubscription(Command, frozen=True, kw_only=True):
    """Send again what came `since` then, or between `begins` and `ends`; by when this service took it in."""

    since: datetime | None = None
    begins: datetime | None = None
    ends: datetime | None = None

    @property
    def start(self) -> datetime | None:
        """From when on."""
        return self.begins if self.since is None else self.since


class DeleteSubscription(Command, frozen=True, kw_only=True):
    """End it."""


def create(command: CreateSubscription, context: SubscriptionContext) -> Decided:
    """Subscribes, within the bound of the organisation."""
    if command.faults:
        raise Refused.input(*command.faults)
    _check_reader(command.by, command.choices)
    if len(context.held.subscriptions) >= MOST_SUBSCRIPTIONS:
        raise Refused(
            "TOO_MANY_SUBSCRIPTIONS",
            f"an organisation has at most {MOST_SUBSCRIPTIONS} subscriptions: delete one that nobody needs any more",
            who_can_unblock="who manages the organisation's subscriptions, by deleting one",
        )
    by = Person(sub=command.by.sub, role=command.by.role)
    choices = command.choices
    created = SubscriptionCreated(
        subscription=command.subscription,
        organisation=command.organisation,
        # A person is told what that person may read, an endpoint what its subscriber may.
        reads_as=choices.person.role if choices.person is not None else command.by.role,
        choices=choices,
        keys=command.keys,
        created_by=by,
        created_at=command.at,
    )
    counted = SubscriptionCounted(subscription=command.subscription)
    return [To(organisation_stream(command.organisation), counted), created]


def change(command: ChangeSubscription, context: SubscriptionContext) -> Decided:
    """Makes other choices; the same ones change nothing. The channel stays."""
    held = context.subscription.choices
    faults = command.faults
    if held is not None and command.choices.channel != held.channel:
        fault = Fault("/channel", "CHANNEL_FIXED", f"it stays {held.channel}: make a new subscription for the other")
        raise Refused.input(fault)
    if faults:
        raise Refused.input(*faults)
    if held is None or command.choices == held:
        return []
    if elsewhere := held.goes_elsewhere(command.choices):
        # To be its reader from now on is not enough: who read it until now would no longer be told.
        _check_reader(command.by, held)
        _check_reader(command.by, command.choices)
    return [SubscriptionChanged(choices=command.choices, elsewhere=elsewhere, changed_at=command.at)]


def _check_reader(by: Actor, choices: Choices) -> None:
    """Whether somebody may have e-mail sent to a person: what comes is read, and answered by a link, in their name."""
    if _decides_for(by, choices.person):
        return
    lead = _lead_of(by)
    detail = f"you have e-mail sent to yourself: sub {by.sub} and role {by.role}; a {lead} names anybody of the staff"
    raise Refused(
        "NOT_YOUR_MAILBOX",
        detail,
        because=Because.RIGHTS,
        faults=(Fault("/person", "NOT_YOUR_MAILBOX", detail),),
        who_can_unblock=f"{lead} of the organisation, by making the change",
    )


def not_the_reader(action: str, subscription: Subscription, by: Actor) -> Refused | None:
    """Why somebody may not take an action on the e-mail of another person; None where they may."""
    person = subscription.choices.person if subscription.choices is not None else None
    if action not in _OF_THE_READER or _decides_for(by, person):
        return None
    lead = _lead_of(by)
    return Refused(
        "NOT_YOUR_MAILBOX",
        f"{action} is for who reads the e-mail, and for a {lead}: somebody else would no longer be told",
        because=Because.RIGHTS,
        who_can_unblock=f"{lead} of the organisation; its reader, by the link to unsubscribe in each letter",
    )


def _check_may(action: str, by: Actor, context: SubscriptionContext) -> None:
    if (refusal := not_the_reader(action, context.subscription, by)) is not None:
        raise refusal


def _decides_for(by: Actor, person: Person | None) -> bool:
    return person is None or by.role in LEADS or (person.sub, person.role) == (by.sub, by.role)


def _lead_of(by: Actor) -> str:
    return next(role for role in LEADS if (role in COORDINATORS) is (by.role in COORDINATORS))


def verify(command: VerifySubscription, context: SubscriptionContext) -> Decided:
    """Asks for another challenge, where ownership is not proven, or nothing is sent any more."""
    check("verify", context)
    if context.subscription.state in (_S.ACTIVE, _S.PAUSED):
        return []
    return [VerificationRequested(requested_at=command.at)]


def pause(command: PauseSubscription, context: SubscriptionContext) -> Decided:
    """Pauses it, once."""
    if context.subscription.state is _S.PAUSED:
        return []
    check("pause", context)
    _check_may("pause", command.by, context)
    return [SubscriptionPaused(paused_at=command.at)]


def resume(command: ResumeSubscription, context: SubscriptionContext) -> Decided:
    """Resumes it, once."""
    if context.subscription.state is _S.ACTIVE:
        return []
    check("resume", context)
    _check_may("resume", command.by, context)
    return [SubscriptionResumed(resumed_at=command.at)]


def request_test(command: RequestDeliveryTest, context: SubscriptionContext) -> Decided:
    """Asks for a test event; the one before need not have been sent."""
    check("test", context)
    return [DeliveryTestRequested(test=command.test, requested_at=command.at)]


def rotate_secret(command: RotateSecret, context: SubscriptionContext) -> Decided:
    """Brings in new keys, unless too many sign already."""
    check("rotate-secret", context)
    signing = context.subscription.signing(command.now)
    staying = [keys for keys in signing if command.keep_until > command.now]
    if len(staying) >= MOST_KEYS:
        first = min(keys.until for keys in staying if keys.until is not None)
        raise Refused(
            "TOO_MANY_SECRETS",
            f"{len(staying)} secrets sign at the moment, which is the most; the next of them ends at "
            f"{in_utc(first)}, and keepOldFor 0 ends all of them at once",
            who_can_unblock="who manages the subscription, by keepOldFor 0",
        )
    return [SecretRotated(keys=command.keys, keep_until=command.keep_until, rotated_at=command.now)]


def replay(command: ReplaySubscription, context: SubscriptionContext) -> Decided:
    """Asks for a replay, one at a time. An empty range changes nothing."""
    if faults := tuple(_faults_of_range(command)):
        raise Refused.input(*faults)
    check("replay", context)
    found = context.positions
    if found is None or found.through <= found.after:
        return []
    return [
        ReplayRequested(
            replay=context.subscription.replays + 1,
            after_position=found.after,
            through_position=found.through,
            requested_at=command.at,
        )
    ]


def _faults_of_range(command: ReplaySubscription) -> Iterator[Fault]:
    begins, ends = command.begins, command.ends
    if command.since is not None and (begins is not None or ends is not None):
        yield Fault("/since", "NOT_EXPECTED", "give since, or from and to")
    elif command.since is None and begins is None and ends is None:
        yield Fault("/since", "REQUIRED", "say from when on: since, or from and to")
    elif command.since is None and begins is None:
        yield Fault("/from", "REQUIRED", "from and to go together")
    elif command.since is None and ends is None:
        yield Fault("/to", "REQUIRED", "from and to go together")
    for pointer, given in (("/since", command.since), ("/from", begins)):
        if given is not None and given > command.at + SKEW:
            yield Fault(pointer, "IN_THE_FUTURE", "nothing of then has come yet")
    if begins is not None and ends is not None and ends <= begins:
        yield Fault("/to", "RANGE_BACKWARDS", "to is after from", rests_on=("/from",))


def delete(command: DeleteSubscription, context: SubscriptionContext) -> Decided:
    """Ends it; nothing follows on it."""
    subscription = context.subscription
    if subscription.deleted:
        return []
    _check_may("delete", command.by, context)
    uncounted = SubscriptionUncounted(subscription=subscription.subscription)
    return [To(organisation_stream(subscription.organisation), uncounted), SubscriptionDeleted(deleted_at=command.at)]


def check(action: str, context: SubscriptionContext) -> None:
    """Raises Refused where an action of callers is not possible now."""
    if (refusal := blocked(action, context)) is not None:
        raise refusal


def blocked(action: str, context: SubscriptionContext) -> Refused | None:
    """What stands in the way of an action of callers; None where nothing."""
    subscription = context.subscription
    if action in ("rotate-secret", "replay") and not subscription.is_webhook:
        return Refused("WEBHOOK_ONLY", f"{action} is for subscriptions of the channel {Channel.WEBHOOK}")
    state, states = subscription.state, context.states.get(action, _EVERY)
    if state not in states:
        instead = _INSTEAD.get((action, state))
        return Refused(
            "STATE_DOES_NOT_ALLOW",
            f"the subscription is {state}; {action} is possible while it is {' or '.join(states)}"
            + (f": {instead}" if instead is not None else ""),
        )
    if action == "replay" and (running := subscription.replay) is not None:
        return Refused(
            "REPLAY_RUNNING",
            f"the replay that was asked for at {in_utc(running.requested_at)} is under way: wait until it is done",
        )
    return None


_INSTEAD: Final[Mapping[tuple[str, SubscriptionState | None], str]] = {
    ("resume", _S.DISABLED): "verify it, and it goes on where it stopped",
    ("resume", _S.PENDING): "it goes on by itself once ownership is proven",
    ("test", _S.PENDING): "verify sends the challenge again",
}
