"""What always holds of a case: the invariants I1 to I9 of docs/domain.md, as far as they are a case's, and some more.

Each is checked after every step against what the machine itself has seen happen, and not against the case's state.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from contracts.codes import CaseState
from contracts.message import encode
from services.casefile.domain.agreement import AgreementSigned
from services.casefile.domain.broadcast import TakeBroadcast
from services.casefile.domain.case import CASE
from services.casefile.domain.charter_change import NoticeCharter
from services.casefile.domain.closing import CaseReopened
from services.casefile.domain.consent_withdrawal import CaseReturned, RecordedAfterWithdrawal, TakeWithdrawal
from services.casefile.domain.correction import Correct, CorrectionRecorded
from services.casefile.domain.deadlines import CaseFinalised, PassDeadline, RemindDeadline
from services.casefile.domain.exceptions import RoleExceptionGranted
from services.casefile.domain.extension import AgreementExtended
from services.casefile.domain.gaps import CompleteGapAction
from services.casefile.domain.handback import HandbackAccepted
from services.casefile.domain.ladder import EscalateDeadline
from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.matching import ConfirmMatch, RejectMatch
from services.casefile.domain.mentoring import MeetingRecorded, PulseRecorded
from services.casefile.domain.opening import CaseReferred, TakeSubmission
from services.casefile.domain.organisation_part import ResponsibilityTransferred
from services.casefile.domain.referral_answers import ReferralReturned
from services.casefile.domain.state import Case
from services.casefile.domain.tasks import ApprovalGiven, TaskRecorded
from services.casefile.history import responsibility
from services.casefile.publishing import publish
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Command
from tests.casefile.absence_steps import AbsenceSteps
from tests.casefile.changing_casebook import ROLES
from tests.casefile.machine_commands import SECRET
from tests.support.niss import valid_national_numbers

AGENCY_OWNS: Final = {CaseState.OPENED, CaseState.REFERRED, CaseState.CLOSED}
WITH_ORGANISATION: Final = {
    CaseState.INTAKE,
    CaseState.MATCHING,
    CaseState.MATCH_PROPOSED,
    CaseState.MENTORING,
    CaseState.SUSPENDED,
    CaseState.HANDBACK_DUE,
    CaseState.HANDBACK_REQUESTED,
}
BESIDE: Final = {"ESCALATION", "SERVICE_GAP_ANSWER", "CHARTER_ACKNOWLEDGEMENT"}
WITH_A_CHARTER: Final = {CaseState.MATCHING, CaseState.MATCH_PROPOSED, CaseState.MENTORING, CaseState.SUSPENDED}
STEPS: Final = {
    CaseState.OPENED: {"NEXT_SERVICE"},
    CaseState.REFERRED: {"REFERRAL_ANSWER"},
    CaseState.INTAKE: {"FIRST_CONTACT", "INTAKE"},
    CaseState.MATCHING: {"MATCHING", "PROGRESS_REPORT"},
    CaseState.MATCH_PROPOSED: {"MATCH_CONFIRMATION", "AGREEMENT", "PROGRESS_REPORT"},
    CaseState.MENTORING: {"MENTORING", "CHECK_IN", "PROGRESS_REPORT"},
    CaseState.SUSPENDED: {"SUSPENSION_REVIEW", "PROGRESS_REPORT"},
    CaseState.HANDBACK_DUE: {"HANDBACK_REPORT"},
    CaseState.HANDBACK_REQUESTED: {"HANDBACK_ACKNOWLEDGEMENT", "HANDBACK_REPORT"},
    CaseState.CLOSED: {"OUTCOME_FOLLOW_UP"},
    CaseState.FINALISED: set(),
}
MENTOR_ROLES: Final = {"VOLUNTEER_MENTOR", "PROFESSIONAL_MENTOR"}
VERDICTS: Final = {
    ("v1", "CV_FEEDBACK"): "L L S L",
    ("v1", "ACCOMPANY_TO_AUTHORITY"): "S L S X",
    ("v1", "DIPLOMA_RECOGNITION_FILE"): "X L S L",
    ("v1", "MONEY"): "X X X X",
    ("v2", "CV_FEEDBACK"): "X L S L",
    ("v2", "ACCOMPANY_TO_AUTHORITY"): "S L S X",
    ("v2", "DIPLOMA_RECOGNITION_FILE"): "X L S L",
    ("v2", "MONEY"): "X X L X",
}
"""The charter of docs/domain.md and the other one, as far as the stories have tasks, in the order of the columns."""


def is_told(made: Command) -> bool:
    """Whether a command comes by a message of the referral service, which has its own log and rules."""
    return type(made).__name__.startswith("Take")


class CaseInvariants(AbsenceSteps):
    """The stories, watched. What is new since the last step is looked at once."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_at = 0
        self.with_organisation: set[str] = set()
        self.agreement: tuple[date, date] | None = None
        self.approved: set[tuple[str, str, str]] = set()
        self.excepted: dict[str, str] = {}
        self.parts: set[str] = set()
        """The referrals by which the organisation has, or had, a part."""
        self.stopped_at: dict[str, datetime] = {}
        """When casefile heard that the person had withdrawn the basis of one of them."""
        self.in_good_faith: dict[str, set[str]] = {}
        """What the organisation recorded since then, before casefile heard of it."""

    def new(self) -> Iterator[Recorded]:
        """What was recorded since this was asked the last time."""
        records, self.looked_at = self.book.history[self.looked_at :], len(self.book.history)
        yield from records

    def after(self, made: Command, before: Case, events: list[Any]) -> None:
        """All that holds at every moment. An `@invariant()` each would be a line each behind every step of a story."""
        if before.state == CaseState.FINALISED:
            self.i5_a_final_case_takes_nothing_but_correction(made, events)
        new = [*self.new()]
        if not is_told(made):
            self.what_a_substitute_does_stands_as_on_behalf(made, before, new)
        for recorded in new:
            self.only_a_substitute_acts_on_behalf_of_one_who_is_away(recorded)
            if not is_told(made):
                self.i2_nothing_is_recorded_by_an_organisation_without_a_basis(recorded)
            self.i3_no_mentor_acts_outside_an_agreement(made, recorded)
            self.i4_no_task_is_recorded_against_the_charter(recorded)
            self.i9_no_payload_has_a_text_or_a_national_number(recorded)
            self.remember(recorded)
        self.i1_one_lead_and_one_owner_per_open_step()
        self.i8_an_accepted_referral_ends_with_a_handback_or_a_stop()
        self.a_gap_is_open_until_it_is_answered()
        self.a_kind_of_task_has_one_lead()
        self.one_proposal_of_a_kind_is_open_and_with_the_organisation_that_made_it()
        self.a_place_is_taken_while_there_is_a_match()
        self.a_charter_waits_for_its_mentor_while_there_is_a_match_and_for_its_coordinator_until_the_next()
        if isinstance(made, TakeWithdrawal):
            self.i2_what_was_recorded_in_good_faith_is_marked(made.message.referral)
        state = self.book.case.state
        self.seen.states[str(state)] += state != before.state

    def remember(self, recorded: Recorded) -> None:
        """What the machine itself knows of the case from now on."""
        event = recorded.event
        match event:
            case CaseReferred():
                self.parts.add(event.referral)
            case ResponsibilityTransferred(step="INTAKE"):
                self.with_organisation.add(event.referral)
            case HandbackAccepted() | CaseReturned() | ReferralReturned():
                self.with_organisation.discard(event.referral)
                self.agreement = None
            case AgreementSigned():
                self.agreement = (event.start, event.end)
            case AgreementExtended() if self.agreement is not None:
                self.agreement = (self.agreement[0], event.end)
            case MatchEnded():
                self.agreement = None
            case ApprovalGiven():
                self.approved |= {(event.match, event.task, role) for role in event.roles}
            case RoleExceptionGranted() if event.task is not None:
                self.excepted[event.exception] = event.task
            case _:
                pass

    # --- the invariants of docs/domain.md -----------------------------------------------------------------------------

    def i1_one_lead_and_one_owner_per_open_step(self) -> None:
        """Always somebody, never two, and on the side that the state says."""
        case = self.book.case
        if case.state is None:
            return
        assert case.lead is not None
        assert case.lead.org == "vdab-gent"
        open_now = [step.key for step in case.steps]
        assert len(open_now) == len(set(open_now))
        assert {step.step for step in case.steps} - BESIDE <= STEPS[case.state]
        assert (not open_now) == (case.state == CaseState.FINALISED)
        trajectory = case.trajectory
        coordinator = trajectory.coordinator if trajectory is not None else None
        responsible = case.lead if case.state in AGENCY_OWNS else coordinator
        assert {step.owner for step in case.steps if step.step not in BESIDE} <= {responsible}
        assert {step.owner for step in case.steps if step.step == "SERVICE_GAP_ANSWER"} <= {case.lead}
        assert {step.owner for step in case.steps if step.step == "ESCALATION"} <= {case.lead, coordinator}

    def i1_somebody_was_responsible_at(self, as_of: datetime, known_at: datetime) -> None:
        """One lead, one owner per step, and never a moment with nobody, whenever one asks."""
        then = responsibility(self.book.history, as_of=as_of, known_at=known_at)
        assert then.case_lead is not None
        open_then = [(step.step, step.about) for step in then.steps]
        assert len(open_then) == len(set(open_then))
        ends = [
            type(one.event)
            for one in self.book.history
            if isinstance(one.event, CaseFinalised | CaseReopened)
            and one.meta.occurred_at <= as_of
            and one.meta.recorded_at <= known_at
        ]
        assert open_then or ends[-1:] == [CaseFinalised]

    def i2_nothing_is_recorded_by_an_organisation_without_a_basis(self, recorded: Recorded) -> None:
        """Once casefile has heard of a withdrawal nothing is; what came before it heard is remembered, to be marked."""
        withdrawal = self.on_the_way
        if recorded.meta.actor.org != "brugwerk":
            return
        if withdrawal is not None:
            self.in_good_faith.setdefault(self.referral, set()).add(recorded.meta.event_id)
            return
        assert self.parts - self.stopped_at.keys(), "recorded by an organisation that the person has stopped"

    def i2_what_was_recorded_in_good_faith_is_marked(self, referral: str) -> None:
        """All of it and nothing else, and the organisation reads no more by this referral."""
        self.stopped_at[referral] = self.now
        marks = [one.event for one in self.book.history if isinstance(one.event, RecordedAfterWithdrawal)]
        marked = {event for mark in marks if mark.legal_basis == f"LB-{referral}" for event in mark.events}
        assert marked == self.in_good_faith.pop(referral, set())
        assert all(access.closed for access in self.book.case.accesses if access.referral == referral)
        assert self.book.case.referral is None or self.book.case.referral.referral != referral

    def i3_no_mentor_acts_outside_an_agreement(self, made: Command, recorded: Recorded) -> None:
        """But for a yes or a no to a match. What is reported happened while the agreement was in force."""
        event = recorded.event
        by_mentor = made.by.role in MENTOR_ROLES and not isinstance(made, ConfirmMatch | RejectMatch)
        task = isinstance(event, TaskRecorded) and event.role in MENTOR_ROLES
        if not (by_mentor or task or isinstance(event, MeetingRecorded | PulseRecorded)):
            return
        assert self.agreement is not None, f"{type(event).__name__} without an agreement"
        if isinstance(event, MeetingRecorded | TaskRecorded):
            first, last = self.agreement
            assert first <= event.happened_at.astimezone(self.book.zone).date() <= last

    def i4_no_task_is_recorded_against_the_charter(self, recorded: Recorded) -> None:
        """The version of the day on which it was done says who may; an exception is granted, and covers one record."""
        event = recorded.event
        if not isinstance(event, TaskRecorded):
            return
        version = self.book.governing(event.happened_at)
        verdict = dict(zip(ROLES, VERDICTS[version, event.task].split(), strict=True))[event.role]
        assert (event.charter_version, event.verdict) == (version, verdict)
        approved = (event.match, event.task, event.role) in self.approved
        if event.exception is not None:
            assert self.excepted.pop(event.exception, None) == event.task, "not excepted, or excepted once before"
            return
        assert verdict == "L" or (verdict == "S" and approved), f"{event.task} by {event.role}"

    def i5_a_final_case_takes_nothing_but_correction(self, made: Command, events: list[Any]) -> None:
        """And what was promised in answer to a gap. Of what is told, an offer that crossed the closing moves it."""
        by_clock = isinstance(made, PassDeadline | RemindDeadline | EscalateDeadline | NoticeCharter)
        by_a_person = not by_clock and not is_told(made)
        if by_a_person and events:
            assert isinstance(made, Correct | CompleteGapAction), type(made).__name__
        crossed = isinstance(made, TakeSubmission | TakeBroadcast)
        assert self.book.case.state == (CaseState.REFERRED if crossed else CaseState.FINALISED)
        assert not isinstance(made, Correct) or [*map(type, events)] in ([], [CorrectionRecorded])

    def i6_the_replay_of_n_events_is_the_state_after_n(self) -> None:
        """For every N, from the bytes as they are stored."""
        case = Case()
        for recorded, then in zip(self.book.history, self.book.states, strict=True):
            case = CASE.evolve(case, self.book.read(recorded))
            assert case == then

    def i8_an_accepted_referral_ends_with_a_handback_or_a_stop(self) -> None:
        """Or because it was entered in error; as long as none of these came, the organisation has the case."""
        state = self.book.case.state
        assert len(self.with_organisation) == (state in WITH_ORGANISATION), (self.with_organisation, state)

    def i9_no_payload_has_a_text_or_a_national_number(self, recorded: Recorded) -> None:
        """Neither what is stored nor what is published of it; a message does not even say where the text is."""
        published = publish(recorded)
        told = encode(published[1]) if published is not None else b""
        for payload in (recorded.state, told):
            assert SECRET.encode() not in payload
            assert not valid_national_numbers(payload.decode())
        assert not re.search(rb'_ref":\s*"', told)

    # --- and what else holds -----------------------------------------------------------------------------------------

    def a_gap_is_open_until_it_is_answered(self) -> None:
        """Whatever becomes of the case: it has a step and a term of its own, and the case is not finalised before."""
        case = self.book.case
        waiting = {gap.gap for gap in case.gaps if gap.answer is None}
        assert {step.about for step in case.steps if step.step == "SERVICE_GAP_ANSWER"} == waiting
        assert case.state != CaseState.FINALISED or not waiting

    def a_kind_of_task_has_one_lead(self) -> None:
        """Two parties never lead the same one."""
        trajectory = self.book.case.trajectory
        match = trajectory.match.match if trajectory is not None and trajectory.match is not None else None
        leads = [lead.task for lead in trajectory.leads if lead.match in (None, match)] if trajectory else []
        assert len(leads) == len(set(leads))

    def one_proposal_of_a_kind_is_open_and_with_the_organisation_that_made_it(self) -> None:
        """None outlives the part of its organisation; an extension is open as long as its agreement waits for it."""
        case = self.book.case
        waiting = [held for held in case.proposals if held.state == "OPEN"]
        assert len({held.change for held in waiting}) == len(waiting)
        assert {held.organisation for held in waiting} <= {case.organisation}
        agreement = case.match.agreement if case.match is not None else None
        asked = agreement.proposed_end if agreement is not None else None
        assert [held.end for held in waiting if held.change == "EXTEND"] == ([asked] if asked is not None else [])

    def a_place_is_taken_while_there_is_a_match(self) -> None:
        """The mentors' streams and the case agree."""
        taken = sum(bool(mentor.cases) for mentor in self.book.mentors.values())
        assert taken == (self.book.case.match is not None)

    def a_charter_waits_for_its_mentor_while_there_is_a_match_and_for_its_coordinator_until_the_next(self) -> None:
        """Each for themselves; and who has acknowledged it is not asked."""
        case = self.book.case
        asked = {step.about: step.owner.sub for step in case.steps if step.step == "CHARTER_ACKNOWLEDGEMENT"}
        assert not asked or case.state in WITH_A_CHARTER
        assert asked.get("MENTOR") in (None, case.match.mentor if case.match is not None else None)
        assert asked.get("COORDINATOR") in (None, case.trajectory.coordinator.sub if case.trajectory else None)
        used = case.trajectory.charter if case.trajectory is not None else None
        assert used is None or not asked.keys() & set(used.acknowledged)

    def teardown(self) -> None:
        """I6 and I1 of the whole story; and the one who has the case now can still bring it to its end (I8)."""
        super().teardown()
        if sys.exc_info()[0] is not None:
            # A step has failed, and what follows would only hide that.
            return
        self.i6_the_replay_of_n_events_is_the_state_after_n()
        instants = sorted({recorded.meta.occurred_at for recorded in self.book.history})[:40]
        for known_at in (instants[-1], instants[len(instants) // 2]) if instants else ():
            for as_of in instants:
                self.i1_somebody_was_responsible_at(as_of, known_at)
        self.i8_the_case_can_still_be_handed_back()

    def i8_the_case_can_still_be_handed_back(self) -> None:
        """There is no state in which an organisation has the case, and nobody can give it back."""
        if self.on_the_way is not None or not self.with_organisation:
            return
        if self.book.case.state != CaseState.HANDBACK_REQUESTED:
            self.hand_back()
        self.next_on_the_way()
        assert self.book.case.state in (CaseState.OPENED, CaseState.CLOSED)
