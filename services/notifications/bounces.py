"""Marks the address of a letter that came back, as one that a mail server refused while it took the letter."""

from __future__ import annotations

from typing import NamedTuple

from contracts.subscription_codes import ChallengeOutcome, DisabledBecause, SubscriptionState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.modelling.decider import Command, Fault, Refused
from services.chassis.time.clock import Clock
from services.notifications.domain.subscription import SUBSCRIPTION, SubscriptionContext, subscription_stream
from services.notifications.domain.subscription_course import DisableSubscription, RecordChallenge
from services.notifications.email.bounce_reports import Report, receivers_of, report_of
from services.notifications.email.return_paths import ReturnPaths, SentTo


class Taken(NamedTuple):
    """What a message said: of which subscription, and whether its address takes no letters."""

    subscription: str
    bounced: bool


class Bounces:
    """Takes what mail servers return."""

    def __init__(
        self, streams: Streams, handler: Handler[Command, SubscriptionContext], returns: ReturnPaths, clock: Clock
    ) -> None:
        self._streams, self._handler, self._returns, self._clock = streams, handler, returns, clock

    async def take(self, message: str, call: Call) -> Taken:
        """Takes a message as it came; again, it changes nothing. Raises Refused."""
        # Only what came to an address of ours is read further: everything else anybody may have written.
        sent = self._returns.find(receivers_of(message))
        if sent is None:
            raise Refused.input(
                Fault(
                    "/message",
                    "LETTER_UNKNOWN",
                    "it must be addressed to the return path of a letter that was sent from here",
                )
            )
        report = report_of(message)
        if report is None:
            raise Refused.input(
                Fault(
                    "/message",
                    "NO_BOUNCE_REPORT",
                    "give a multipart/report with a message/delivery-status (RFC 3464), as mail servers write it",
                )
            )
        if report.bounced:
            await self._mark(sent, report, call)
        return Taken(sent.subscription, report.bounced)

    async def _mark(self, sent: SentTo, report: Report, call: Call) -> None:
        stream = subscription_stream(sent.subscription)
        subscription = (await self._streams.fold(stream, SUBSCRIPTION)).state
        if not sent.still(subscription):
            return
        at, by, number = self._clock.now(), call.actor, subscription.challenges
        command: Command = DisableSubscription(
            at=at, by=by, reason=DisabledBecause.BOUNCED.value, status=report.status, challenges=number
        )
        if subscription.state is SubscriptionState.PENDING:
            outcome = ChallengeOutcome.BOUNCED
            command = RecordChallenge(at=at, by=by, challenge=number, outcome=outcome, status=report.status)
        await self._handler.handle(command, stream, SUBSCRIPTION, call)
