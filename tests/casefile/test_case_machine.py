"""Whatever happens in whatever order: one lead, one owner per open step, replay, repeats and the final state."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts import referral as told
from contracts.codes import CaseState
from services.casefile.domain.case import CASE
from services.casefile.domain.closing import Close, Reopen
from services.casefile.domain.correction import Correct
from services.casefile.domain.deadlines import PassDeadline, RemindDeadline, running
from services.casefile.domain.escalation import ResolveEscalation
from services.casefile.domain.gaps import AnswerGap, CompleteGapAction
from services.casefile.domain.handback import RequestHandback, ReturnHandback
from services.casefile.domain.intake import ReportNoShow
from services.casefile.domain.matching import RejectMatch
from services.casefile.domain.open_escalations import open_escalations
from services.casefile.domain.outcomes import WaiveOutcome
from services.casefile.domain.state import Case
from services.casefile.domain.tasks import (
    TaskRecorded,
    leads_of,
)
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.casefile.history import responsibility
from services.chassis.modelling.decider import Actor, Command, Refused
from tests.casefile.casebook import Casebook
from tests.casefile.machine_commands import COMMANDS, Make
from tests.casefile.messages import TOM, about, submitted
from tests.support.actors import AN, CLOCK, HANNE, INES, KARIM, LOTTE
from tests.support.dates import on

STAFF = [LOTTE, INES, TOM, AN, HANNE]
ENDINGS = {Close, Reopen, CompleteTrajectory, EndMatch, RequestHandback, ReportNoShow, RejectMatch, ReturnHandback}

WITH_A_CHARTER = {CaseState.MATCHING, CaseState.MATCH_PROPOSED, CaseState.MENTORING, CaseState.SUSPENDED}
AGENCY_OWNS = {CaseState.OPENED, CaseState.REFERRED, CaseState.CLOSED}
STEPS = {
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


class CaseMachine(RuleBasedStateMachine):
    """Commands and messages at random, from somewhere on the happy path."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Casebook()
        self.now = on(12, 1)
        self.referrals = 0

    @initialize(
        start=st.sampled_from(["accepted", "matching", "mentoring", "handback_requested", "referred", "closed"])
    )
    def begin(self, start: str) -> None:
        """The story up to a point."""
        self.book.describe_mentor()
        getattr(self.book, start)()
        self.now = self.book.history[-1].meta.recorded_at

    def give(self, command: Command) -> list[Any] | None:
        """Gives a command; None if it is refused. A repeat of what was accepted changes nothing."""
        try:
            events = self.book.act(command)
        except Refused:
            return None
        written = len(self.book.history)
        try:
            again = self.book.act(command)
        except Refused:
            again = []
        assert again == []
        assert len(self.book.history) == written
        return events

    @rule(
        make=st.sampled_from(COMMANDS),
        by=st.sampled_from([INES, LOTTE, INES, LOTTE, TOM, AN, KARIM]),
        hours=st.integers(1, 500),
    )
    def command(self, make: Make, by: Actor, hours: int) -> None:
        """Somebody gives a command, some time later."""
        self.now += timedelta(hours=hours)
        self.give(make(self.now, by))

    @rule(seed=st.integers(0, 2**32 - 1))
    def useful_commands(self, seed: int) -> None:
        """Those who may give some commands that the case takes now; an open case is mostly referred again."""
        # Drawn one by one they would be more than hypothesis keeps of an example, and it shrinks the steps anyway.
        chance = Random(seed)
        for _ in range(8):
            self.now += timedelta(hours=chance.randint(1, 200))
            if self.book.case.state == CaseState.OPENED and chance.random() < 0.8:
                self.submit(1)
                self.answer("ReferralAccepted", 1)
                continue
            order = chance.sample(COMMANDS, len(COMMANDS))
            if chance.random() < 0.8:
                # Otherwise most cases would end before much has happened in them.
                order.sort(key=lambda make: type(make(self.now, INES)) in ENDINGS)
            any(self.give(make(self.now, by)) for make in order for by in chance.sample(STAFF, len(STAFF)))

    @rule(which=st.integers(0, 9), late=st.integers(0, 48))
    def deadline(self, which: int, late: int) -> None:
        """The scheduler fires whatever is next, or a little late."""
        pending = running(self.book.case)
        if pending:
            one = pending[which % len(pending)]
            if one.remind_at is not None:
                self.now = max(self.now, one.remind_at)
                remind = RemindDeadline(at=self.now, by=CLOCK, name=one.name, due_at=one.due_at)
                assert self.give(remind) != []
            self.now = max(self.now, one.due_at) + timedelta(hours=late)
            assert self.give(PassDeadline(at=self.now, by=CLOCK, name=one.name, due_at=one.due_at)) != []

    @rule(hours=st.integers(1, 50))
    def refer(self, hours: int) -> None:
        """The agency refers the case, where no referral lives; now and then while it is closing it."""
        self.submit(hours)

    def submit(self, hours: int) -> None:
        """A referral of its own, on a basis of its own."""
        if self.book.case.referral is None:
            self.now += timedelta(hours=hours)
            self.referrals += 1
            ref = f"R-{self.referrals + 1}"
            self.book.tell(submitted(self.now, referral=ref, legal_basis_id=f"LB-{ref}"))

    @rule(
        kind=st.sampled_from(["ReferralAccepted", "ReferralDeclined", "ReferralExpired", "LegalBasisWithdrawn"]),
        hours=st.integers(1, 50),
    )
    def respond(self, kind: str, hours: int) -> None:
        """The referral is answered, or the person stops it."""
        self.answer(kind, hours)

    def answer(self, kind: str, hours: int) -> None:
        """The message of an answer, where one is awaited; of a stop, as long as there is something to stop."""
        live = self.book.case.referral
        if live is None or (kind != "LegalBasisWithdrawn" and self.book.case.state != CaseState.REFERRED):
            return
        self.now += timedelta(hours=hours)
        facts: dict[str, dict[str, Any]] = {
            "ReferralAccepted": {"coordinator": LOTTE.sub},
            "ReferralDeclined": {"reason": "CAPACITY_FULL", "re_referable": True, "suggestion": None},
            "ReferralExpired": {"last_actor": "brugwerk"},
            "LegalBasisWithdrawn": {"legal_basis": live.legal_basis, "withdrawn_at": self.now},
        }
        self.book.tell(about(getattr(told, kind), LOTTE, self.now, referral=live.referral, **facts[kind]))

    @precondition(lambda self: self.book.case.state == CaseState.CLOSED)
    @rule()
    def settle(self) -> None:
        """What is open is resolved, every follow-up is waived, and the system finalises."""
        for held in open_escalations(self.book.case):
            self.give(ResolveEscalation(at=self.now, by=INES, escalation=held.id, resolution="TALK"))
        for point in ("EXIT", "W4", "M6", "M12"):
            self.give(WaiveOutcome(at=self.now, by=INES, point=point, reason="PERSON_DECLINED"))
        for gap in [gap.gap for gap in self.book.case.gaps if gap.answer is None]:
            self.give(PassDeadline(at=self.now, by=CLOCK, name="FINALISE"))
            assert self.book.case.state == CaseState.CLOSED
            self.give(AnswerGap(at=self.now, by=INES, gaps=(gap,), accepted=False, reason_ref="vault-8"))
        self.give(PassDeadline(at=self.now, by=CLOCK, name="FINALISE"))
        assert self.book.case.state == CaseState.FINALISED

    @precondition(lambda self: self.book.case.state == CaseState.FINALISED)
    @rule()
    def nothing_but_correction(self) -> None:
        """A final case takes a correction, and what was promised in answer to a gap; no other command of anybody."""
        for make in COMMANDS:
            for by in (INES, LOTTE):
                command = make(self.now, by)
                assert not self.give(command) or isinstance(command, CompleteGapAction)
        event = self.book.history[0].meta.event_id
        if self.give(Correct(at=self.now, by=INES, event=event, reason_ref=f"vault-{self.now}")) is None:
            raise AssertionError

    @invariant()
    def one_lead_and_one_owner_per_open_step(self) -> None:
        """I1: always somebody, never two, and on the side that the state says."""
        case = self.book.case
        if case.state is None:
            return
        assert case.lead is not None
        assert case.lead.org == "vdab-gent"
        open_now = [step.key for step in case.steps]
        assert len(open_now) == len(set(open_now))
        # Who sees to a term that the other side missed has a step beside those of the state, who answers a gap, and who
        # acknowledges a charter.
        beside = {"ESCALATION", "SERVICE_GAP_ANSWER", "CHARTER_ACKNOWLEDGEMENT"}
        assert {step.step for step in case.steps} - beside <= STEPS[case.state]
        assert (not open_now) == (case.state == CaseState.FINALISED)
        trajectory = case.trajectory
        responsible = case.lead if case.state in AGENCY_OWNS else trajectory.coordinator if trajectory else None
        assert {step.owner for step in case.steps if step.step not in beside} <= {responsible}
        assert {step.owner for step in case.steps if step.step == "SERVICE_GAP_ANSWER"} <= {case.lead}
        escalated = {step.owner for step in case.steps if step.step == "ESCALATION"}
        assert escalated <= {case.lead, trajectory.coordinator if trajectory else None}

    @invariant()
    def a_charter_waits_for_its_mentor_while_there_is_a_match_and_for_its_coordinator_until_the_next(self) -> None:
        """Each for themselves; and who has acknowledged it is not asked."""
        case = self.book.case
        asked = {step.about: step.owner.sub for step in case.steps if step.step == "CHARTER_ACKNOWLEDGEMENT"}
        assert not asked or case.state in WITH_A_CHARTER
        assert asked.get("MENTOR") in (None, case.match.mentor if case.match is not None else None)
        assert asked.get("COORDINATOR") in (None, case.trajectory.coordinator.sub if case.trajectory else None)
        used = case.trajectory.charter if case.trajectory is not None else None
        assert used is None or not asked.keys() & set(used.acknowledged)

    @invariant()
    def a_task_has_one_lead_and_none_is_recorded_against_the_charter(self) -> None:
        """What a role must not do is recorded only by an exception, each of which covers one record."""
        leads = [lead.task for lead in leads_of(self.book.case.trajectory)]
        assert len(leads) == len(set(leads))
        recorded = [one.event for one in self.book.history if isinstance(one.event, TaskRecorded)]
        used = [task.exception for task in recorded if task.exception is not None]
        assert len(used) == len(set(used))
        assert all(task.exception is not None for task in recorded if task.task == "MONEY")

    @invariant()
    def a_gap_is_open_until_it_is_answered(self) -> None:
        """Whatever becomes of the case: it has a step and a term of its own, and the case is not finalised before."""
        case = self.book.case
        waiting = {gap.gap for gap in case.gaps if gap.answer is None}
        assert {step.about for step in case.steps if step.step == "SERVICE_GAP_ANSWER"} == waiting
        if case.state == CaseState.FINALISED:
            assert not waiting

    @invariant()
    def one_proposal_of_a_kind_is_open_and_with_the_organisation_that_made_it(self) -> None:
        """None outlives the part of its organisation; an extension is open as long as its agreement waits for it."""
        case = self.book.case
        waiting = [held for held in case.proposals if held.state == "OPEN"]
        assert len({held.change for held in waiting}) == len(waiting)
        assert {held.organisation for held in waiting} <= {case.organisation}
        agreement = case.match.agreement if case.match is not None else None
        asked = agreement.proposed_end if agreement is not None else None
        assert [held.end for held in waiting if held.change == "EXTEND"] == ([asked] if asked is not None else [])

    @invariant()
    def a_place_is_taken_while_there_is_a_match(self) -> None:
        """The mentor's stream and the case agree."""
        taken = any(mentor.cases for mentor in self.book.mentors.values())
        assert taken == (self.book.case.match is not None)

    def teardown(self) -> None:
        """I6, and I1 at every instant as known at every other."""
        case = Case()
        for recorded, then in zip(self.book.history, self.book.states, strict=True):
            case = CASE.evolve(case, recorded.event)
            assert case == then
        instants = sorted({recorded.meta.occurred_at for recorded in self.book.history})[:40]
        for known_at in (instants[-1], instants[len(instants) // 2]) if instants else ():
            for as_of in instants:
                self.check_instant(as_of, known_at)

    def check_instant(self, as_of: datetime, known_at: datetime) -> None:
        """One lead, one owner per step, and never a moment with nobody."""
        then = responsibility(self.book.history, as_of=as_of, known_at=known_at)
        assert then.case_lead is not None
        open_then = [(step.step, step.about) for step in then.steps]
        assert len(open_then) == len(set(open_then))
        final = any(
            type(one.event).__name__ == "CaseFinalised" and one.meta.occurred_at <= as_of for one in self.book.history
        )
        assert open_then or final


CaseMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestCaseMachine = CaseMachine.TestCase
