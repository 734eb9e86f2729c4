"""What the casefile service tells of those who have no account: their letters, and what they answered by a link."""

from __future__ import annotations

from typing import ClassVar, Final

from contracts.letters import MentorsLetterPosted
from contracts.message import Message

BETWEEN_SERVICES: Final = (MentorsLetterPosted,)
"""Written elsewhere, and published by this service."""


class AnswerByLinkTaken(Message, frozen=True, kw_only=True):
    """What became of an answer by a link in an e-mail; `refusal` is the code by which it was refused, if it was.

    What was done has a message of its own, in the name of the person who answered.
    """

    TYPE: ClassVar[str] = "org.caserelay.case.answer_by_link_taken.v1"
    NAME: ClassVar[str] = "AnswerByLinkTaken"
    FED: ClassVar[bool] = False
    link: str
    case: str
    act: str
    refusal: str | None = None
