"""The HTTP routes of where mentors without an account are written to: for their own organisation alone."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import Request, Response
from msgspec import structs

from services.casefile.access import POLICY, relations_to_mentors
from services.casefile.domain.mentor import MENTOR, GiveContact, Mentor, mentor_stream
from services.casefile.routes.mentor_shapes import MentorAnswer, MentorContact, MentorContactBody
from services.casefile.routes.mentors import LOG, IfMatch
from services.casefile.views import mentor_view
from services.chassis.access.policy import Hidden
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import putting, replacing
from services.chassis.http.request.parameters import Covered, DryRun, Identifier
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.time.clock import Clock
from services.chassis.vault.vault import Deposit, StillInTheLog, Vault


def routes(streams: Streams, handler: Handler[Any, Mentor], vault: Vault, clock: Clock) -> Router:
    """The routes under `/v1/mentors/{ref}/contact`."""
    router = Router(prefix="/v1/mentors", tags=["mentors"])

    @router.get("/{ref}/contact", response_model=MentorContact, summary="Where a mentor is written to.")
    async def contact(caller: Authenticated, ref: Identifier, _: Covered) -> Response:
        POLICY.require(caller, "describe-mentor", relations_to_mentors(caller, caller.org))
        folded = await streams.fold(mentor_stream(caller.org, ref), MENTOR)
        record = await vault.read(folded.state.contact_ref) if folded.state.contact_ref is not None else None
        if record is None:
            raise Hidden
        answer = responses.resource(record, folded.etag)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @router.put("/{ref}/contact", response_model=MentorAnswer, summary="Say where a mentor is written to, or no more.")
    async def give_contact(
        request: Request,
        caller: Authenticated,
        ref: Identifier,
        body: MentorContactBody,
        _if_match: IfMatch = None,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        POLICY.require(caller, "describe-mentor", relations_to_mentors(caller, caller.org))
        stream = mentor_stream(caller.org, ref)
        folded = await streams.fold(stream, MENTOR)
        if folded.state.profile is None:
            raise Hidden
        change = putting(request, caller, replacing(request, exists=True), dry_run=dry_run)
        record = {"email": body.email, "language": body.language.value} if body.email is not None else None
        held = folded.state.contact_ref
        same = held is not None and await vault.read(held) == record
        deposit = Deposit(vault, stream)
        given = held if same else deposit.put("contact", record) if record is not None else None
        call = change.call()
        if not same and not change.dry_run:
            # The address of before is forgotten first: the vault forgets all that it has of a stream. That is done
            # where nothing is held too: a process may have ended between both.
            gone = GiveContact(at=clock.now(), by=change.actor, contact_ref=None)
            await handler.handle(gone, stream, MENTOR, call)
            with suppress(StillInTheLog):
                await vault.forget(stream)
            call = structs.replace(call, if_match=None) if held is not None else call
        command = GiveContact(at=clock.now(), by=change.actor, contact_ref=given)
        outcome = await handler.handle(command, stream, MENTOR, call, records=deposit)
        return responses.command_result(change, outcome, mentor_view(caller.org, ref, outcome.state, outcome.etag), LOG)

    return router
