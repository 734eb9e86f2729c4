"""The HTTP route of a case's bundle."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from services.casefile.bundles import Bundles
from services.chassis.http.bundle import ZIP, bundle_answer
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.file_places import FilePlace
from services.chassis.http.request.parameters import Covered, Identifier
from services.chassis.http.routing import Router

_FILE: Final = "case-bundle.zip"
"""An id may be spelt in ways that no file name is."""


def routes(bundles: Bundles) -> Router:
    """`GET /v1/cases/{case_id}/bundle`."""
    router = Router(prefix="/v1", tags=["cases"])

    @router.get(
        "/cases/{case_id}/bundle",
        response_class=Response,
        summary="One file that proves a case offline.",
        responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    async def bundle(caller: Authenticated, case_id: Identifier, _: Covered, __: FilePlace) -> Response:
        found = await bundles.find(caller, case_id)
        return await bundle_answer(*await bundles.of(caller, found), _FILE)

    return router
