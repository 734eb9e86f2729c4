"""Who calls, and whether that organisation may call so often."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Header, Request

from services.chassis.access.identity import Caller
from services.chassis.access.policy import admit
from services.chassis.http.request.readings import PurposeHeader, note_reader

_COUNTED: Final = "caserelay.counted"


async def authenticated(
    request: Request,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
    caserelay_purpose: PurposeHeader = None,
) -> Caller:
    """Who asks. Raises Unauthenticated, Forbidden for the roles that are refused everywhere, and ProblemError.

    That is 429 for too many requests, or 400 for the purpose of a reading.

    Nothing has been looked at or changed by then, so who sent too many requests may send the same again later.
    """
    state = request.app.state
    caller: Caller = await state.service.verifier.authenticate(authorization)
    admit(caller, state.bars)
    # A request that turns out not to be plain is asked twice, and counts once.
    if _COUNTED not in request.scope:
        request.scope[_COUNTED] = True
        state.rates.take(caller.org)
    note_reader(request, caller, caserelay_purpose)
    return caller


Authenticated = Annotated[Caller, Depends(authenticated)]
