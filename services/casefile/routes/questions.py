"""The HTTP routes of auditors' questions: which there are, and the answer of a case, or of many, to one of them."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Query, Response

from services.casefile.queries import Found, Moment, Queries
from services.casefile.questions.answers import Questions
from services.casefile.questions.catalogue import listed
from services.casefile.questions.of_many import MOST_ANSWERED, ManyQuestions
from services.casefile.questions.sampling import Which
from services.casefile.routes.moments import AsOf, KnownAt, moment_of
from services.casefile.routes.question_shapes import QuestionAnswer, QuestionAnswers, QuestionList
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.parameters import IDENTIFIER, Covered, Identifier
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.modelling.decider import Fault

FARTHEST: Final = 2**53
"""As far as every client writes whole numbers."""
_ASK: Final = "ask of a `case`, or of a `programme`, or draw a `sample`; `after` goes on in a programme"


class _Chosen(NamedTuple):
    """Of which case, or of which of many behind which one, a question is asked."""

    case: str | None
    which: Which
    after: str | None


def _chosen(
    case: Annotated[str | None, Query(pattern=IDENTIFIER, description="The id of the case.")] = None,
    programme: Annotated[str | None, Query(pattern=IDENTIFIER, description="All cases of this programme.")] = None,
    sample: Annotated[
        int | None, Query(ge=1, le=MOST_ANSWERED, description="So many cases by chance, of the programme or of all.")
    ] = None,
    seed: Annotated[int, Query(ge=-FARTHEST, le=FARTHEST, description="The same seed draws the same sample.")] = 0,
    after: Annotated[
        str | None, Query(pattern=IDENTIFIER, description="The `next` of the page before, without a sample.")
    ] = None,
) -> _Chosen:
    """Raises ProblemError 422 where that is nothing, or more than one can ask of at once."""
    many = (programme, sample) != (None, None)
    if many == (case is not None) or (after is not None and (case is not None or sample is not None)):
        raise ProblemError(422, "WHICH_CASES", _ASK, errors=[Fault("/query/case", "WHICH_CASES", _ASK)])
    return _Chosen(case, Which(programme, sample, seed), after)


def routes(questions: Questions, many: ManyQuestions, queries: Queries) -> Router:
    """The routes under `/v1/audit/questions`."""
    router = Router(prefix="/v1/audit/questions", tags=["questions"])

    @router.get("", response_model=QuestionList, summary="What auditors can ask of a case.")
    async def find(caller: Authenticated, _: Covered) -> Response:
        questions.check(caller)
        return responses.resource({"items": listed()})

    @router.get(
        "/{question}",
        response_model=QuestionAnswer | QuestionAnswers,
        summary="The answer of a case to a question, or of many.",
    )
    async def read(
        caller: Authenticated,
        question: Identifier,
        _: Covered,
        chosen: Annotated[_Chosen, Depends(_chosen)],
        as_of: AsOf = None,
        known_at: KnownAt = None,
    ) -> Response:
        questions.check(caller)
        if chosen.case is not None:
            found = await questions.find(caller, question, chosen.case)
            at = await moment_of(queries, found, as_of, known_at)
            return responses.resource(await questions.answer(found, question, at))

        async def moment(found: Found) -> Moment:
            return await moment_of(queries, found, as_of, known_at)

        return responses.resource(await many.answer(caller, question, chosen.which, moment, chosen.after))

    return router
