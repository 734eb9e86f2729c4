"""Terms that recur: a report settles the scheduled day that it belongs to, and a missed day ends none.

Each scheduled day stands by itself. So neither a miss nor a report that comes early or late moves the days after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from services.casefile.domain.context import Context
from services.casefile.domain.state import MISSED
from services.casefile.domain.steps import OpenStep
from services.casefile.domain.terms import Deadline, until


def settled_until(begin: date, scheduled: Sequence[date], held: Iterable[date]) -> date:
    """The last scheduled day that is settled; `begin`, where the schedule starts, as long as none is.

    What was held belongs to the nearest scheduled day, and to the earlier of two equally near ones; it settles that
    day, and those before it, which cannot be made good any more.
    """
    days = [begin, *scheduled]
    return max((min(days, key=lambda day: (abs(day - at), day)) for at in held), default=begin)


def deadlines(name: str, days: Sequence[date], context: Context, step: OpenStep | None) -> tuple[Deadline, ...]:
    """The deadlines of the days that are not settled: the first one, and if that was missed also the next to come.

    Those that run in `step` already keep their reminders.
    """
    running = {due.due_at: due for due in step.deadlines if due.name == name} if step is not None else {}
    planned = [_until(running, name, context, day) for day in days]
    to_come = next((due for due in planned if (MISSED, name, due.due_at) not in context.case.fired), None)
    return tuple(dict.fromkeys(due for due in (*planned[:1], to_come) if due is not None))


def _until(running: dict[datetime, Deadline], name: str, context: Context, day: date) -> Deadline:
    due = until(context.terms, name, context.at, day)
    return running.get(due.due_at, due)
