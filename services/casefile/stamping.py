"""How a request body becomes a command: with the time, the caller, ids and vault references stamped on it."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.casefile_codes import AcknowledgingSide, Side
from contracts.codes import Role
from contracts.staff import MENTORS
from services.casefile.domain import (
    agreement,
    charter_change,
    correction,
    exceptions,
    extension,
    gaps,
    intake,
    matching,
    mentoring,
    proposals,
    tasks,
    trajectory_end,
)
from services.casefile.routes import change_shapes, gap_shapes, requests, task_shapes
from services.chassis.http.request.stamp import RequestStamp, plain
from services.chassis.modelling.decider import Actor, Command, Fault, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp(RequestStamp):
    """The case, at the version that the command is decided on, from which the id of a match is made.

    `holds` is the command that the event which a correction names would have come by, had it read as it should.
    """

    case_id: str
    version: int
    holds: Command | None = None


def conclude_intake(body: requests.ConcludeIntakeBody, stamp: Stamp) -> intake.ConcludeIntake:
    """The expectations go to the vault."""
    ref = stamp.deposit.put("expectations", {"texts": body.expectations}) if body.expectations else None
    return intake.ConcludeIntake(
        at=stamp.at,
        by=stamp.by,
        suitable=body.suitable,
        goals=plain(body.goals),
        expectations_ref=ref,
        cefr=plain(body.cefr),
        reason=plain(body.reason),
        open_needs=plain(body.open_needs),
        recommended_next_step=plain(body.recommended_next_step),
        occurred_at=body.occurred_at,
    )


def propose_match(body: requests.ProposeMatchBody, stamp: Stamp) -> matching.ProposeMatch:
    """The match is named after the version of the case that it is proposed on."""
    return matching.ProposeMatch(
        at=stamp.at,
        by=stamp.by,
        match=f"{stamp.case_id}.{stamp.version}",
        mentor=body.mentor_ref,
        kind=plain(body.kind),
        criteria=plain(body.criteria),
        sector_absence_ref=stamp.ref_or_none("sector-absence", body.sector_absence),
        conflict_of_interest=body.conflict_of_interest,
    )


def confirm_match(body: requests.ConfirmMatchBody, stamp: Stamp) -> matching.ConfirmMatch:
    """A mentor or mentee need not name their side."""
    return matching.ConfirmMatch(
        at=stamp.at,
        by=stamp.by,
        side=_side(body.by, stamp.by),
        on_behalf_reason=plain(body.on_behalf_reason),
        occurred_at=body.occurred_at,
    )


def reject_match(body: requests.RejectMatchBody, stamp: Stamp) -> matching.RejectMatch:
    """A mentor or mentee need not name their side."""
    return matching.RejectMatch(
        at=stamp.at,
        by=stamp.by,
        side=_side(body.by, stamp.by),
        reason=body.reason.value,
        on_behalf_reason=plain(body.on_behalf_reason),
        occurred_at=body.occurred_at,
    )


def sign_agreement(body: requests.SignAgreementBody, stamp: Stamp) -> agreement.SignAgreement:
    """The expectations of both sides go to the vault."""
    return agreement.SignAgreement(
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


def record_pulse(body: requests.PulseBody, stamp: Stamp) -> mentoring.RecordPulse:
    """A mentor or mentee need not name their side."""
    return mentoring.RecordPulse(
        at=stamp.at,
        by=stamp.by,
        side=_side(body.by, stamp.by),
        score=body.score,
        reasons=plain(body.reasons),
        occurred_at=body.occurred_at,
    )


def end_match(body: requests.EndMatchBody, stamp: Stamp) -> trajectory_end.EndMatch:
    """`by` is the side that wants the end, and not who sends the command."""
    return trajectory_end.EndMatch(
        at=stamp.at,
        by=stamp.by,
        reason=body.reason.value,
        next=body.next.value,
        closure_talk=body.closure_talk,
        side=plain(body.by),
        notice_on=body.notice_on,
        occurred_at=body.occurred_at,
    )


def decide_extension(body: requests.DecideExtensionBody, stamp: Stamp) -> extension.DecideExtension:
    """The reason goes to the vault."""
    reason_ref = stamp.ref_or_none("extension-decision", body.reason)
    return extension.DecideExtension(at=stamp.at, by=stamp.by, approved=body.approved, reason_ref=reason_ref)


def decide_change(body: change_shapes.DecideChangeBody, stamp: Stamp) -> proposals.DecideChange:
    """The reason goes to the vault."""
    reason_ref = stamp.ref_or_none("change-decision", body.reason)
    return proposals.DecideChange(
        at=stamp.at, by=stamp.by, proposal=body.proposal, approved=body.approved, reason_ref=reason_ref
    )


def report_gap(body: gap_shapes.ReportGapBody, stamp: Stamp) -> gaps.ReportGap:
    """Who provides the service goes to the vault."""
    return gaps.ReportGap(
        at=stamp.at,
        by=stamp.by,
        service_kind=body.service_kind.value,
        gap_type=body.gap_type.value,
        provider_ref=stamp.ref_or_none("gap-provider", body.provider),
        task=body.task,
        occurred_at=body.occurred_at,
    )


def answer_gap(body: gap_shapes.AnswerGapBody, stamp: Stamp) -> gaps.AnswerGap:
    """What is done, and why, go to the vault."""
    named = (*((body.gap,) if body.gap is not None else ()), *body.gaps)
    if not named:
        raise Refused.input(Fault("/gap", "REQUIRED", "name the gap, or several gaps in /gaps"))
    return gaps.AnswerGap(
        at=stamp.at,
        by=stamp.by,
        gaps=named,
        accepted=body.accepted,
        action_ref=stamp.ref_or_none("gap-action", body.action),
        due=body.due,
        reason_ref=stamp.ref_or_none("gap-reason", body.reason),
    )


def record_task(body: task_shapes.RecordTaskBody, stamp: Stamp) -> tasks.RecordTask:
    """The role stands in an object of its own, as other facts of who did it may."""
    return tasks.RecordTask(
        at=stamp.at,
        by=stamp.by,
        task=body.task,
        role=body.by.role.value if body.by is not None else None,
        minutes=body.minutes,
        occurred_at=body.occurred_at,
    )


def claim_task(body: task_shapes.ClaimTaskBody, stamp: Stamp) -> tasks.ClaimTask:
    """The role as in a record."""
    role = body.by.role.value if body.by is not None else None
    return tasks.ClaimTask(at=stamp.at, by=stamp.by, task=body.task, role=role)


def acknowledge_charter(body: task_shapes.AcknowledgeCharterBody, stamp: Stamp) -> charter_change.AcknowledgeCharter:
    """Who names nobody acknowledges it for themselves."""
    own = AcknowledgingSide.MENTOR if stamp.by.role in MENTORS else AcknowledgingSide.COORDINATOR
    return charter_change.AcknowledgeCharter(
        at=stamp.at,
        by=stamp.by,
        side=(body.by or own).value,
        charter_version=body.charter_version,
        on_behalf_reason=plain(body.on_behalf_reason),
        occurred_at=body.occurred_at,
    )


def request_exception(body: task_shapes.RequestExceptionBody, stamp: Stamp) -> exceptions.RequestException:
    """Why goes to the vault."""
    return exceptions.RequestException(
        at=stamp.at,
        by=stamp.by,
        task=body.task,
        rule=plain(body.rule),
        justification_ref=stamp.ref("exception", body.justification),
    )


def decide_exception(body: task_shapes.DecideExceptionBody, stamp: Stamp) -> exceptions.DecideException:
    """The reason goes to the vault."""
    return exceptions.DecideException(
        at=stamp.at,
        by=stamp.by,
        exception=body.exception,
        granted=body.granted,
        reason_ref=stamp.ref("exception-decision", body.reason),
    )


def correct(body: requests.CorrectBody, stamp: Stamp) -> correction.Correct:
    """The reason goes to the vault; what holds instead was made a command before."""
    return correction.Correct(
        at=stamp.at,
        by=stamp.by,
        event=body.event,
        reason_ref=stamp.ref("correction", body.reason),
        with_holds=body.holds is not None,
        holds=stamp.holds,
    )


def _side(given: Side | None, by: Actor) -> str:
    if given is not None:
        return given.value
    if by.role in MENTORS:
        return Side.MENTOR.value
    if by.role == Role.MENTEE:
        return Side.MENTEE.value
    raise Refused.input(Fault("/by", "REQUIRED", "name the side you speak for: MENTOR or MENTEE"))
