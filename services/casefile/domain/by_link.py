"""What became of answers by a link in an e-mail: one record for each link, so that a page can say it."""

from __future__ import annotations

from typing import ClassVar

from services.chassis.modelling.decider import Command, Entity, Event


class NoteAnswer(Command, frozen=True, kw_only=True):
    """Note what became of an answer; `refusal` is the code of what refused it, None where it was taken."""

    link: str
    case: str
    act: str
    refusal: str | None


class AnswerByLinkNoted(Event, frozen=True, kw_only=True):
    """An answer by link was taken, or refused; what was taken has events of its own."""

    BYSTANDER: ClassVar[bool] = True
    link: str
    case: str
    # `act` is what events of every kind have that go on record with what somebody else did.
    action: str
    refusal: str | None


def note_answer(command: NoteAnswer, noted: int) -> list[AnswerByLinkNoted]:
    """Notes it, once: a link answers once."""
    if noted:
        return []
    return [
        AnswerByLinkNoted(link=command.link, case=command.case, action=command.act, refusal=command.refusal),
    ]


def evolve(noted: int, _event: AnswerByLinkNoted) -> int:
    """How many were noted."""
    return noted + 1


ANSWERS_BY_LINK: Entity[int] = Entity(0, evolve)


def answer_stream(link: str) -> str:
    """The stream of what became of one link."""
    return f"answer-by-link-{link}"
