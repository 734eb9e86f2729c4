"""Subscriptions in tests of decisions: of an endpoint and of a mailbox, and all that may happen to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from contracts.subscription_codes import ChallengeOutcome
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.modelling.decider import Actor, Command
from services.notifications.actions import decide
from services.notifications.context import SubscriptionContexts
from services.notifications.domain import subscribing, subscription_course
from services.notifications.domain.subscription import SUBSCRIPTION, SubscriptionContext, subscription_stream
from services.notifications.domain.subscription_events import Choices, Keys, OwnHeader, Person
from tests.support.actors import LOTTE

AT: Final = datetime(2026, 1, 12, 9, 10, tzinfo=UTC)
ENGINE: Final = Actor(sub="notifications", role="SYSTEM", org="caserelay")
WEBHOOK: Final = "5b3f0d84-9a43-5d2b-8a6b-0f4d0f5a7c11"
MAIL: Final = "0d9d2a55-1c1e-5b7e-9d51-6a4a2f0b3e77"
FIRST_KEYS: Final = Keys(secret_ref=f"{subscription_stream(WEBHOOK)}.keys.1", public_key="whpk_Zmlyc3Q=")
ENDPOINT: Final = Choices(
    channel="WEBHOOK",
    url="https://hooks.example.org/caserelay?team=gent",
    types=("org.caserelay.referral.submitted.v1",),
    payload="THIN",
    digest="IMMEDIATE",
    language="en",
    time_zone="Europe/Brussels",
    header=OwnHeader(name="X-Team", value_ref=f"{subscription_stream(WEBHOOK)}.header.1"),
)
MAILBOX: Final = Choices(
    channel="EMAIL",
    address_ref=f"{subscription_stream(MAIL)}.address.1",
    person=Person(sub=LOTTE.sub, role=LOTTE.role),
    payload="THIN",
    digest="DAILY",
    language="nl",
    time_zone="Europe/Brussels",
)


def created(choices: Choices = ENDPOINT, by: Actor = LOTTE, **more: Any) -> subscribing.CreateSubscription:
    """The command that makes a subscription of these choices."""
    webhook = choices.channel == "WEBHOOK"
    return subscribing.CreateSubscription(
        at=AT,
        by=by,
        subscription=WEBHOOK if webhook else MAIL,
        organisation=by.org,
        choices=choices,
        keys=FIRST_KEYS if webhook else None,
        **more,
    )


def of_caller(command: type[Command], after: timedelta = timedelta(hours=1), **fields: Any) -> Any:
    """A command of somebody who manages subscriptions, some time after AT."""
    return command(at=AT + after, by=LOTTE, **fields)


def of_engine(command: type[Command], after: timedelta = timedelta(hours=1), **fields: Any) -> Any:
    """A command of what delivers."""
    return command(at=AT + after, by=ENGINE, **fields)


def challenged(outcome: ChallengeOutcome, number: int = 1, status: int | None = None) -> Any:
    """The command that records what became of a challenge."""
    return of_engine(subscription_course.RecordChallenge, challenge=number, outcome=outcome, status=status)


PROVEN: Final = challenged(ChallengeOutcome.PROVEN)


def rotated(number: int, keep: timedelta = timedelta(hours=24), now: datetime = AT) -> Any:
    """The command that brings in the keys of a number."""
    keys = Keys(secret_ref=f"{subscription_stream(WEBHOOK)}.keys.{number}", public_key=f"whpk_{number}")
    return of_caller(subscribing.RotateSecret, keys=keys, keep_until=now + keep, now=now)


def decided(command: Command, context: SubscriptionContext) -> Any:
    """What follows from a command on a subscription. Raises Refused."""
    return decide(command, context)


def lives() -> dict[str, list[Command]]:
    """All that may happen to an endpoint and to a mailbox, by the stream that it happens to."""
    elsewhere = replace(ENDPOINT, url="https://hooks.example.org/other", header=None)
    caller, engine = of_caller, of_engine
    return {
        subscription_stream(WEBHOOK): [
            created(),
            challenged(ChallengeOutcome.STATUS, status=500),
            caller(subscribing.VerifySubscription),
            challenged(ChallengeOutcome.PROVEN, 2),
            caller(subscribing.RequestDeliveryTest, test="7d0f6c55-9a43-5d2b-8a6b-0f4d0f5a7c12"),
            rotated(2),
            caller(subscribing.PauseSubscription),
            caller(subscribing.ResumeSubscription),
            caller(subscribing.ReplaySubscription, since=AT),
            engine(subscription_course.FinishReplay, replay=1),
            engine(subscription_course.WarnAboutSubscription, warning="FAILING", since=AT),
            engine(subscription_course.RecordRecovery),
            caller(subscribing.ChangeSubscription, choices=elsewhere),
            challenged(ChallengeOutcome.PROVEN, 3),
            engine(subscription_course.DisableSubscription, reason="GONE", status=410),
            caller(subscribing.DeleteSubscription),
        ],
        subscription_stream(MAIL): [
            created(MAILBOX),
            challenged(ChallengeOutcome.SENT),
            challenged(ChallengeOutcome.PROVEN),
            caller(subscribing.ChangeSubscription, choices=replace(MAILBOX, digest="IMMEDIATE", hours="ANY")),
        ],
    }


async def live(streams: Streams) -> None:
    """Lets all of it happen in the log of a running service."""
    handler = Handler[Command, SubscriptionContext](streams, SubscriptionContexts(), decide)
    for stream, commands in lives().items():
        for number, command in enumerate(commands):
            key = f"{stream}-{number}" if command.by == LOTTE else None
            call = Call(actor=command.by, idempotency_key=key)
            outcome = await handler.handle(command, stream, SUBSCRIPTION, call, must_exist=False)
            assert outcome.events, command


async def to_every_value(streams: Streams, stream: str) -> None:
    """Brings a subscription that was just made to where each of its members has a value: disabled after all else."""
    handler = Handler[Command, SubscriptionContext](streams, SubscriptionContexts(), decide)
    for command in (
        PROVEN,
        of_caller(subscribing.RequestDeliveryTest, test="a-test"),
        of_caller(subscribing.ReplaySubscription, since=AT),
        of_engine(subscription_course.WarnAboutSubscription, warning="FAILING", since=AT),
        of_engine(subscription_course.DisableSubscription, reason="GONE", status=410),
    ):
        assert (await handler.handle(command, stream, SUBSCRIPTION, Call(actor=command.by))).events
