"""The steps that more than one phase begins, with their owners and deadlines."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.recurring import check_ins
from services.casefile.domain.state import Agreement, lead_of, trajectory_of
from services.casefile.domain.steps import Awaiting, OpenStep
from services.casefile.domain.terms import day_of, deadline, start_of, until


def next_service(context: Context, since: datetime) -> OpenStep:
    """The lead's step to decide what comes next for the person."""
    due = deadline(context.terms, Step.NEXT_SERVICE, since)
    return OpenStep(step=Step.NEXT_SERVICE.value, owner=lead_of(context.case), since=since, deadlines=(due,))


def report_step(context: Context, since: datetime) -> OpenStep:
    """The coordinator's step to write the handback report."""
    due = deadline(context.terms, Step.HANDBACK_REPORT, since)
    owner = trajectory_of(context.case).coordinator
    return OpenStep(step=Step.HANDBACK_REPORT.value, owner=owner, since=since, deadlines=(due,))


def mentoring_steps(context: Context, agreement: Agreement, since: datetime) -> tuple[OpenStep, ...]:
    """The steps that run from the signature, or again after a pause: the pair's work, and the next check-in."""
    trajectory = replace(trajectory_of(context.case), resumed_at=since)
    return (mentoring_step(context, agreement, since), *check_ins(context, agreement, trajectory, since).opens)


def mentoring_step(context: Context, agreement: Agreement, since: datetime) -> OpenStep:
    """The step that the coordinator answers for until the agreement ends."""
    end = until(context.terms, "AGREEMENT_END", since, agreement.end)
    waits = Awaiting(org=context.case.agency, action="decide-extension") if agreement.proposed_end is not None else None
    owner = trajectory_of(context.case).coordinator
    return OpenStep(step=Step.MENTORING.value, owner=owner, since=since, deadlines=(end,), awaiting=waits)


def progress_step(context: Context, agreement: Agreement, since: datetime) -> OpenStep:
    """The coordinator's step to report progress: in month three, or at the end of an agreement that ends before."""
    due = deadline(context.terms, Step.PROGRESS_REPORT, start_of(context.terms, agreement.start))
    if day_of(context.terms, due.due_at) > agreement.end:
        due = until(context.terms, Step.PROGRESS_REPORT, since, agreement.end)
    owner = trajectory_of(context.case).coordinator
    return OpenStep(step=Step.PROGRESS_REPORT.value, owner=owner, since=since, deadlines=(due,))
