"""`/v1/reconciliations`: whether an organisation has what it was told, case by case or by hashes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import Depends, Query, Response

from contracts.codes import CaseState, ReferralState
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.parameters import IDENTIFIER, Covered
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.modelling.decider import Fault
from services.chassis.service import Service
from services.notifications.access import OWN_ORGANISATION, POLICY, RECONCILE
from services.notifications.feed_cursors import feed_of
from services.notifications.reconciling import Reconciling
from services.notifications.routes.reconciliation_shapes import (
    DigestAnswer,
    ListedCase,
    ReconciliationAnswer,
    ReconciliationBody,
)


def routes(service: Service, reconciling: Reconciling) -> Router:
    """Both of them."""
    router = Router(prefix="/v1/reconciliations", tags=["reconciliations"])

    async def may(caller: Authenticated) -> None:
        POLICY.require(caller, RECONCILE, (OWN_ORGANISATION,))

    @router.post(
        "",
        response_model=ReconciliationAnswer,
        summary="Compare one's list of cases.",
        dependencies=[Depends(may)],
    )
    async def compare(caller: Authenticated, body: ReconciliationBody, _: Covered) -> Response:
        if faults := list(_faults(body.cases)):
            raise ProblemError(422, faults[0].code, f"{faults[0].pointer}: {faults[0].detail}", errors=faults)
        feed = feed_of(service, caller, None)
        return responses.resource(await reconciling.compare(caller.org, body.cases, feed.next, complete=body.complete))

    @router.get(
        "/digest", response_model=DigestAnswer, summary="Hashes of the open cases.", dependencies=[Depends(may)]
    )
    async def digest(
        caller: Authenticated,
        _: Covered,
        organisation: Annotated[
            str | None, Query(pattern=IDENTIFIER, description="The other side. Default: all open cases of one's own.")
        ] = None,
    ) -> Response:
        return responses.resource(await reconciling.digest(caller.org, organisation))

    return router


def _faults(cases: Sequence[ListedCase]) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for number, entry in enumerate(cases):
        place = f"/cases/{number}"
        if entry.case is not None and entry.referral is not None:
            yield Fault(f"{place}/referral", "NOT_EXPECTED", "give case or referral, and not both")
            continue
        kind, named = ("case", entry.case) if entry.case is not None else ("referral", entry.referral)
        if named is None:
            yield Fault(f"{place}/case", "REQUIRED", "say which one: by case, or by referral")
            continue
        if (kind, named) in seen:
            yield Fault(f"{place}/{kind}", "REPEATED", "it is in the list already; give each once")
        seen.add((kind, named))
        states = CaseState if kind == "case" else ReferralState
        if entry.state not in states.__members__:
            yield Fault(f"{place}/state", "UNKNOWN_CODE", f"of a {kind}, give one of: {', '.join(states)}")
