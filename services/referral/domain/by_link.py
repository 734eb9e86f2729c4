"""What became of acts by a link in an e-mail: one record for each link, so that a page can say it."""

from __future__ import annotations

from typing import ClassVar

from services.chassis.modelling.decider import Command, Entity, Event


class NoteActByLink(Command, frozen=True, kw_only=True):
    """Note what became of an act by link; `refusal` is the code of what refused it, None where it was done."""

    link: str
    case: str
    referral: str
    act: str
    refusal: str | None


class ActByLinkNoted(Event, frozen=True, kw_only=True):
    """An act by link was done, or refused; what was done has events of its own."""

    BYSTANDER: ClassVar[bool] = True
    link: str
    case: str
    referral: str
    action: str
    refusal: str | None


def note_act(command: NoteActByLink, noted: int) -> list[ActByLinkNoted]:
    """Notes it, once: a link acts once."""
    if noted:
        return []
    return [
        ActByLinkNoted(
            link=command.link,
            case=command.case,
            referral=command.referral,
            action=command.act,
            refusal=command.refusal,
        )
    ]


def evolve(noted: int, _event: ActByLinkNoted) -> int:
    """How many were noted."""
    return noted + 1


ACTS_BY_LINK: Entity[int] = Entity(0, evolve)


def act_by_link_stream(link: str) -> str:
    """The stream of what became of one link."""
    return f"act-by-link-{link}"
