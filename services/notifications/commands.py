"""Runs the commands of callers on subscriptions: checks rights, draws keys, sets aside for the vault, decides, answers.

A secret is in the answer that made it and in no other. A repeat of that request, under the same key, is given the same
secret again: who lost the answer could do nothing with a subscription whose deliveries cannot be verified.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fastapi import Response
from msgspec import structs

from contracts.fields import Body, NothingBody
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Handler, Outcome
from services.chassis.deciding.idempotency import Key
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.request.read_only import check_read_only
from services.chassis.http.response import responses
from services.chassis.modelling.decider import Command
from services.chassis.settings import Settings
from services.chassis.time.clock import Clock, machine_now
from services.chassis.vault.vault import Deposit, Vault
from services.notifications import stamping
from services.notifications.access import CREATE, OWN_ORGANISATION, POLICY
from services.notifications.actions import ACTIONS
from services.notifications.domain.subscription import (
    SUBSCRIPTION,
    Subscription,
    SubscriptionContext,
    asks_for_proof,
    subscription_stream,
)
from services.notifications.email.confirmation_rate import ConfirmationRate
from services.notifications.queries import Queries
from services.notifications.routes.requests import ChangeSubscriptionBody, SubscriptionBody
from services.notifications.stamping import Stamp, subscription_id_for
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
        vault: Vault,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._queries = queries
        self._handler = handler
        self._vault = vault
        self._clock = clock
        self._allow = networks(settings.webhook_allow or "")
        self._mails = settings.smtp_url is not None
        self._confirmations = ConfirmationRate()

    async def create(self, request: CommandRequest, body: SubscriptionBody) -> Response:
        """Makes a subscription of the caller's organisation."""
        POLICY.require(request.caller, CREATE, (OWN_ORGANISATION,))
        subscription_id = subscription_id_for(Key.of(request.actor, request.key or ""))
        stamp = self._stamp(request, subscription_id)
        command = stamping.create(body, stamp, subscription_id)
        outcome = await self._asking(body.address, request, command, subscription_id, stamp.deposit, must_exist=False)
        return await self._with_secret(request, outcome, body.address, f"/v1/{PATH}/{subscription_id}")

    async def change(self, request: CommandRequest, subscription_id: str, body: ChangeSubscriptionBody) -> Response:
        """Replaces what was chosen."""
        folded = await self._queries.find(request.caller, subscription_id, "change")
        address = await self._queries.address(folded.state)
        if folded.etag in (request.if_match or ()):
            check_read_only(body, self._queries.view(request.caller, folded.state, folded.etag, address))
        stamp = replace(self._stamp(request, subscription_id), held=folded.state.choices, address=address)
        command = ACTIONS["change"].command_of(body, stamp)
        outcome = await self._asking(body.address, request, command, subscription_id, stamp.deposit)
        return self._answer(request, outcome, body.address)

    async def act(self, request: CommandRequest, subscription_id: str, action: str, body: Body) -> Response:
        """Runs an action that has a route of its own."""
        folded = await self._queries.find(request.caller, subscription_id, action)
        stamp = self._stamp(request, subscription_id)
        command = ACTIONS[action].command_of(body, stamp)
        address = await self._queries.address(folded.state)
        if action == "verify":
            outcome = await self._asking(address, request, command, subscription_id, stamp.deposit)
        else:
            outcome = await self._run(request, command, subscription_id, stamp.deposit)
        if action == "rotate-secret":
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
        stamp = self._stamp(request, subscription_id)
        command = ACTIONS["delete"].command_of(NothingBody(), stamp)
        outcome = await self._run(request, command, subscription_id, stamp.deposit)
        if request.dry_run:
            shown = await self._queries.shown(request.caller, folded.state, folded.etag)
            return responses.command_result(request, outcome, shown, LOG)
        return responses.removed(outcome, LOG)

    async def _deleted_before(self, request: CommandRequest, subscription_id: str) -> Outcome[Subscription] | None:
        """What became of the same request before; None where it was never sent."""
        return await self._handler.earlier(subscription_stream(subscription_id), SUBSCRIPTION, request.call())

    def _stamp(self, request: CommandRequest, subscription_id: str) -> Stamp:
        return Stamp(
            at=self._clock.now(),
            by=request.actor,
            deposit=Deposit(self._vault, subscription_stream(subscription_id)),
            now=machine_now(),
            allow=self._allow,
            mails=self._mails,
        )

    async def _asking(
        self,
        address: str | None,
        request: CommandRequest,
        command: Command,
        subscription_id: str,
        deposit: Deposit,
        *,
        must_exist: bool = True,
    ) -> Outcome[Subscription]:
        """Runs a command by which an address may be asked to confirm. Raises ProblemError 429 where that is too often.

        What sends no letter does not count: a repeat, a dry run, what is refused, and other choices of the same reader.
        """
        if address is None or request.dry_run:
            return await self._run(request, command, subscription_id, deposit, must_exist=must_exist)
        try:
            self._confirmations.take(address)
        except ProblemError:
            stream = subscription_stream(subscription_id)
            if await self._handler.earlier(stream, SUBSCRIPTION, request.call()) is None:
                raise
            return await self._run(request, command, subscription_id, deposit, must_exist=must_exist)
        asks = False
        try:
            outcome = await self._run(request, command, subscription_id, deposit, must_exist=must_exist)
            asks = not outcome.replayed and any(map(asks_for_proof, outcome.events))
            return outcome
        finally:
            if not asks:
                self._confirmations.give_back(address)

    async def _run(
        self,
        request: CommandRequest,
        command: Command,
        subscription_id: str,
        deposit: Deposit,
        *,
        must_exist: bool = True,
    ) -> Outcome[Subscription]:
        call = request.call()
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
        shown = self._queries.view(request.caller, outcome.state, outcome.etag, address)
        return responses.command_result(request, outcome, {**shown, **more}, LOG, location=location)

    async def _with_secret(
        self, request: CommandRequest, outcome: Outcome[Subscription], address: str | None, location: str | None = None
    ) -> Response:
        """The answer with the secret that the command made: nothing is made in a dry run, nor shown."""
        if request.dry_run:
            unsaid = structs.replace(outcome, state=structs.replace(outcome.state, keys=()))
            return self._answer(request, unsaid, address, secret=None)
        secret = await self._queries.secret(outcome.state)
        return self._answer(request, outcome, address, location=location, secret=secret)
