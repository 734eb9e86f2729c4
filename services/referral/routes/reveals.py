"""The HTTP route by which an auditor has the identity of a person revealed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Response
from pydantic import Field
from pydantic_core import to_jsonable_python

from contracts.answers import Contract
from contracts.fields import Body, FreeText
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import CommandRequest, acting
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import Covered, Identifier
from services.chassis.http.routing import Router
from services.referral.reveals import Reveals
from services.referral.routes.responses import ContactAnswer


class RevealBody(Body):
    """Why the identity has to be known; goes to the vault, and is read by the agency and its privacy officer."""

    reason: FreeText


class RevealAnswer(Contract):
    """Who the person of a case is, as the agency wrote it with the newest referral."""

    case: str
    referral: str
    client_ref: str | None = None
    identity: ContactAnswer | None = None
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")


def routes(reveals: Reveals) -> Router:
    """`POST /v1/cases/{case_id}/reveal`."""
    router = Router(prefix="/v1/cases", tags=["identities"])

    async def may(caller: Authenticated, case_id: Identifier) -> None:
        # Before the body: who may not do it at all does not learn how it would be done.
        await reveals.newest(caller, case_id)

    @router.post(
        "/{case_id}/reveal",
        response_model=RevealAnswer,
        summary="Have the identity of the person revealed, on record.",
        dependencies=[Depends(may)],
    )
    async def reveal(
        command: Annotated[CommandRequest, Depends(acting)], case_id: Identifier, _: Covered, body: RevealBody
    ) -> Response:
        check_text(to_jsonable_python(body, by_alias=True))
        return await reveals.reveal(command, case_id, body.reason)

    return router
