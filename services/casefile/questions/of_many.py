"""Asks a question of many cases for a caller: of a programme, or of a sample that anybody can draw again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from services.casefile.access import POLICY, relations_of_row
from services.casefile.known_filters import check_filters
from services.casefile.projection import CASES
from services.casefile.queries import Found, Moment, Queries
from services.casefile.questions.answers import ASK, Questions
from services.casefile.questions.catalogue import QUESTIONS
from services.casefile.questions.many import together
from services.casefile.questions.sampling import Which, lot
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.index.index import IndexReader

MOST_ANSWERED: Final = 200
"""So many cases are answered at once: a larger sample is not drawn, and a programme with more of them is paged."""
_AT_ONCE: Final = 1000
"""Rows of the index between which others have a turn."""

MomentOf = Callable[[Found], Awaitable[Moment]]
"""What a caller names, as an instant in the time zone of a case."""


class ManyQuestions:
    """Answers a question over those cases of a programme, or of all, that the caller may ask of."""

    def __init__(
        self,
        questions: Questions,
        queries: Queries,
        index: IndexReader,
        caught_up: Callable[[], Awaitable[None]],
        most: int = MOST_ANSWERED,
    ) -> None:
        self._questions = questions
        self._queries = queries
        self._index = index
        self._caught_up = caught_up
        self._most = most

    async def answer(
        self, caller: Caller, name: str, which: Which, moment_of: MomentOf, after: str | None
    ) -> dict[str, Any]:
        """The answers as one; without a sample a page of them behind the case `after`, in the order of their ids.

        It is what the shell answers. Raises Forbidden, Hidden, and ProblemError 422 for a programme that there is not.
        """
        self._questions.check(caller)
        if name not in QUESTIONS:
            raise Hidden
        await check_filters(self._queries.streams, programme=which.programme)
        await self._caught_up()
        cases = [case async for case in self._cases(caller, which.programme)]
        if which.sample is None:
            cases = sorted(case for case in cases if after is None or case > after)
        else:
            # Until enough of them are found: one that was not there at the moment asked about is none to be drawn.
            cases.sort(key=lambda case: lot(case, which.seed))
        most, documents = which.sample or self._most, list[dict[str, Any]]()
        following = None
        for case in cases:
            if len(documents) == most:
                following = documents[-1]["case"] if which.sample is None else None
                break
            if (document := await self._answered(caller, name, case, moment_of)) is not None:
                documents.append(document)
            # Embedded stores answer without giving way to others.
            await asyncio.sleep(0)
        documents.sort(key=lambda document: str(document["case"]))
        drawn = {"programme": which.programme, "sample": which.sample, "seed": which.seed}
        return {**together(QUESTIONS[name], documents, **drawn), "next": following}

    async def _answered(self, caller: Caller, name: str, case: str, moment_of: MomentOf) -> dict[str, Any] | None:
        found = await self._queries.find(caller, case, ASK)
        return await self._questions.answer_if_there(found, name, await moment_of(found))

    async def _cases(self, caller: Caller, programme: str | None) -> AsyncIterator[str]:
        """The ids of the cases that the caller may ask of, in no order."""
        after = 0
        columns = ("agency", "programme")
        while rows := await self._index.find(CASES.name, {}, after=after, limit=_AT_ONCE, only=columns):
            after = rows[-1].seq
            for row in rows:
                relations = relations_of_row(caller, str(row.columns["agency"]), None, None)
                if programme in (None, row.columns["programme"]) and POLICY.permits(caller, ASK, relations):
                    yield row.key
            await asyncio.sleep(0)
