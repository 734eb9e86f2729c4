"""From request bodies to commands on a case: what the caller sent, with ids, vault references and times stamped on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from contracts.bodies import WaitlistBody
from contracts.casefile_codes import Side
from contracts.codes import Role
from contracts.fields import Body
from services.casefile.domain import (
    escalation,
    follow_up,
    handback,
    intake,
    matching,
    mentoring,
    people,
    reviews,
    trajectory,
    waiting,
)
from services.casefile.domain.case import Reported
from services.casefile.domain.reported import CORRECTED_BY
from services.casefile.routes import requests as bodies
from services.chassis.http.problems.translation import from_validation
from services.chassis.http.response.rendering import camel
from services.chassis.modelling.decider import Actor, Command, Fault, Refused
from services.chassis.vault.vault import Deposit


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is stamped on a command: the time, the caller, what makes its ids; and where its texts are set aside.

    `said` is what the event that a correction names reported, as it reads now.
    """

    at: datetime
    by: Actor
    case_id: str
    version: int
    deposit: Deposit
    said: Reported | None = None

    def ref(self, what: str, text: str) -> str:
        """The vault reference of a text."""
        return self.deposit.put(what, {"text": text})

    def ref_or_none(self, what: str, text: str | None) -> str | None:
        """The vault reference of a text that may be left out."""
        return self.ref(what, text) if text is not None else None


@dataclass(frozen=True, slots=True)
class Action:
    """A route of a case: its body, and how the body becomes a command."""

    body: type[Body]
    summary: str
    command: Callable[[Any, Stamp], Command]


def _same(command: type[Command]) -> Callable[[Any, Stamp], Command]:
    """For commands whose fields are those of the body."""

    def build(body: Body, stamp: Stamp) -> Command:
        given = {name: _plain(getattr(body, name)) for name in type(body).model_fields}
        return command(at=stamp.at, by=stamp.by, **given)

    return build


def _plain(value: Any) -> Any:
    """Codes as text, lists as tuples: what events are made of."""
    if isinstance(value, list):
        return tuple(_plain(one) for one in value)
    if isinstance(value, dict):
        return {_plain(name): _plain(one) for name, one in value.items()}
    return value.value if hasattr(value, "value") else value


def _side(given: Side | None, by: Actor) -> str:
    if given is not None:
        return given.value
    if by.role in (Role.VOLUNTEER_MENTOR, Role.PROFESSIONAL_MENTOR):
        return Side.MENTOR.value
    if by.role == Role.MENTEE:
        return Side.MENTEE.value
    raise Refused.input(Fault("/by", "REQUIRED", "say for which side you speak: MENTOR or MENTEE"))


def _conclude_intake(body: bodies.ConcludeIntakeBody, stamp: Stamp) -> Command:
    ref = stamp.deposit.put("expectations", {"texts": body.expectations}) if body.expectations else None
    return intake.ConcludeIntake(
        at=stamp.at,
        by=stamp.by,
        suitable=body.suitable,
        goals=_plain(body.goals),
        expectations_ref=ref,
        cefr=_plain(body.cefr),
        reason=_plain(body.reason),
        open_needs=_plain(body.open_needs),
        recommended_next_step=_plain(body.recommended_next_step),
        occurred_at=body.occurred_at,
    )


def _propose_match(body: bodies.ProposeMatchBody, stamp: Stamp) -> Command:
    return matching.ProposeMatch(
        at=stamp.at,
        by=stamp.by,
        match=f"{stamp.case_id}.{stamp.version}",
        mentor=body.mentor_ref,
        kind=_plain(body.kind),
        criteria=_plain(body.criteria),
        sector_absence_ref=stamp.ref_or_none("sector-absence", body.sector_absence),
        conflict_of_interest=body.conflict_of_interest,
    )


def _confirm_match(body: bodies.ConfirmMatchBody, stamp: Stamp) -> Command:
    return matching.ConfirmMatch(
        at=stamp.at,
        by=stamp.by,
        side=_side(body.by, stamp.by),
        on_behalf_reason=_plain(body.on_behalf_reason),
        occurred_at=body.occurred_at,
    )


def _reject_match(body: bodies.RejectMatchBody, stamp: Stamp) -> Command:
    return matching.RejectMatch(
        at=stamp.at,
        by=stamp.by,
        side=_side(body.by, stamp.by),
        reason=body.reason.value,
        on_behalf_reason=_plain(body.on_behalf_reason),
        occurred_at=body.occurred_at,
    )


def _sign_agreement(body: bodies.SignAgreementBody, stamp: Stamp) -> Command:
    return matching.SignAgreement(
        at=stamp.at,
        by=stamp.by,
        start=body.start,
        end=body.end,
        norm=body.norm,
        charter_version=body.charter_version,
        coordinator_attends_first_meeting=body.coordinator_attends_first_meeting,
        expectations_mentor_ref=stamp.ref_or_none("expectations.mentor", body.expectations.mentor),
        expectations_mentee_ref=stamp.ref_or_none("expectations.mentee", body.expectations.mentee),
        occurred_at=body.occurred_at,
    )


def _record_pulse(body: bodies.PulseBody, stamp: Stamp) -> Command:
    return mentoring.RecordPulse(
        at=stamp.at,
        by=stamp.by,
        side=_side(body.by, stamp.by),
        score=body.score,
        reasons=_plain(body.reasons),
        occurred_at=body.occurred_at,
    )


def _end_match(body: bodies.EndMatchBody, stamp: Stamp) -> Command:
    return trajectory.EndMatch(
        at=stamp.at,
        by=stamp.by,
        reason=body.reason.value,
        next=body.next.value,
        closure_talk=body.closure_talk,
        side=_plain(body.by),
        occurred_at=body.occurred_at,
    )


def _decide_extension(body: bodies.DecideExtensionBody, stamp: Stamp) -> Command:
    reason_ref = stamp.ref_or_none("extension-decision", body.reason)
    return trajectory.DecideExtension(at=stamp.at, by=stamp.by, approved=body.approved, reason_ref=reason_ref)


def _correct(body: bodies.CorrectBody, stamp: Stamp) -> Command:
    return people.Correct(
        at=stamp.at,
        by=stamp.by,
        event=body.event,
        reason_ref=stamp.ref("correction", body.reason),
        with_holds=body.holds is not None,
        holds=_report(body.holds, stamp.said, stamp) if body.holds is not None and stamp.said is not None else None,
    )


def _report(holds: Mapping[str, Any], said: Reported, stamp: Stamp) -> Command:
    """The command that a report would have come by, had it read like this."""
    action, stands = (_ELSEWHERE | ACTIONS)[CORRECTED_BY[said.kind]], _as_sent(said)
    # A result may turn up after its point was waived, or one that was recorded turn out to be none.
    for kind, sign, other in (
        ("OutcomeWaived", "code", "record-outcome"),
        ("OutcomeRecorded", "reason", "waive-outcome"),
    ):
        if said.kind == kind and sign in holds:
            action, stands = ACTIONS[other], {"point": said.facts["point"]}
    try:
        return action.command(action.body.model_validate({**stands, **holds}), stamp)
    except ValidationError as error:
        faults = [{**one, "loc": ("body", "holds", *one["loc"])} for one in error.errors()]
        raise from_validation(RequestValidationError(faults)) from None
    except Refused as refused:
        raise Refused.input(*(fault.under("/holds") for fault in refused.faults)) from None


def _as_sent(said: Reported) -> dict[str, Any]:
    """The body of a report that reads as it does."""
    # What an old event does not know has to be sent.
    facts = {_SENT_AS.get(name, camel(name)): value for name, value in said.facts.items() if value is not None}
    if said.happened_at is not None:
        facts["occurredAt"] = said.happened_at.isoformat()
    return facts


_ELSEWHERE: Final[dict[str, Action]] = {
    "waitlist": Action(WaitlistBody, "Put the person on the waiting list.", _same(waiting.SayOfWait)),
}
"""Reports that another service takes, and this one corrects."""
_SENT_AS: Final[Mapping[str, str]] = {"side": "by"}


ACTIONS: Final[dict[str, Action]] = {
    "log-contact-attempt": Action(
        bodies.ContactAttemptBody, "Log an attempt to reach the person.", _same(intake.LogContactAttempt)
    ),
    "report-no-show": Action(bodies.ReportBody, "The person did not come.", _same(intake.ReportNoShow)),
    "conclude-intake": Action(bodies.ConcludeIntakeBody, "Conclude the intake.", _conclude_intake),
    "propose-match": Action(bodies.ProposeMatchBody, "Propose a mentor.", _propose_match),
    "confirm-match": Action(bodies.ConfirmMatchBody, "One side's yes.", _confirm_match),
    "reject-match": Action(bodies.RejectMatchBody, "One side's no.", _reject_match),
    "sign-agreement": Action(bodies.SignAgreementBody, "Sign the mentoring agreement.", _sign_agreement),
    "record-meeting": Action(bodies.MeetingBody, "Mentor and mentee met.", _same(mentoring.RecordMeeting)),
    "record-check-in": Action(bodies.CheckInBody, "The coordinator checked in.", _same(mentoring.RecordCheckIn)),
    "record-pulse": Action(bodies.PulseBody, "How a side feels.", _record_pulse),
    "report-progress": Action(bodies.ProgressBody, "Tell the counsellor.", _same(mentoring.ReportProgress)),
    "extend-agreement": Action(bodies.ExtendBody, "Propose a later end.", _same(trajectory.ExtendAgreement)),
    "decide-extension": Action(
        bodies.DecideExtensionBody, "The agency's word on a later end, and why.", _decide_extension
    ),
    "suspend": Action(bodies.SuspendBody, "Pause the trajectory.", _same(trajectory.Suspend)),
    "resume": Action(bodies.ReportBody, "Take the trajectory up again.", _same(trajectory.Resume)),
    "review-suspension": Action(bodies.ReportBody, "The pause was reviewed.", _same(reviews.ReviewSuspension)),
    "resolve-escalation": Action(
        bodies.ResolveEscalationBody, "See to a term that the other side missed.", _same(escalation.ResolveEscalation)
    ),
    "end-match": Action(bodies.EndMatchBody, "End the match.", _end_match),
    "complete-trajectory": Action(bodies.CompleteBody, "End the trajectory.", _same(trajectory.CompleteTrajectory)),
    "request-handback": Action(
        bodies.RequestHandbackBody, "Hand the case back, with a report.", _same(handback.RequestHandback)
    ),
    "accept-handback": Action(
        bodies.AcceptHandbackBody, "Take the case back: responsibility moves.", _same(handback.AcceptHandback)
    ),
    "return-handback": Action(bodies.ReturnHandbackBody, "Say what the report lacks.", _same(handback.ReturnHandback)),
    "close": Action(bodies.CloseBody, "Close the case.", _same(follow_up.Close)),
    "reopen": Action(bodies.NothingBody, "Open a closed case again.", _same(follow_up.Reopen)),
    "record-outcome": Action(bodies.OutcomeBody, "What became of the person.", _same(follow_up.RecordOutcome)),
    "waive-outcome": Action(bodies.WaiveOutcomeBody, "Leave a follow-up out.", _same(follow_up.WaiveOutcome)),
    "reassign-counsellor": Action(
        bodies.ReassignCounsellorBody, "Ask for, or take over, the lead.", _same(people.ReassignCounsellor)
    ),
    "reassign-coordinator": Action(
        bodies.ReassignCoordinatorBody, "Ask for, or take over, the coordination.", _same(people.ReassignCoordinator)
    ),
    "correct": Action(bodies.CorrectBody, "Say that an event is wrong; it stays, and so does this.", _correct),
}
"""The commands on a case, by their route's last segment."""
