"""The routes under `/v1/legal-bases`."""

from __future__ import annotations

from fastapi import Response

from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing
from services.chassis.http.request.parameters import Covered, Identifier
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.referral.commands import Commands
from services.referral.queries import Queries
from services.referral.routes.requests import LegalBasisWithdrawalBody
from services.referral.routes.responses import LegalBasisAnswer


def routes(commands: Commands, queries: Queries) -> Router:
    """All of them."""
    router = Router(prefix="/v1/legal-bases", tags=["legal bases"])

    @router.get("/{basis_id}", response_model=LegalBasisAnswer)
    async def legal_basis(caller: Authenticated, basis_id: Identifier, _: Covered) -> Response:
        return responses.resource(*await queries.legal_basis(caller, basis_id, "read-legal-basis"))

    @router.post("/{basis_id}/withdraw", response_model=LegalBasisAnswer)
    async def withdraw(
        command: Changing, basis_id: Identifier, body: LegalBasisWithdrawalBody | None = None
    ) -> Response:
        found = await queries.of_legal_basis(command.caller, basis_id, "withdraw-legal-basis")
        channel = body.channel if body is not None else None
        return await commands.withdraw_legal_basis(command, basis_id, found, channel)

    return router
