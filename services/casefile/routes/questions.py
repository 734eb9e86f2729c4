"""The HTTP routes of auditors' questions: which there are, and the answer of a case to one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from services.casefile.queries import Queries
from services.casefile.questions.answers import Questions
from services.casefile.questions.catalogue import listed
from services.casefile.routes.moments import AsOf, KnownAt, moment_of
from services.casefile.routes.question_shapes import QuestionAnswer, QuestionList
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.parameters import IDENTIFIER, Covered, Identifier
from services.chassis.http.response import responses
from services.chassis.http.routing import Router


def routes(questions: Questions, queries: Queries) -> Router:
    """The routes under `/v1/audit/questions`."""
    router = Router(prefix="/v1/audit/questions", tags=["questions"])

    @router.get("", response_model=QuestionList, summary="What auditors can ask of a case.")
    async def find(caller: Authenticated, _: Covered) -> Response:
        questions.check(caller)
        return responses.resource({"items": listed()})

    @router.get("/{question}", response_model=QuestionAnswer, summary="The answer of a case to a question.")
    async def read(
        caller: Authenticated,
        question: Identifier,
        _: Covered,
        case: Annotated[str, Query(pattern=IDENTIFIER, description="The id of the case.")],
        as_of: AsOf = None,
        known_at: KnownAt = None,
    ) -> Response:
        found = await questions.find(caller, question, case)
        at = await moment_of(queries, found, as_of, known_at)
        return responses.resource(await questions.answer(found, question, at))

    return router
