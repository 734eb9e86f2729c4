"""The routes under `/v1/programmes`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import putting
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import Covered, DryRun, Identifier
from services.chassis.http.request.read_only import check_read_only
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.referral.access import ANY_ORGANISATION, POLICY, relations_to_organisation
from services.referral.commands import Commands
from services.referral.queries import Queries
from services.referral.routes.requests import ProgrammeVersionBody
from services.referral.routes.responses import ProgrammeAnswer


def routes(commands: Commands, queries: Queries) -> Router:
    """All of them."""
    router = Router(prefix="/v1/programmes", tags=["programmes"])

    @router.get("/{programme_id}", response_model=ProgrammeAnswer)
    async def programme(caller: Authenticated, programme_id: Identifier, _: Covered) -> Response:
        POLICY.require(caller, "read-programme", (ANY_ORGANISATION,))
        return responses.resource(*await queries.programme(programme_id))

    @router.put("/{programme_id}/versions/{version}", response_model=ProgrammeAnswer)
    async def publish(
        request: Request,
        caller: Authenticated,
        programme_id: Identifier,
        version: Annotated[int, Path(ge=1, le=9999)],
        body: ProgrammeVersionBody,
        dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        check_text(await request.json())
        relations = relations_to_organisation(caller, "", await queries.kind_of(caller.org))
        POLICY.require(caller, "publish-programme", relations)
        check_read_only(body, {"version": version})
        # A version is never replaced, and its number says which it follows: no If-Match is needed.
        command = putting(request, caller, None, dry_run=dry_run)
        return await commands.publish_programme(command, programme_id, version, body)

    return router
