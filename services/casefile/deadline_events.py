"""The rows of `events.py` for what falls due: stored name, sentence on the timeline, message."""

from __future__ import annotations

from typing import Final

from contracts import casefile as messages
from services.casefile.domain import deadlines, ladder
from services.casefile.event_rows import EventRow
from services.casefile.message_parts import begun, parties_of, party_of
from services.casefile.sentences import of_a_level
from services.casefile.task_events import TASK_EVENTS
from services.chassis.delivery.translation import published_levels, published_receivers

# fmt: off
DEADLINE_EVENTS: Final = (
    TASK_EVENTS
    | EventRow(deadlines.NgoAccessExpired, "case.ngo_access_expired.v1", "The access of {organisation} has ended.",
                 lambda event, about: messages.deadlines.NgoAccessExpired(
                     **about, referral=event.referral, organisation=event.organisation))
    | EventRow(deadlines.CaseFinalised, "case.finalised.v1", "The case is finalised.",
                 lambda _event, about: messages.deadlines.CaseFinalised(**about))
    | EventRow(deadlines.DeadlineReminded, "case.deadline_reminded.v1", "Reminder: {deadline} is nearly due.",
                 lambda event, about: messages.deadlines.DeadlineReminded(
                     **about, deadline=event.deadline, step=event.step, due_at=event.due_at,
                     owner=party_of(event.owner), awaited=event.awaited, level=event.level or None,
                     notified=published_receivers(event.notified), substitutes=parties_of(event.substitutes)))
    | EventRow(deadlines.DeadlineMissed, "case.deadline_missed.v1", "The deadline {deadline} has passed.",
                 lambda event, about: messages.deadlines.DeadlineMissed(
                     **about, deadline=event.deadline, step=event.step, due_at=event.due_at,
                     owner=party_of(event.owner), awaited=event.awaited, deadlines=begun(event),
                     level=event.level or None, notified=published_receivers(event.notified),
                     to_come=published_levels(event.to_come), substitutes=parties_of(event.substitutes)))
    | EventRow(ladder.DeadlineEscalated, "case.deadline_escalated.v1", of_a_level,
                 lambda event, about: messages.deadlines.DeadlineEscalated(
                     **about, deadline=event.deadline, step=event.step, due_at=event.due_at,
                     owner=party_of(event.owner), awaited=event.awaited, level=event.level,
                     notified=published_receivers(event.notified), substitutes=parties_of(event.substitutes)))
)
# fmt: on
