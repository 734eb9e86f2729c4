"""Whatever happens in whatever order: one lead, one owner per open step, replay, repeats and the final state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts import referral as told
from contracts.codes import CaseState
from services.casefile.domain.agreement import SignAgreement
from services.casefile.domain.case import CASE
from services.casefile.domain.closing import Close, Reopen
from services.casefile.domain.correction import Correct
from services.casefile.domain.deadlines import PassDeadline, RemindDeadline, running
from services.casefile.domain.escalation import RaiseEscalation, ResolveEscalation
from services.casefile.domain.extension import DecideExtension, ExtendAgreement
from services.casefile.domain.gaps import AnswerGap, CompleteGapAction, ReportGap
from services.casefile.domain.handback import AcceptHandback, RequestHandback, ReturnHandback
from services.casefile.domain.intake import ConcludeIntake, LogContactAttempt, ReportNoShow
from services.casefile.domain.matching import ConfirmMatch, ProposeMatch, RejectMatch
from services.casefile.domain.mentoring import RecordCheckIn, RecordMeeting, RecordPulse, ReportProgress
from services.casefile.domain.open_escalations import open_escalations
from services.casefile.domain.outcomes import RecordOutcome, WaiveOutcome
from services.casefile.domain.people import ReassignCoordinator, ReassignCounsellor
from services.casefile.domain.proposals import DecideChange, ProposeChange, WithdrawChange
from services.casefile.domain.state import Case
from services.casefile.domain.suspension import Resume, Suspend
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.casefile.history import responsibility
from services.chassis.modelling.decider import Actor, Command, Refused
from tests.casefile.casebook import MENTOR_REF, Casebook
from tests.casefile.messages import CASE_ID, TOM, about, submitted
from tests.support.actors import AN, CLOCK, INES, KARIM, LOTTE
from tests.support.dates import on

STAFF = [LOTTE, INES, TOM, AN]
GOALS = {"SOCIAL": "+", "CULTURAL": "="}
GAPS = (f"{CASE_ID}.g1", f"{CASE_ID}.g2")

Make = Callable[[datetime, Actor], Command]

COMMANDS: list[Make] = [
    lambda at, by: LogContactAttempt(at=at, by=by, reached=False),
    lambda at, by: LogContactAttempt(at=at, by=by),
    lambda at, by: ReportNoShow(at=at, by=by),
    lambda at, by: ConcludeIntake(
        at=at, by=by, suitable=True, goals=("SOCIAL", "CULTURAL"), expectations_ref="vault-1"
    ),
    lambda at, by: ConcludeIntake(at=at, by=by, suitable=False, reason="NEEDS_OTHER_SUPPORT"),
    lambda at, by: ConcludeIntake(
        at=at, by=by, suitable=True, goals=("SOCIAL",), expectations_ref="vault-1", occurred_at=at - timedelta(days=3)
    ),
    lambda at, by: Suspend(at=at, by=by, reason="TRAINING", occurred_at=at - timedelta(days=1)),
    lambda at, by: CompleteTrajectory(
        at=at, by=by, reason="TRAINING", closure_talk=True, occurred_at=at - timedelta(days=4)
    ),
    lambda at, by: ProposeMatch(at=at, by=by, match=f"match-{at}", mentor=MENTOR_REF, criteria=("SECTOR",)),
    lambda at, by: ConfirmMatch(at=at, by=by, side="MENTOR", on_behalf_reason="ON_PAPER"),
    lambda at, by: ConfirmMatch(at=at, by=by, side="MENTEE", on_behalf_reason="ON_PAPER"),
    lambda at, by: RejectMatch(at=at, by=by, side="MENTEE", reason="NO_CLICK", on_behalf_reason="BY_PHONE"),
    lambda at, by: SignAgreement(
        at=at, by=by, coordinator_attends_first_meeting=True, expectations_mentor_ref="vault-2"
    ),
    lambda at, by: RecordMeeting(at=at, by=by),
    lambda at, by: RecordCheckIn(at=at, by=by, occurred_at=at - timedelta(days=2)),
    lambda at, by: RecordPulse(at=at, by=by, side="MENTOR", score=2, reasons=("ONE_SIDED",)),
    lambda at, by: ReportProgress(at=at, by=by, progress={"SOCIAL": "+"}),
    lambda at, by: ExtendAgreement(at=at, by=by),
    lambda at, by: DecideExtension(at=at, by=by, approved=True),
    lambda at, by: DecideExtension(at=at, by=by, approved=False),
    lambda at, by: ProposeChange(at=at, by=by, change="END", reason="GOAL_REACHED"),
    lambda at, by: ProposeChange(at=at, by=by, change="COORDINATOR", coordinator=AN.sub),
    lambda at, by: ProposeChange(at=at, by=by, change="NOT_RELEVANT", reason="MOVED"),
    *(
        lambda at, by, n=n, yes=yes: DecideChange(at=at, by=by, proposal=f"{CASE_ID}.p{n}", approved=yes)
        for n in (1, 2, 3)
        for yes in (True, False)
    ),
    lambda at, by: WithdrawChange(at=at, by=by, proposal=f"{CASE_ID}.p2"),
    lambda at, by: Suspend(at=at, by=by, reason="HOLIDAY"),
    lambda at, by: Resume(at=at, by=by),
    lambda at, by: EndMatch(at=at, by=by, reason="MISMATCH", next="REMATCH", closure_talk=True),
    lambda at, by: EndMatch(at=at, by=by, reason="MISMATCH", next="HANDBACK", closure_talk=True),
    lambda at, by: CompleteTrajectory(at=at, by=by, reason="EMPLOYMENT", closure_talk=True),
    lambda at, by: RequestHandback(at=at, by=by, closure_reason="EMPLOYMENT", outcomes=GOALS),
    lambda at, by: RequestHandback(at=at, by=by, closure_reason="MENTEE_UNREACHABLE"),
    lambda at, by: ReturnHandback(at=at, by=by, missing=("OPEN_NEEDS",)),
    lambda at, by: AcceptHandback(at=at, by=by, decision="CLOSE"),
    lambda at, by: AcceptHandback(at=at, by=by, decision="RE_REFER"),
    lambda at, by: Close(at=at, by=by, reason="OTHER"),
    lambda at, by: Reopen(at=at, by=by),
    lambda at, by: RecordOutcome(at=at, by=by, point="EXIT", code="EMPLOYED_STABLE", source="REGISTER"),
    lambda at, by: WaiveOutcome(at=at, by=by, point="W4", reason="PERSON_DECLINED"),
    lambda at, by: WaiveOutcome(at=at, by=by, point="M6", reason="PERSON_DECLINED"),
    lambda at, by: WaiveOutcome(at=at, by=by, point="M12", reason="PERSON_DECLINED"),
    lambda at, by: ReportGap(at=at, by=by, service_kind="CHILDCARE", gap_type="TOO_SLOW"),
    lambda at, by: ReportGap(at=at, by=by, service_kind="TRAINING", gap_type="QUALITY", provider_ref="vault-5"),
    lambda at, by: AnswerGap(
        at=at, by=by, gaps=(GAPS[0],), accepted=True, action_ref="vault-6", due=at.date() + timedelta(days=60)
    ),
    lambda at, by: AnswerGap(at=at, by=by, gaps=(GAPS[1],), accepted=False, reason_ref="vault-7"),
    lambda at, by: CompleteGapAction(at=at, by=by, gap=GAPS[0]),
    lambda at, by: RaiseEscalation(at=at, by=by, reason="OTHER"),
    lambda at, by: RaiseEscalation(at=at, by=by, reason="SAFETY"),
    lambda at, by: ResolveEscalation(at=at, by=by, resolution="TALK"),
    lambda at, by: ResolveEscalation(at=at, by=by, escalation="E1", resolution="PAUSE"),
    lambda at, by: ReassignCounsellor(at=at, by=by),
    lambda at, by: ReassignCounsellor(at=at, by=by, counsellor="tom.maes"),
    lambda at, by: ReassignCoordinator(at=at, by=by),
]

ENDINGS = {Close, Reopen, CompleteTrajectory, EndMatch, RequestHandback, ReportNoShow, RejectMatch, ReturnHandback}

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
        # Who sees to a term that the other side missed has a step beside those of the state, and who answers a gap.
        assert {step.step for step in case.steps} - {"ESCALATION", "SERVICE_GAP_ANSWER"} <= STEPS[case.state]
        assert (not open_now) == (case.state == CaseState.FINALISED)
        trajectory = case.trajectory
        responsible = case.lead if case.state in AGENCY_OWNS else trajectory.coordinator if trajectory else None
        beside = ("ESCALATION", "SERVICE_GAP_ANSWER")
        assert {step.owner for step in case.steps if step.step not in beside} <= {responsible}
        assert {step.owner for step in case.steps if step.step == "SERVICE_GAP_ANSWER"} <= {case.lead}
        escalated = {step.owner for step in case.steps if step.step == "ESCALATION"}
        assert escalated <= {case.lead, trajectory.coordinator if trajectory else None}

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
