"""A wait for a place: reported to the referral service, and corrected in the case."""

from __future__ import annotations

from datetime import date

from contracts.waiting import wrong_of_a_wait
from services.casefile.domain.context import Context
from services.casefile.domain.guards import ORGANISATION, check_part
from services.casefile.domain.reported import Reported, reported_wait
from services.casefile.domain.terms import day_of
from services.chassis.modelling.decider import Command, Fault, Refused


class ReportWait(Command, frozen=True, kw_only=True):
    """Why and until when the person waits: the referral service's `waitlist`, which a correction only repeats."""

    reason: str
    expected_by: date
    client_agreed: bool


def report_wait(command: ReportWait, context: Context) -> Reported:
    """The report as it should have read on the day of the context, by the organisation that was offered the case."""
    check_part(ORGANISATION, context.case, command.by)
    today = day_of(context.terms, context.at)
    if wrong := wrong_of_a_wait(command.expected_by, client_agreed=command.client_agreed, today=today):
        raise Refused.input(*(Fault(*fault) for fault in wrong))
    return reported_wait(command.reason, command.expected_by)
