"""The routes under `/v1/organisations`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query, Request, Response

from contracts.codes import OrganisationKind
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import putting, replacing
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import Covered, DryRun, Identifier, Limit
from services.chassis.http.request.read_only import check_read_only
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.modelling.decider import Fault, Refused
from services.referral.access import ANY_ORGANISATION, POLICY, relations_to_organisation
from services.referral.commands import Commands
from services.referral.domain.organisation import ORGANISATION, organisation_stream
from services.referral.lists import Lists
from services.referral.queries import Queries
from services.referral.routes.requests import OrganisationBody
from services.referral.routes.responses import OrganisationAnswer, OrganisationPage
from services.referral.views import organisation_view

IfMatch = Annotated[str | None, Header(alias="If-Match", description="Required where there is something already.")]


def routes(commands: Commands, queries: Queries, lists: Lists) -> Router:
    """All of them."""
    router = Router(prefix="/v1/organisations", tags=["organisations"])

    @router.get("", response_model=OrganisationPage, summary="All organisations.")
    async def organisations(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        kind: Annotated[list[OrganisationKind] | None, Query(description="Any of these; may be repeated.")] = None,
        limit: Limit = 50,
    ) -> Response:
        POLICY.require(caller, "read-organisation", (ANY_ORGANISATION,))
        kinds = sorted({chosen.value for chosen in kind or ()})
        items, following = await lists.organisations(kinds, await pages.number(), limit)
        return responses.page(items, pages.next(following))

    @router.get("/{organisation_id}", response_model=OrganisationAnswer)
    async def organisation(caller: Authenticated, organisation_id: Identifier, _: Covered) -> Response:
        POLICY.require(caller, "read-organisation", (ANY_ORGANISATION,))
        return responses.resource(*await queries.organisation(organisation_id))

    @router.put(
        "/{organisation_id}",
        response_model=OrganisationAnswer,
        summary="Describe an organisation; its accreditation is the OPERATOR's (403 FIELD_OF_THE_OPERATOR).",
    )
    async def describe(
        request: Request,
        caller: Authenticated,
        organisation_id: Identifier,
        body: OrganisationBody,
        _if_match: IfMatch = None,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        check_text(await request.json())
        relations = relations_to_organisation(caller, organisation_id, await queries.kind_of(caller.org))
        POLICY.require(caller, "describe-organisation", relations)
        if body.id not in (None, organisation_id):
            raise Refused.input(Fault("/id", "READ_ONLY", "the path gives the id; leave it out"))
        folded = await queries.streams.fold(organisation_stream(organisation_id), ORGANISATION)
        command = putting(request, caller, replacing(request, exists=folded.version > 0), dry_run=dry_run)
        if folded.etag in (command.if_match or ()):
            check_read_only(body, organisation_view(organisation_id, folded.state, folded.etag, None))
        reserved = POLICY.reserved(caller, "describe-organisation", relations)
        return await commands.describe_organisation(command, organisation_id, body, reserved)

    return router
