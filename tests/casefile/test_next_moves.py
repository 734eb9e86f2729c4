"""No open case without somebody who has something due that they can do; after a miss that holds for both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts import referral as told
from contracts.codes import CaseState, Role, Step
from services.casefile.access import POLICY, relations_to_case
from services.casefile.actions import decide, moving_on
from services.casefile.domain.agreement import SignAgreement
from services.casefile.domain.closing import Close, Reopen
from services.casefile.domain.deadlines import PassDeadline, running
from services.casefile.domain.escalation import ResolveEscalation
from services.casefile.domain.extension import DecideExtension, ExtendAgreement
from services.casefile.domain.guards import blocked
from services.casefile.domain.handback import AcceptHandback, RequestHandback, ReturnHandback
from services.casefile.domain.intake import ConcludeIntake, LogContactAttempt, ReportNoShow
from services.casefile.domain.matching import ConfirmMatch, ProposeMatch, RejectMatch
from services.casefile.domain.mentoring import RecordCheckIn, RecordMeeting, ReportProgress
from services.casefile.domain.missed_terms import behind
from services.casefile.domain.outcomes import RecordOutcome, WaiveOutcome
from services.casefile.domain.people import ReassignCoordinator, ReassignCounsellor
from services.casefile.domain.steps import OpenStep, find
from services.casefile.domain.suspension import Resume, ReviewSuspension, Suspend
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.chassis.access.identity import Caller
from services.chassis.modelling.decider import Command, Refused
from tests.casefile.casebook import MENTOR_REF, Casebook, find_due, refusal
from tests.casefile.messages import TOM, about, submitted
from tests.support.actors import AN, CLOCK, INES, LOTTE
from tests.support.dates import end_of, on

GOALS = {"SOCIAL": "+", "CULTURAL": "="}
AGENCY, ORGANISATION = INES.org, LOTTE.org

Make = Callable[[datetime], Command]

COMMANDS: list[Make] = [
    lambda at: LogContactAttempt(at=at, by=LOTTE, reached=False),
    lambda at: LogContactAttempt(at=at, by=LOTTE),
    lambda at: ReportNoShow(at=at, by=LOTTE),
    lambda at: ConcludeIntake(at=at, by=LOTTE, suitable=True, goals=tuple(GOALS), expectations_ref="vault-1"),
    lambda at: ConcludeIntake(at=at, by=LOTTE, suitable=False, reason="NEEDS_OTHER_SUPPORT"),
    lambda at: ProposeMatch(at=at, by=LOTTE, match=f"match-{at}", mentor=MENTOR_REF, criteria=("SECTOR",)),
    lambda at: ConfirmMatch(at=at, by=LOTTE, side="MENTOR"),
    lambda at: ConfirmMatch(at=at, by=LOTTE, side="MENTEE"),
    lambda at: RejectMatch(at=at, by=LOTTE, side="MENTEE", reason="NO_CLICK"),
    lambda at: SignAgreement(
        at=at, by=LOTTE, coordinator_attends_first_meeting=True, expectations_mentor_ref="vault-2"
    ),
    lambda at: SignAgreement(
        at=at,
        by=LOTTE,
        end=at.date() + timedelta(days=50),
        coordinator_attends_first_meeting=True,
        expectations_mentor_ref="vault-2",
    ),
    lambda at: RecordMeeting(at=at, by=LOTTE),
    lambda at: RecordCheckIn(at=at, by=LOTTE),
    lambda at: RecordCheckIn(at=at, by=LOTTE, occurred_at=at - timedelta(days=9)),
    lambda at: ReportProgress(at=at, by=LOTTE, progress={"SOCIAL": "+"}),
    lambda at: ExtendAgreement(at=at, by=LOTTE),
    lambda at: DecideExtension(at=at, by=INES, approved=True),
    lambda at: DecideExtension(at=at, by=INES, approved=False),
    lambda at: Suspend(at=at, by=LOTTE, reason="HOLIDAY"),
    lambda at: Resume(at=at, by=LOTTE),
    lambda at: ReviewSuspension(at=at, by=LOTTE),
    lambda at: EndMatch(at=at, by=LOTTE, reason="MISMATCH", next="REMATCH", closure_talk=True),
    lambda at: EndMatch(at=at, by=LOTTE, reason="MISMATCH", next="HANDBACK", closure_talk=True),
    lambda at: CompleteTrajectory(at=at, by=LOTTE, reason="EMPLOYMENT", closure_talk=True),
    lambda at: RequestHandback(at=at, by=LOTTE, closure_reason="EMPLOYMENT", outcomes=GOALS),
    lambda at: ReturnHandback(at=at, by=INES, missing=("OPEN_NEEDS",)),
    lambda at: AcceptHandback(at=at, by=INES, decision="CLOSE"),
    lambda at: AcceptHandback(at=at, by=INES, decision="RE_REFER"),
    lambda at: Close(at=at, by=INES, reason="OTHER"),
    lambda at: Reopen(at=at, by=INES),
    *(
        lambda at, point=point: RecordOutcome(at=at, by=INES, point=point, code="NO_CHANGE", source="REGISTER")
        for point in ("EXIT", "W4", "M6", "M12")
    ),
    lambda at: WaiveOutcome(at=at, by=INES, point="M6", reason="MOVED"),
    lambda at: ResolveEscalation(at=at, by=INES, resolution="TALK"),
    lambda at: ResolveEscalation(at=at, by=LOTTE, resolution="TALK"),
    lambda at: ReassignCounsellor(at=at, by=TOM),
    lambda at: ReassignCoordinator(at=at, by=AN),
]
"""What may be done, mostly by its usual people; `LOTTE` speaks for her organisation also when `AN` coordinates."""


ENDINGS = {CompleteTrajectory, EndMatch, RequestHandback, ReportNoShow, RejectMatch, ReturnHandback, Close, Reopen}


class Life:
    """A case in which time passes as it does: whatever falls due is fired in its order, before anybody acts."""

    def __init__(self, state: str) -> None:
        self.book = Casebook()
        getattr(self.book, state)()
        self.book.describe_mentor()
        self.now = self.book.history[-1].meta.recorded_at

    def waits(self, days: int) -> None:
        """So many days pass."""
        until = self.now + timedelta(days=days)
        while due := [one for one in running(self.book.case) if (one.remind_at or one.due_at) <= until]:
            one = min(due, key=lambda one: one.due_at)
            self.now = max(self.now, one.due_at)
            if one.due_at > until:
                break
            self.book.act(PassDeadline(at=self.now, by=CLOCK, name=one.name))
            self.check()
        self.now = max(self.now, until)
        self.check()

    def acts(self, choice: int) -> None:
        """Somebody does one of the things that are possible now."""
        self.now += timedelta(minutes=10)
        if self.book.case.state == CaseState.REFERRED:
            self.answered(choice)
        elif self.book.case.state == CaseState.OPENED and choice % 4:
            ref = f"R-{len(self.book.history)}"
            self.book.tell(submitted(self.now, referral=ref, legal_basis_id=f"LB-{ref}"))
        elif possible := list(self.possible()):
            # Otherwise most cases would end before much has happened in them.
            goes_on = [command for command in possible if type(command) not in ENDINGS] if choice % 5 else []
            among = goes_on or possible
            self.book.act(among[choice % len(among)])
        self.waits(0)

    def answered(self, choice: int) -> None:
        """The organisation accepts, as a rule."""
        live = self.book.case.referral
        assert live is not None
        facts = (
            {"coordinator": LOTTE.sub}
            if choice % 8
            else {"reason": "CAPACITY_FULL", "re_referable": True, "suggestion": None}
        )
        kind = told.ReferralAccepted if choice % 8 else told.ReferralDeclined
        self.book.tell(about(kind, LOTTE, self.now, referral=live.referral, **facts))

    def possible(self) -> Iterator[Command]:
        """The commands that would not be refused, and would change something."""
        for make in COMMANDS:
            command = make(self.now)
            try:
                if decide(command, self.book.context(command)):
                    yield command
            except Refused:
                continue

    def moves(self) -> dict[str, list[OpenStep]]:
        """Per organisation the steps on its worklist that are due and that one of its people can move on."""
        found: dict[str, list[OpenStep]] = {AGENCY: [], ORGANISATION: []}
        case, context = self.book.case, self.book.context(at=self.now)
        for step in self.book.case.steps:
            org = step.awaiting.org if step.awaiting is not None else step.owner.org
            person = INES if org == AGENCY else LOTTE
            caller = Caller(person.sub, person.org, Role(person.role))
            relations = relations_to_case(caller, case)
            if not POLICY.permits(caller, "read", relations):
                continue
            can = step.step == Step.REFERRAL_ANSWER or any(
                POLICY.permits(caller, action, relations) and blocked(action, context, person) is None
                for action in moving_on(step.step)
            )
            if step.due_at is not None and can:
                found[org].append(step)
        return found

    def check(self) -> None:
        """Somebody has a next move; after a miss both sides do; while a pair meets something is due in 35 days."""
        case = self.book.case
        if case.state == CaseState.FINALISED or case.finalise_at is not None:
            return
        moves = self.moves()
        assert any(moves.values()), (case.state, case.steps)
        if case.organisation is not None and case.trajectory is not None and behind(case):
            # Twelve weeks after the trajectory the organisation has no access, whatever it still owes.
            assert moves[AGENCY] if not case.organisation_reads else all(moves.values()), (case.state, case.steps)
        if case.state == CaseState.MENTORING:
            nearest = min(due for step in case.steps if (due := step.due_at) is not None)
            assert nearest - self.now < timedelta(days=36)


STATES = ("referred", "accepted", "matching", "proposed", "mentoring", "handback_due", "handback_requested", "closed")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(
    state=st.sampled_from(STATES),
    ops=st.lists(st.one_of(st.integers(0, 997), st.integers(-60, -1)), min_size=5, max_size=60),
)
def test_no_open_case_is_without_an_owner_with_a_due_possible_action(state: str, ops: list[int]) -> None:
    """Random lives: a positive number is an act among those that are possible, a negative one days that pass."""
    life = Life(state)
    for op in ops:
        if op < 0:
            life.waits(-op)
        else:
            life.acts(op)


@pytest.mark.parametrize("state", STATES[1:])
def test_after_a_year_of_silence_somebody_still_has_a_next_move_on_both_sides(state: str) -> None:
    """In every state that a case can be left in; twelve weeks after a trajectory the case is the agency's alone."""
    life = Life(state)
    life.waits(400)
    moves = life.moves()
    assert moves[AGENCY]
    over = state in ("closed", "handback_due", "handback_requested")
    assert bool(moves[ORGANISATION]) == (not over)
    assert all(step.due_at is not None and step.due_at < life.now for steps in moves.values() for step in steps)


def test_a_missed_intake_is_on_the_lists_of_both_sides_until_it_is_concluded(book: Casebook) -> None:
    """The coordinator can still conclude it; the lead sees to it within five working days of the first breach."""
    book.accepted()
    book.act(PassDeadline(at=end_of(26, 1), by=CLOCK, name="FIRST_CONTACT"))
    held = find(book.case.steps, "ESCALATION")
    assert held is not None
    assert held.owner.sub == "ines.debacker"
    assert held.due_at == end_of(2, 2)
    book.act(LogContactAttempt(at=on(27, 1), by=LOTTE))
    assert find(book.case.steps, "ESCALATION") is None
    book.act(PassDeadline(at=end_of(6, 2), by=CLOCK, name="INTAKE"))
    assert find_due(book, "ESCALATION") == end_of(13, 2)
    intake = ConcludeIntake(at=on(9, 2), by=LOTTE, suitable=True, goals=("SOCIAL",), expectations_ref="vault-1")
    book.act(intake)
    assert [step.step for step in book.case.steps] == ["MATCHING"]


def test_what_was_done_about_a_missed_term_is_recorded_and_looked_at_again(book: Casebook) -> None:
    """Only by the side that was asked; as long as the term stays missed the next look is five working days later."""
    book.accepted().act(PassDeadline(at=end_of(26, 1), by=CLOCK, name="FIRST_CONTACT"))
    talk = ResolveEscalation(at=on(28, 1), by=INES, resolution="TALK")
    refused = refusal(book, ResolveEscalation(at=on(28, 1), by=LOTTE, resolution="TALK"))
    assert refused.code == "ESCALATION_OF_THE_OTHER_SIDE"
    assert [type(event).__name__ for event in book.act(talk)] == ["EscalationResolved"]
    assert book.act(talk) == []
    assert find_due(book, "ESCALATION") == end_of(4, 2)
    missed = book.act(PassDeadline(at=end_of(4, 2), by=CLOCK, name="ESCALATION"))
    assert [type(event).__name__ for event in missed] == ["DeadlineMissed"]
    assert [one.due_at for one in running(book.case) if one.name == "ESCALATION"] == [end_of(11, 2)]
    book.act(LogContactAttempt(at=on(10, 2), by=LOTTE))
    assert refusal(book, ResolveEscalation(at=on(10, 2), by=INES, resolution="TALK")).code == "NOTHING_ESCALATED"


def test_a_handback_that_the_agency_does_not_answer_is_the_coordinators_to_see_to(book: Casebook) -> None:
    """Requested on 2 July, unanswered on the 9th: the agency still has it, and the coordinator a next move."""
    book.handback_requested().act(PassDeadline(at=end_of(9, 7), by=CLOCK, name="HANDBACK_ACKNOWLEDGEMENT"))
    held = find(book.case.steps, "ESCALATION")
    assert held is not None
    assert held.owner.sub == "lotte.claes"
    assert held.due_at == end_of(16, 7)


def test_an_agreement_that_is_over_leaves_the_pair_with_somebody() -> None:
    """On 19 August the coordinator can complete, extend or end it, and the lead sees to it."""
    life = Life("mentoring")
    book = life.book
    for day in [(5, 3), (19, 3), (19, 4), (19, 5), (19, 6), (19, 7)]:
        book.act(RecordCheckIn(at=on(*day), by=LOTTE))
    book.act(ReportProgress(at=on(19, 7), by=LOTTE, progress={"SOCIAL": "+"}))
    life.now = on(19, 7)
    life.waits(45)
    # The pair did not meet either, which is another matter.
    assert [(step.step, step.owner.sub) for step in book.case.steps if not step.about] == [
        ("MENTORING", "lotte.claes"),
        ("ESCALATION", "ines.debacker"),
    ]
    for action in ("complete-trajectory", "extend-agreement", "end-match"):
        assert action in moving_on(Step.MENTORING)
        assert blocked(action, book.context(at=life.now), LOTTE) is None


def test_who_answers_for_the_trajectory_is_told_before_who_sees_to_a_missed_term(book: Casebook) -> None:
    """A report that is overdue is still the coordinator's first."""
    book.handback_due().act(PassDeadline(at=end_of(7, 7), by=CLOCK, name="HANDBACK_REPORT"))
    assert book.case.current_step == "HANDBACK_REPORT"


def test_what_was_stuck_before_is_escalated_when_the_clock_looks_at_it(book: Casebook) -> None:
    """A miss that was recorded without what follows from it: the scheduler finds it, and both sides have a move."""
    book.mentoring()
    (missed, raised) = book.act(PassDeadline(at=end_of(5, 3), by=CLOCK, name="CHECK_IN"))
    assert type(raised).__name__ == "EscalationRaised"
    old = Casebook().mentoring()
    old._record(
        PassDeadline(at=end_of(5, 3), by=CLOCK, name="CHECK_IN"),
        [replace(missed, renews=())],
        end_of(5, 3),
    )
    assert "ESCALATE" in [one.name for one in running(old.case)]
    old.act(PassDeadline(at=on(1, 6), by=CLOCK, name="ESCALATE"))
    assert "ESCALATE" not in [one.name for one in running(old.case)]
    assert find(old.case.steps, "ESCALATION") is not None
    assert [one.due_at for one in running(old.case) if one.name == "CHECK_IN"] == [end_of(19, 3)]


def test_a_report_that_never_comes_does_not_keep_the_case_from_its_agency(book: Casebook) -> None:
    """Completed on 30 June without a report: from 22 September the organisation has no access, and the lead acts."""
    book.handback_due()
    take_back = AcceptHandback(at=on(21, 9), by=INES, decision="RE_REFER")
    assert refusal(book, take_back).code == "STATE_DOES_NOT_ALLOW"
    book.act(PassDeadline(at=end_of(7, 7), by=CLOCK, name="HANDBACK_REPORT"))
    book.act(PassDeadline(at=end_of(22, 9), by=CLOCK, name="NGO_ACCESS:R-1"))
    held = find(book.case.steps, "ESCALATION")
    assert held is not None
    assert held.owner.sub == "ines.debacker"
    assert "accept-handback" in moving_on(Step.ESCALATION)
    book.act(replace(take_back, at=on(23, 9)))
    assert [(step.step, step.owner.sub) for step in book.case.steps] == [("NEXT_SERVICE", "ines.debacker")]
