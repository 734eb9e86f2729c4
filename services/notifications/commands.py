"""Runs the commands of callers on subscriptions: checks rights, draws keys, sets aside for the vault, decides, answers.

A secret is in the answer that made it and in no other. A repeat of that request, under the same key, is given the same
secret again: who lost the answer could do nothing with a subscription whose deliveries cannot be verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from fastapi import Response
from msgspec.structs import replace

from contracts.fields import Body
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Call, Handler, Outcome
from services.chassis.deciding.idempotency import Key
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.request.read_only import check_read_only
from services.chassis.http.response import responses
from services.chassis.log.event_log import EventLog
from services.chassis.modelling.callers_clock import SKEW
from services.chassis.modelling.decider import Command, Fault
from services.chassis.settings import Settings
from services.chassis.time.clock import Clock, machine_now
from services.chassis.vault.vault import Deposit, Vault
from services.notifications.access import CREATE, POLICY, relations_to_subscription
from services.notifications.actions import ACTIONS
from services.notifications.domain.subscribing import (
    ChangeSubscription,
    CreateSubscription,
    ReplaySubscription,
    RequestDeliveryTest,
    RotateSecret,
)
from services.notifications.domain.subscription import (
    SUBSCRIPTION,
    Subscription,
    SubscriptionContext,
    subscription_stream,
)
from services.notifications.log_times import through_before
from services.notifications.queries import Queries
from services.notifications.routes.requests import (
    ChangeSubscriptionBody,
    ReplayBody,
    RotateSecretBody,
    SubscriptionBody,
)
from services.notifications.stamping import (
    choices_of,
    delivery_test_id_for,
    draw_keys,
    faults_of,
    subscription_id_for,
)
from services.notifications.views import PATH
from services.notifications.webhooks.addresses import networks

LOG: Final = "notifications"
PERSONAL: Final = frozenset({"address", "header"})
"""The body's fields that may hold personal data, or a secret."""


class Commands:
    """The commands of callers, each with its answer."""

    def __init__(
        self,
        queries: Queries,
        handler: Handler[Command, SubscriptionContext],
        streams: Streams,
        vault: Vault,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._queries = queries
        self._handler = handler
        self._log: EventLog = streams.log
        self._vault = vault
        self._clock = clock
        self._allow = networks(settings.webhook_allow)
        self._mails = settings.smtp_url is not None

    async def create(self, request: CommandRequest, body: SubscriptionBody) -> Response:
        """Makes a subscription of the caller's organisation."""
        caller = request.caller
        POLICY.require(caller, CREATE, relations_to_subscription(caller, caller.org))
        subscription_id = subscription_id_for(Key.of(request.actor, request.key or ""))
        deposit = Deposit(self._vault, subscription_stream(subscription_id))
        command = CreateSubscription(
            at=self._clock.now(),
            by=request.actor,
            subscription=subscription_id,
            organisation=caller.org,
            choices=choices_of(body, deposit),
            keys=draw_keys(deposit) if body.channel == "WEBHOOK" else None,
            faults=faults_of(body, caller.role, self._allow, mails=self._mails),
        )
        outcome = await self._run(request, command, subscription_id, deposit, must_exist=False)
        return await self._with_secret(request, outcome, body.address, f"/v1/{PATH}/{subscription_id}")

    async def change(self, request: CommandRequest, subscription_id: str, body: ChangeSubscriptionBody) -> Response:
        """Replaces what was chosen."""
        folded = await self._queries.find(request.caller, subscription_id, "change")
        if folded.etag in (request.if_match or ()):
            check_read_only(body, await self._queries.shown(folded.state, folded.etag))
        deposit = Deposit(self._vault, subscription_stream(subscription_id))
        held = folded.state.choices
        command = ChangeSubscription(
            at=self._clock.now(),
            by=request.actor,
            choices=choices_of(body, deposit, held, await self._queries.address(folded.state)),
            faults=faults_of(body, request.caller.role, self._allow, mails=self._mails, held=held),
        )
        outcome = await self._run(request, command, subscription_id, deposit)
        return self._answer(request, outcome, body.address)

    async def act(self, request: CommandRequest, subscription_id: str, action: str, body: Body) -> Response:
        """Runs an action that has a route of its own."""
        folded = await self._queries.find(request.caller, subscription_id, action)
        deposit = Deposit(self._vault, subscription_stream(subscription_id))
        command = await self._command(request, subscription_id, action, body, deposit)
        outcome = await self._run(request, command, subscription_id, deposit)
        address = await self._queries.address(folded.state)
        if isinstance(command, RotateSecret):
            return await self._with_secret(request, outcome, address)
        return self._answer(request, outcome, address)

    async def delete(self, request: CommandRequest, subscription_id: str) -> Response:
        """Ends a subscription; what the vault has of it is forgotten behind this (`forgetting.py`)."""
        try:
            folded = await self._queries.find(request.caller, subscription_id, "delete")
        except Hidden:
            earlier = await self._deleted_before(request, subscription_id)
            if earlier is None:
                raise
            return responses.removed(earlier, LOG)
        command = ACTIONS["delete"].command(at=self._clock.now(), by=request.actor)
        outcome = await self._run(request, command, subscription_id, Deposit(self._vault, ""))
        if request.dry_run:
            shown = await self._queries.shown(folded.state, folded.etag)
            return responses.command_result(request, outcome, shown, LOG)
        return responses.removed(outcome, LOG)

    async def _deleted_before(self, request: CommandRequest, subscription_id: str) -> Outcome[Subscription] | None:
        """What became of the same request before; None where it was never sent."""
        return await self._handler.earlier(subscription_stream(subscription_id), SUBSCRIPTION, request.call())

    async def _command(
        self, request: CommandRequest, subscription_id: str, action: str, body: Body, deposit: Deposit
    ) -> Command:
        at, by = self._clock.now(), request.actor
        match body:
            case RotateSecretBody():
                now = machine_now()
                return RotateSecret(at=at, by=by, keys=draw_keys(deposit), keep_until=now + body.keep_old_for, now=now)
            case ReplayBody():
                return await self._replay(request, body, at)
            case _ if action == "test":
                drawn = delivery_test_id_for(subscription_id, f"{request.key or ''}:{at.isoformat()}")
                return RequestDeliveryTest(at=at, by=by, test=drawn)
            case _:
                command: Command = ACTIONS[action].command(at=at, by=by)
                return command

    async def _replay(self, request: CommandRequest, body: ReplayBody, at: datetime) -> ReplaySubscription:
        faults = tuple(_faults_of_replay(body, at))
        begins, head = body.since or body.begins, await self._log.head()
        after = await through_before(self._log, begins) if begins is not None and not faults else 0
        through = await through_before(self._log, body.ends) if body.ends is not None and not faults else head
        return ReplaySubscription(
            at=at, by=request.actor, after_position=after, through_position=through, faults=faults
        )

    async def _run(
        self,
        request: CommandRequest,
        command: Command,
        subscription_id: str,
        deposit: Deposit,
        *,
        must_exist: bool = True,
    ) -> Outcome[Subscription]:
        call: Call = request.call()
        return await self._handler.handle(
            command, subscription_stream(subscription_id), SUBSCRIPTION, call, must_exist=must_exist, records=deposit
        )

    def _answer(
        self,
        request: CommandRequest,
        outcome: Outcome[Subscription],
        address: str | None,
        location: str | None = None,
        **more: str | None,
    ) -> Response:
        shown = self._queries.view(outcome.state, outcome.etag, address)
        return responses.command_result(request, outcome, {**shown, **more}, LOG, location=location)

    async def _with_secret(
        self, request: CommandRequest, outcome: Outcome[Subscription], address: str | None, location: str | None = None
    ) -> Response:
        """The answer with the secret that the command made: nothing is made in a dry run, nor shown."""
        if request.dry_run:
            unsaid = replace(outcome, state=replace(outcome.state, keys=()))
            return self._answer(request, unsaid, address, secret=None)
        secret = await self._queries.secret(outcome.state)
        return self._answer(request, outcome, address, location=location, secret=secret)


def _faults_of_replay(body: ReplayBody, at: datetime) -> Iterator[Fault]:
    ranged = body.begins is not None or body.ends is not None
    if body.since is not None and ranged:
        yield Fault("/since", "NOT_EXPECTED", "give since, or from and to")
    elif body.since is None and not ranged:
        yield Fault("/since", "REQUIRED", "say from when on: since, or from and to")
    elif body.since is None and (body.begins is None or body.ends is None):
        yield Fault("/from" if body.begins is None else "/to", "REQUIRED", "from and to go together")
    for pointer, given in (("/since", body.since), ("/from", body.begins)):
        if given is not None and given > at + SKEW:
            yield Fault(pointer, "IN_THE_FUTURE", "nothing of then has come yet")
    if body.begins is not None and body.ends is not None and body.ends <= body.begins:
        yield Fault("/to", "RANGE_BACKWARDS", "to is after from", rests_on=("/from",))
