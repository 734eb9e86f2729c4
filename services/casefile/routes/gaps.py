"""The HTTP routes of gaps in services: the commands are those of their case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from pydantic_core import to_jsonable_python

from contracts.gap_codes import GapState
from services.casefile.actions import ACTIONS
from services.casefile.commands import Commands
from services.casefile.domain.gap_report import case_of
from services.casefile.gap_lists import GapLists
from services.casefile.queries import Queries
from services.casefile.routes.gap_shapes import AnswerGapBody, AnswerGapsBody, GapPage, GapRead, GapsAnswered
from services.chassis.access.policy import Forbidden, Hidden
from services.chassis.deciding.handler import PreconditionFailed
from services.chassis.http.problems.problem import problem_of
from services.chassis.http.problems.translation import as_problem
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import CommandRequest, Creating
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import IDENTIFIER, Covered, Identifier, Limit
from services.chassis.http.response import responses
from services.chassis.http.response.rendering import Json
from services.chassis.http.routing import Router
from services.chassis.modelling.decider import Refused

PATH: Final = "/v1/gaps/answers"
ANSWER: Final = ACTIONS["answer-gap"]
REFUSALS: Final = (Refused, PreconditionFailed, Hidden, Forbidden)
"""What refuses the answer to one gap, and not the request."""


def routes(lists: GapLists, queries: Queries, commands: Commands) -> Router:
    """`/v1/gaps`, `/v1/gaps/{gap_id}`, and the answer to several."""
    router = Router(prefix="/v1/gaps", tags=["gaps"])

    @router.get("", response_model=GapPage, summary="Gaps in services that the caller reads.")
    async def find(
        caller: Authenticated,
        _: Covered,
        pages: Paged,
        state: Annotated[list[GapState] | None, Query(description="Any of these; may be repeated.")] = None,
        agency: Annotated[str | None, Query(pattern=IDENTIFIER, description="The agency that answers.")] = None,
        limit: Limit = 50,
    ) -> Response:
        states = tuple(sorted({code.value for code in state or ()}))
        return responses.page(*await lists.page(caller, states, agency, pages, limit))

    @router.get("/{gap_id}", response_model=GapRead, summary="One gap in services.")
    async def read(caller: Authenticated, gap_id: Identifier, _: Covered) -> Response:
        return responses.resource(*await lists.gap(caller, gap_id))

    @router.post("/answers", response_model=GapsAnswered, summary="Answer like gaps together, in any of one's cases.")
    async def answer(http: Request, request: Creating, body: AnswerGapsBody) -> Response:
        check_text(to_jsonable_python(body, by_alias=True))
        await lists.check_alike(request.caller, body.gaps)
        items, events = [], list[Any]()
        for gap in dict.fromkeys(body.gaps):
            http.app.state.rates.take(request.caller.org)
            item, written = await _answered(queries, commands, request, gap, body)
            items.append(item)
            events += written
        return responses.resource({"items": items, **responses.dry_run(request, events)})

    return router


async def _answered(
    queries: Queries, commands: Commands, request: CommandRequest, gap: str, body: AnswerGapsBody
) -> tuple[Json, Sequence[Any]]:
    """What becomes of the answer to one gap, decided on its case as it is: an open gap has no other answer yet.

    With the events that follow from it.
    """
    own = AnswerGapBody.model_validate({**body.model_dump(mode="json", by_alias=True, exclude={"gaps"}), "gap": gap})
    try:
        found = await queries.find(request.caller, case_of(gap), ANSWER.name)
        single = replace(request, key=f"{request.key}:{gap}", if_match=frozenset({found.folded.etag}))
        done = await commands.run(single, found, ANSWER, own)
    except REFUSALS as refusal:
        problem = problem_of(as_problem(refusal), PATH).model_dump(by_alias=True, exclude_none=True)
        return {"gap": gap, "status": problem["status"], "problem": problem}, ()
    return {"gap": gap, "status": 200}, done.outcome.events
