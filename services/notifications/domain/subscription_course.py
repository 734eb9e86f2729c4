"""What becomes of a subscription as somebody delivers for it: challenges, warnings, the end of a replay."""

from __future__ import annotations

from datetime import datetime

from contracts.subscription_codes import ChallengeOutcome, SubscriptionState
from services.chassis.modelling.decider import Command
from services.notifications.domain.subscription import Decided, SubscriptionContext
from services.notifications.domain.subscription_events import (
    ChallengeFailed,
    ChallengeSent,
    OwnershipProven,
    ReplayFinished,
    SubscriptionDisabled,
    SubscriptionRecovered,
    WarnedAboutSubscription,
)


class RecordChallenge(Command, frozen=True, kw_only=True):
    """What became of a challenge. One that is not open any more changes nothing."""

    challenge: int
    outcome: ChallengeOutcome
    status: int | None = None


class DisableSubscription(Command, frozen=True, kw_only=True):
    """Send nothing any more: `reason` is of `DisabledBecause`.

    `challenges`: how many there were when that was sent of which this follows; None where it follows of nothing sent.
    """

    reason: str
    status: int | None = None
    challenges: int | None = None


class WarnAboutSubscription(Command, frozen=True, kw_only=True):
    """Note that the subscriber was warned; `warning` is of `WarningCode`, `challenges` as in `DisableSubscription`."""

    warning: str
    since: datetime
    challenges: int | None = None


class RecordRecovery(Command, frozen=True, kw_only=True):
    """Note that deliveries arrive again."""


class FinishReplay(Command, frozen=True, kw_only=True):
    """Note that a replay is done."""

    replay: int


def record_challenge(command: RecordChallenge, context: SubscriptionContext) -> Decided:
    """Notes what became of the challenge that is open."""
    subscription = context.subscription
    if command.challenge != subscription.challenge or subscription.state is not SubscriptionState.PENDING:
        return []
    match command.outcome:
        case ChallengeOutcome.PROVEN:
            return [OwnershipProven(challenge=command.challenge, proven_at=command.at)]
        case ChallengeOutcome.SENT:
            already = subscription.sent is not None
            return [] if already else [ChallengeSent(challenge=command.challenge, sent_at=command.at)]
        case outcome:
            status = command.status
            failed = ChallengeFailed(
                challenge=command.challenge, outcome=outcome.value, status=status, failed_at=command.at
            )
            return [failed]


def disable(command: DisableSubscription, context: SubscriptionContext) -> Decided:
    """Ends the sending, once."""
    if context.subscription.state in (None, SubscriptionState.DISABLED) or _is_of_before(command, context):
        return []
    return [SubscriptionDisabled(reason=command.reason, status=command.status, disabled_at=command.at)]


def warn(command: WarnAboutSubscription, context: SubscriptionContext) -> Decided:
    """Notes a warning, once as long as it stands: several cases meet the same answer at the same time."""
    subscription = context.subscription
    if subscription.state in (None, SubscriptionState.DISABLED) or _is_of_before(command, context):
        return []
    if subscription.warned is not None and subscription.warned.warning == command.warning:
        return []
    return [WarnedAboutSubscription(warning=command.warning, since=command.since, warned_at=command.at)]


def _is_of_before(command: DisableSubscription | WarnAboutSubscription, context: SubscriptionContext) -> bool:
    """Whether it is said of an endpoint that has been replaced, or proven again, since something was sent there."""
    return command.challenges not in (None, context.subscription.challenges)


def record_recovery(command: RecordRecovery, context: SubscriptionContext) -> Decided:
    """Notes that what was warned of is over."""
    warned = context.subscription.warned is not None
    return [SubscriptionRecovered(recovered_at=command.at)] if warned else []


def finish_replay(command: FinishReplay, context: SubscriptionContext) -> Decided:
    """Notes the end of the replay that is under way."""
    running = context.subscription.replay
    if running is None or running.replay != command.replay:
        return []
    return [ReplayFinished(replay=command.replay, finished_at=command.at)]
