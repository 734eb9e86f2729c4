"""Which questions to mentor and mentee are pending: each until both sides were asked, or it is too late to."""

from __future__ import annotations

from typing import Final

from contracts.casefile.deadlines import DeadlineReminded
from contracts.casefile.matching import MatchProposed
from contracts.casefile_codes import Side
from contracts.codes import Step
from services.chassis.index.index import Changes
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.days import USUAL_ZONE
from services.chassis.time.scheduler import DEADLINES, Pending, set_pending, sortable
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.link_events import Invitation, LinkEvent, LinkIssued
from services.notifications.email.quiet_hours import WORK_BEGINS, WORK_ENDS, is_daytime, next_morning

QUESTION: Final = "QUESTION"
"""The kind of what is pending: both sides of a match are to be asked. Its name is the position of the message."""
LAST: Final = tuple(Side)[-1]
"""Who is asked after the other: then nothing is pending any more."""


def note_question(recorded: Recorded, event: MessageTaken, changes: Changes) -> None:
    """A question is put at once, or in the morning of the next working day where people are left alone until then."""
    if not _asks(event):
        return
    came = recorded.meta.recorded_at
    daytime = is_daytime(came, USUAL_ZONE, WORK_BEGINS, WORK_ENDS)
    at = sortable(came if daytime else next_morning(came, USUAL_ZONE, WORK_BEGINS))
    due = Pending(at, str(recorded.position), QUESTION, at)
    set_pending(changes, _key(str(event.message["id"])), recorded, [due])


def note_invitation(event: LinkEvent, changes: Changes) -> None:
    """Once both have their links the question is no longer pending: not when the index is made again either."""
    if isinstance(event, LinkIssued) and isinstance(event.invitation, Invitation) and event.invitation.side == LAST:
        changes.delete(DEADLINES.name, _key(event.event))


def _asks(event: MessageTaken) -> bool:
    if event.type == DeadlineReminded.TYPE:
        return bool(event.message["data"].get("step") == Step.CHECK_IN)
    return event.type == MatchProposed.TYPE


def _key(message: str) -> str:
    return f"question-{message}"
