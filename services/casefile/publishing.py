"""What others get of each private event: the message of its row, and none where it has none."""

from __future__ import annotations

from contracts.casefile.by_link import AnswerByLinkTaken
from contracts.letters import MentorsLetterPosted
from contracts.message import CaseMessage, Message
from services.casefile.domain.by_link import AnswerByLinkNoted
from services.casefile.domain.case import CaseEvent
from services.casefile.events import row_of
from services.casefile.history import occurred_at
from services.casefile.message_parts import About
from services.chassis.delivery.translation import published_actor
from services.chassis.log.metadata import Recorded
from services.chassis.mail.postbox import LetterPosted


def publish(recorded: Recorded) -> tuple[str, Message] | None:
    """The case and the message of an event, or None where it concerns nobody outside this service."""
    if not recorded.stream.startswith("case-"):
        return _of_a_link(recorded)
    event: CaseEvent = recorded.event
    # First, since of most events nobody is told.
    if (make := row_of(event).message) is None:
        return None
    case, meta = recorded.stream.removeprefix("case-"), recorded.meta
    about: About = {
        "case": case,
        "actor": published_actor(meta.actor),
        "occurred_at": occurred_at(recorded),
        "recorded_at": meta.recorded_at,
        "digest": recorded.digest,
    }
    message: CaseMessage = make(event, about)
    return case, message


def _of_a_link(recorded: Recorded) -> tuple[str, Message] | None:
    match recorded.event:
        case AnswerByLinkNoted() as noted:
            return noted.case, AnswerByLinkTaken(
                link=noted.link, case=noted.case, act=noted.action, refusal=noted.refusal
            )
        case LetterPosted() as posted:
            case, _, _ = posted.addressee.partition("/")
            return case, MentorsLetterPosted(
                letter=posted.letter,
                number=posted.number,
                case=case,
                result=posted.result,
                language=posted.language,
                secret=posted.secret,
                at=posted.at,
            )
        case _:
            return None
