"""Questions for a caller: who may ask, and the answer of a case from its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.casefile.access import ANY_ORGANISATION, POLICY
from services.casefile.domain.tellings import tellings_stream
from services.casefile.history import known
from services.casefile.queries import Found, Moment, Queries
from services.casefile.questions.catalogue import QUESTIONS
from services.casefile.questions.question import Inquiry
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.log.metadata import Recorded

ASK: Final = "ask-question"
LIST: Final = "list-questions"


class Questions:
    """Answers questions. Raises Forbidden for callers who may ask none, and Hidden for what there is not."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    @staticmethod
    def check(caller: Caller) -> None:
        """Refuses callers who may ask nothing at all."""
        POLICY.require(caller, LIST, (ANY_ORGANISATION,))

    async def find(self, caller: Caller, name: str, case_id: str) -> Found:
        """The case that a question is asked of; the question has to be there as well."""
        self.check(caller)
        if name not in QUESTIONS:
            raise Hidden
        return await self._queries.find(caller, case_id, ASK)

    async def answer(self, found: Found, name: str, at: Moment) -> dict[str, Any]:
        """The answer of a case in its JSON shape, made of its record as it was found."""
        return await self._answer(await self._queries.records(found), found, name, at)

    async def answer_if_there(self, found: Found, name: str, at: Moment) -> dict[str, Any] | None:
        """The same; None where the case was not there at that moment, or not known to be."""
        stored = await self._queries.records(found)
        if not list(known(stored[:1], at.as_of, at.known_at)):
            return None
        return await self._answer(stored, found, name, at)

    async def _answer(self, stored: Sequence[Recorded], found: Found, name: str, at: Moment) -> dict[str, Any]:
        beside = await self._queries.streams.log.read(tellings_stream(found.case_id))
        return QUESTIONS[name].document(Inquiry(stored, beside, at.as_of, at.known_at))
