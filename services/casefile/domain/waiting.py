"""What an organisation said of a wait: told to the referral service, and put right in the case."""

from __future__ import annotations

from datetime import date
from typing import Any

from contracts.waiting import wrong_of_a_wait
from services.casefile.domain.case import Context, Reported
from services.casefile.domain.guards import check_organisation
from services.casefile.domain.reported import of_a_wait
from services.casefile.domain.terms import day_of
from services.chassis.modelling.decider import Command, Fault, Refused


class SayOfWait(Command, frozen=True, kw_only=True):
    """Why and until when the person waits: the referral service's `waitlist`, which a correction only repeats."""

    reason: str
    expected_by: date
    client_agreed: bool


def say_of_wait(command: SayOfWait, context: Context) -> list[Any]:
    """The report as it should have read on the day of the context, by the organisation that was offered the case."""
    check_organisation(context.case, command.by)
    today = day_of(context.terms, context.at)
    if wrong := wrong_of_a_wait(command.expected_by, client_agreed=command.client_agreed, today=today):
        raise Refused.input(*(Fault(*one) for one in wrong))
    said: Reported = of_a_wait(command.reason, command.expected_by)
    return [said]
