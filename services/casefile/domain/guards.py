"""What may be done to a case, by whose side, in which states; the same guards decide and fill the lists of actions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from contracts.casefile_codes import Side
from contracts.change_codes import ProposalState
from contracts.codes import CaseState, Role, Step
from contracts.gap_codes import GapState
from contracts.identifiers import is_one_person
from contracts.staff import LEADS, MENTORS, StaffSide
from contracts.task_codes import ExceptionState
from services.casefile.domain.context import Context, Rule
from services.casefile.domain.disclosure import stopped
from services.casefile.domain.open_escalations import awaits_contact, may_resolve, to_resolve
from services.casefile.domain.outcome_points import check_any_due, next_begins
from services.casefile.domain.state import WITH_ORGANISATION, Agreement, Case
from services.casefile.domain.steps import BESIDE, Party, find
from services.chassis.modelling.callers_clock import by_our_clock, in_the_future
from services.chassis.modelling.days import in_utc
from services.chassis.modelling.decider import Actor, Because, Fault, Refused

BOUND: Final = frozenset({CaseState.MENTORING, CaseState.SUSPENDED})
"""Where mentor and mentee are a pair: before that they say yes or no, and after that they have no match."""
ANSWERS: Final = frozenset({"confirm-match", "reject-match"})
"""How they say it: all that a mentor or a mentee does without an agreement."""
ON_DAYS: Final = frozenset({"record-outcome"})
"""Actions that are possible from a day on, which begins when it does in the programme's time zone."""
OF_BOTH: Final = frozenset({"record-task", "claim-task", "release-task", "raise-escalation", "resolve-escalation"})
"""Actions of either side, of which only the organisation that the case is with has a part in them."""


def blocked(action: str, context: Context, by: Actor) -> Refused | None:
    """The refusal that the state or the caller's part in the case holds against an action; None: it is allowed."""
    try:
        allow(action, context, by)
        if action == "record-outcome":
            # The command itself checks the point that it names.
            check_any_due(context)
    except Refused as refused:
        return refused
    return None


def steady_until(action: str, context: Context) -> datetime | None:
    """The last instant at which the guards answer as they do now about an action, if nothing else happens to the case.

    None: there is no such instant to come. Another case of the person (`reopen`) is something that happens to it.
    """
    case, end = context.case, None
    paused = case.trajectory.suspension if case.trajectory is not None else None
    match action:
        case "resume" | "review-suspension" if paused is not None:
            end = paused.until
        case "reopen":
            end = case.reopen_until
        case "record-outcome" if (begins := next_begins(context)) is not None:
            end = begins - timedelta(microseconds=1)
        case _:
            pass
    return end if end is not None and context.at <= end else None


def allow(action: str, context: Context, by: Actor) -> None:
    """Refuses what the caller's side or the state of the case does not allow."""
    rule, case = context.actions[action], context.case
    check_part(rule.side, case, by, action)
    if action in OF_BOTH and by.org != case.agency:
        check_part(StaffSide.ORGANISATION, case, by, action)
    if rule.leads and by.role not in LEADS:
        raise Refused(
            "ROLE_NOT_ALLOWED",
            f"{action} is for the lead of the organisation",
            because=Because.RIGHTS,
            who_can_unblock=_LEAD[rule.side],
        )
    if speaks_for_itself(by) and action not in ANSWERS:
        rule = Rule(rule.side, rule.states & BOUND)
    if action == "resolve-escalation" and by.org != case.agency:
        # What went back with the case is the agency's to see to, and to know.
        rule = Rule(rule.side, rule.states & WITH_ORGANISATION)
    if case.state not in rule.states and not _is_left_over(action, case):
        raise _wrong_state(action, rule, case)
    _check_within_state(action, context, by)
    if action == "reopen" and context.other_open_case is not None:
        raise Refused(
            "CONCURRENT_PROGRAMME",
            f"case {context.other_open_case} of the same person is open, and a person is in one MENTORING_TO_WORK "
            "programme at a time: reopen is possible when that case is closed",
            who_can_unblock="the agency, by closing the other case",
        )


def _is_left_over(action: str, case: Case) -> bool:
    """What stays to be done where the table has no line for it, because what it belongs to is over."""
    match action:
        case "report-progress":
            # Due over a rematch.
            return case.state in WITH_ORGANISATION and find(case.steps, Step.PROGRESS_REPORT) is not None
        case "acknowledge-charter":
            # The coordinator goes on with another pair.
            return case.state in WITH_ORGANISATION and _charter_asks(case) != []
        case "log-contact-attempt":
            # Somebody has to speak with a pair that is in distress.
            return case.state in WITH_ORGANISATION and awaits_contact(case)
        case "accept-handback":
            # An organisation whose access has ended does not report any more; only the agency can bring the case back.
            return case.state == CaseState.HANDBACK_DUE and not case.organisation_reads
        case _:
            return False


def check_side(action: str, context: Context, by: Actor) -> None:
    """Refuses a caller whose side may not do this in any state: checked before a repeat is answered as such."""
    check_part(context.actions[action].side, context.case, by, action)


def check_pair(side: str, by: Actor) -> None:
    """Each side of a match speaks for itself, or through the coordinator."""
    if (by.role in MENTORS and side != Side.MENTOR) or (by.role == Role.MENTEE and side != Side.MENTEE):
        raise Refused("NOT_YOUR_SIDE", "each side of a match speaks for itself", because=Because.RIGHTS)


def speaks_for_itself(by: Actor) -> bool:
    """Whether the actor is one of the pair; any other actor answers on behalf of a side."""
    return by.role in MENTORS or by.role == Role.MENTEE


def check_part(side: StaffSide | None, case: Case, by: Actor, action: str) -> None:
    """Refuses the action of a caller who has no part in the case on that side; None: on either."""
    if side is StaffSide.AGENCY:
        allowed = by.org == case.agency
    elif side is StaffSide.ORGANISATION:
        allowed = _acts_for_organisation(case, by)
    else:
        allowed = by.org == case.agency or any(
            access.organisation == by.org and not access.closed for access in case.accesses
        )
    if not allowed:
        raise _no_part(side, case, by, action)


def _acts_for_organisation(case: Case, by: Actor) -> bool:
    if by.role == Role.MENTEE:
        return is_one_person(by.sub, case.client_ref)
    if by.role in MENTORS and (case.match is None or case.match.mentor != by.sub):
        return False
    return by.org == case.organisation


def _no_part(side: StaffSide | None, case: Case, by: Actor, action: str) -> Refused:
    if (refusal := stopped(case, by.org, action)) is not None:
        return refusal
    ended = [access.ended for access in case.accesses if access.organisation == by.org]
    if side is StaffSide.ORGANISATION and ended and ended[-1] is not None:
        return Refused(
            "REFERRAL_ENDED",
            "the referral to this organisation has ended, and its part in the case with it",
            because=Because.RIGHTS,
            who_can_unblock="the agency, by a new referral",
        )
    return Refused("NOT_YOUR_STEP", f"only {_WHO[side]} may do this", because=Because.RIGHTS)


_WHO: Final[Mapping[StaffSide | None, str]] = {
    StaffSide.AGENCY: "the agency of the case",
    StaffSide.ORGANISATION: "the organisation that the case is with",
    None: "the parties of the case",
}


_LEAD: Final[Mapping[StaffSide | None, str]] = {
    StaffSide.AGENCY: Role.AGENCY_TEAM_LEAD.value,
    StaffSide.ORGANISATION: Role.NGO_LEAD.value,
    None: f"{Role.AGENCY_TEAM_LEAD.value}, {Role.NGO_LEAD.value}",
}


def _wrong_state(action: str, rule: Rule, case: Case) -> Refused:
    now = case.state.value if case.state is not None else "not opened"
    if action == "close" and case.state == CaseState.REFERRED and case.referral is not None:
        return Refused(
            "REFERRAL_LIVE",
            f"referral {case.referral.referral} to {case.referral.organisation} is open; withdraw it, then close",
            who_can_unblock="the agency, by withdrawing the referral",
        )
    if action == "close" and case.broadcast is not None:
        return Refused(
            "REFERRAL_LIVE",
            f"the offers of broadcast {case.broadcast.broadcast} are open; withdraw it, then close",
            who_can_unblock="the agency, by withdrawing the broadcast",
        )
    code = {CaseState.FINALISED: "CASE_FINALISED", CaseState.CLOSED: "CASE_CLOSED"}.get(
        case.state or CaseState.OPENED, "STATE_DOES_NOT_ALLOW"
    )
    return Refused(
        code,
        f"{action} is possible in {_in_words(rule.states)}; the case is {now}",
        who_can_unblock=_who_moves(case),
    )


@lru_cache
def _in_words(states: frozenset[CaseState]) -> str:
    return ", ".join(state.value for state in CaseState if state in states)


def _who_moves(case: Case) -> str | None:
    if not case.steps:
        return None
    step = next(step for step in case.steps if step.step == case.current_step)
    awaited = step.awaiting
    return f"{awaited.org}, by {awaited.action}" if awaited is not None else f"{step.owner.role} of {step.owner.org}"


def _check_within_state(action: str, context: Context, by: Actor) -> None:
    case, at = context.case, context.at
    escalated = to_resolve(case) if action == "resolve-escalation" else ()
    trajectory = case.trajectory
    handback = trajectory.handback if trajectory is not None else None
    agreement = case.match.agreement if case.match is not None else None
    paused = trajectory.suspension if trajectory is not None else None
    match action:
        case "close" if (left := case.stranded) is not None:
            what = f"referral {left.offer} to {left.organisation}" if left.organisation else f"broadcast {left.offer}"
            raise Refused(
                "REFERRAL_LIVE",
                f"{what} was made while the case was final, and is live; close once it has ended",
                who_can_unblock="the agency, by withdraw, or by mark-error and confirm-error once it is accepted",
            )
        case "resume" | "review-suspension" if paused is not None and at > paused.until:
            raise Refused(
                "SUSPENSION_TOO_LONG",
                f"{action} was possible until {in_utc(paused.until)}; only request-handback is possible now",
                who_can_unblock="the organisation, by request-handback",
            )
        case "acknowledge-charter" if not _may_acknowledge(case, by):
            raise Refused("NOTHING_TO_ACKNOWLEDGE", "you are asked to acknowledge no charter in this case")
        case "resolve-escalation" if not escalated:
            raise Refused("NOTHING_ESCALATED", "resolve-escalation is possible while somebody has to see to something")
        case "resolve-escalation" if not any(may_resolve(case, held, by) for held in escalated):
            owner = next(step.owner for step in case.steps if step.step == Step.ESCALATION)
            raise Refused(
                "ESCALATION_OF_THE_OTHER_SIDE",
                "resolve-escalation is for the other side; do what is waited for",
                who_can_unblock=f"{owner.role} of {owner.org}",
            )
        case "decide-exception" if not any(held.organisation == case.organisation for held in case.exceptions):
            raise Refused("NO_EXCEPTION", "the organisation has asked for no exception in this case")
        case "decide-exception" if not any(
            (held.organisation, held.state) == (case.organisation, ExceptionState.REQUESTED) for held in case.exceptions
        ):
            raise Refused("EXCEPTION_DECIDED", "every exception that was asked for in this case is decided")
        case "answer-gap" if not case.gaps:
            raise Refused("NO_GAP", "no gap in services has been reported in this case")
        case "answer-gap" if all(gap.state != GapState.OPEN for gap in case.gaps):
            raise Refused("GAP_ANSWERED", "every gap in this case was answered before, and an answer stands")
        case "complete-gap-action" if all(gap.action_due is None for gap in case.gaps):
            raise Refused("NOTHING_PROMISED", "no answer to a gap says what is still to be done, and by when")
        case "decide-change" | "withdraw-change" if not case.proposals:
            raise Refused("NOTHING_PROPOSED", "no change is proposed in this case")
        case "decide-change" | "withdraw-change" if all(held.state != ProposalState.OPEN for held in case.proposals):
            raise Refused("PROPOSAL_DECIDED", "every proposal in this case is decided, taken back or expired")
        case "reopen" if case.reopen_until is not None and at > case.reopen_until:
            raise Refused(
                "REOPEN_TERM_PASSED",
                f"reopen was possible until {in_utc(case.reopen_until)}; a new referral opens a new case",
                who_can_unblock="the agency, by a new referral",
            )
        case "sign-agreement" if case.match is not None and len(case.match.confirmed) < len(Side):
            missing = ", ".join(side.value for side in Side if side not in case.match.confirmed)
            raise Refused("NOT_CONFIRMED", f"confirm-match is still missing from: {missing}")
        case "extend-agreement" if agreement is not None:
            check_extended_once(agreement)
        case "decide-extension" if agreement is None or agreement.proposed_end is None:
            raise Refused("NOTHING_PROPOSED", "no extension is proposed; extend-agreement comes first")
        case "request-handback" if handback is not None and not handback.waiting_for_report:
            raise Refused(
                "HANDBACK_AWAITS_AGENCY",
                "request-handback was given: the report is with the agency, which accepts or returns it",
                who_can_unblock="the agency, by accept-handback or return-handback",
            )
        case "return-handback" if handback is not None and handback.returned is not None:
            raise Refused("RETURNED_BEFORE", "return-handback is possible once, and this handback was returned before")
        case _:
            pass


def _may_acknowledge(case: Case, by: Actor) -> bool:
    """Whether a charter waits for the actor's acknowledgement: mentors are asked for themselves, staff for both."""
    return any(owner.sub == by.sub or by.role not in MENTORS for owner in _charter_asks(case))


def _charter_asks(case: Case) -> list[Party]:
    return [step.owner for step in case.steps if step.step == Step.CHARTER_ACKNOWLEDGEMENT]


def check_extended_once(agreement: Agreement) -> None:
    """Refuses another extension of an agreement that was extended."""
    if agreement.extended:
        raise Refused("EXTENDED_BEFORE", "an agreement is extended once, and this one was extended before")


def happened(occurred_at: datetime | None, at: datetime, *, not_before: datetime | None) -> datetime:
    """When a reported thing happened: not in the future, and not before it could. Without a time, now."""
    if faults := _wrong_time(occurred_at, at, not_before=not_before):
        raise Refused.input(*faults)
    return at if occurred_at is None else by_our_clock(occurred_at, at)


def ended(occurred_at: datetime | None, context: Context) -> datetime:
    """When what ends the steps that are open happened: not before they began, or came to those who have them now.

    So a term is met by the day on which something happened, and no person answers for a time before they took over.
    An escalation is no beginning: what met the term before it may be reported after it. Nor is a gap's answer.
    """
    since = [step.since for step in context.case.steps if step.step not in BESIDE]
    return happened(occurred_at, context.at, not_before=max(since, default=None))


def _wrong_time(occurred_at: datetime | None, at: datetime, *, not_before: datetime | None) -> tuple[Fault, ...]:
    if occurred_at is None:
        return ()
    if ahead := in_the_future("/occurredAt", occurred_at, at, "a report is about what has happened"):
        return ahead
    if not_before is not None and by_our_clock(occurred_at, at) < not_before:
        return (Fault("/occurredAt", "TOO_EARLY", f"a time from {in_utc(not_before)} on is accepted"),)
    return ()
