"""The command that a report would have come by, had it read as its correction says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from contracts.fields import Body
from contracts.waitlist_body import WaitlistBody
from services.casefile.actions import ACTIONS
from services.casefile.domain.corrections_of_reports import ReportWait
from services.casefile.domain.report_facts import CORRECTED_BY, Reported
from services.casefile.stamping import Stamp
from services.chassis.http.problems.translation import from_validation
from services.chassis.http.request.stamp import same_fields
from services.chassis.http.response.rendering import camel
from services.chassis.modelling.days import in_utc
from services.chassis.modelling.decider import Command, Refused


def command_for(holds: Mapping[str, Any], reported: Reported, stamp: Stamp) -> Command:
    """The command of a report that reads like `holds`. Raises Refused, and ProblemError for a wrong shape."""
    name, stands = CORRECTED_BY[reported.kind], _as_sent(reported)
    # A result may turn up after its point was waived, or one that was recorded turn out to be none.
    for kind, sign, other in (
        ("OutcomeWaived", "code", "record-outcome"),
        ("OutcomeRecorded", "reason", "waive-outcome"),
    ):
        if reported.kind == kind and sign in holds:
            name, stands = other, {"point": reported.facts["point"]}
    request, build = _REPORTED_ELSEWHERE.get(name) or (ACTIONS[name].request, ACTIONS[name].command_of)
    try:
        return build(request.model_validate({**stands, **holds}), stamp)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", "holds", *fault["loc"])} for fault in error.errors()]
        raise from_validation(RequestValidationError(faults)) from None
    except Refused as refused:
        raise Refused.input(*(fault.under("/holds") for fault in refused.faults)) from None


def _as_sent(reported: Reported) -> dict[str, Any]:
    """The body of a report that reads as it does."""
    # What an old event does not know has to be sent.
    facts = {_SENT_AS.get(name, camel(name)): value for name, value in reported.facts.items() if value is not None}
    if reported.happened_at is not None:
        facts["occurredAt"] = in_utc(reported.happened_at)
    return facts


_SENT_AS: Final[Mapping[str, str]] = {"side": "by"}
_REPORTED_ELSEWHERE: Final[Mapping[str, tuple[type[Body], Callable[[Any, Stamp], Command]]]] = {
    "waitlist": (WaitlistBody, same_fields(ReportWait)),
}
"""Reports that another service takes, and this one corrects."""
