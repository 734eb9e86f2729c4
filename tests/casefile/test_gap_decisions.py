"""Gaps in services: reported, answered in twenty working days, and followed up to the day that was promised."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from services.casefile.actions import decide
from services.casefile.domain.charter import Charter
from services.casefile.domain.deadlines import DeadlineMissed, DeadlineReminded, PassDeadline, RemindDeadline, running
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.gaps import (
    AnswerGap,
    CompleteGapAction,
    GapActionCompleted,
    ReportGap,
    ServiceGapAnswered,
)
from services.casefile.domain.outcomes import WaiveOutcome
from services.casefile.domain.people import ReassignCounsellor
from services.casefile.domain.steps import OpenStep, find
from services.casefile.domain.trajectory_end import CompleteTrajectory
from services.chassis.modelling.decider import Actor
from tests.casefile.casebook import ACCEPT as TAKE_BACK
from tests.casefile.casebook import HAND_BACK, MENTOR_REF, Casebook, codes, refusal
from tests.casefile.messages import CASE_ID, TOM, submitted
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, on

FIRST, SECOND = f"{CASE_ID}.g1", f"{CASE_ID}.g2"
MENTOR = Actor(sub=MENTOR_REF, role="VOLUNTEER_MENTOR", org="brugwerk")
REPORT = ReportGap(at=on(2, 3), by=LOTTE, service_kind="CHILDCARE", gap_type="TOO_SLOW")
ACCEPT = AnswerGap(at=on(9, 3), by=INES, gaps=(FIRST,), accepted=True, action_ref="vault-action", due=date(2026, 6, 30))
REJECT = AnswerGap(at=on(9, 3), by=INES, gaps=(FIRST,), accepted=False, reason_ref="vault-reason")
COMPLETION = CompleteTrajectory(at=on(6, 3), by=LOTTE, reason="EMPLOYMENT", closure_talk=True)


def answering(book: Casebook, gap: str = FIRST) -> OpenStep | None:
    """The step of the answer to a gap."""
    return find(book.case.steps, "SERVICE_GAP_ANSWER", gap)


def due(book: Casebook, name: str) -> list[object]:
    """When the deadlines of that name run out."""
    return [one.due_at for one in running(book.case) if one.name == name]


def test_the_agency_has_twenty_working_days_from_the_report(book: Casebook) -> None:
    """Reported on Friday 27 March: Easter Monday is none of them. The lead owes the answer, beside other steps."""
    book.mentoring()
    (event,) = book.act(replace(REPORT, at=on(27, 3), by=MENTOR))
    assert isinstance(event, ServiceGapReported)
    assert (event.gap, event.referral, event.organisation) == (FIRST, "R-1", "brugwerk")
    assert (event.reported_by.sub, event.reported_by.role) == (MENTOR_REF, "VOLUNTEER_MENTOR")
    step = answering(book)
    assert step is not None
    assert (step.owner, step.since, step.due_at) == (book.case.lead, on(27, 3), end_of(27, 4))
    assert book.case.current_step == "MENTORING"


def test_what_was_noticed_earlier_does_not_take_time_from_the_agency(book: Casebook) -> None:
    """The clock begins when the agency is told; not before the organisation had the case, and not in the future."""
    book.mentoring()
    book.act(replace(REPORT, occurred_at=on(23, 2)))
    step = answering(book)
    assert step is not None
    assert step.due_at == end_of(30, 3)
    assert codes(refusal(book, replace(REPORT, occurred_at=on(3, 3)))) == [("/occurredAt", "IN_THE_FUTURE")]
    assert codes(refusal(book, replace(REPORT, occurred_at=on(15, 1)))) == [("/occurredAt", "TOO_EARLY")]


def test_the_same_gap_of_the_same_person_is_reported_once_as_long_as_it_is_open(book: Casebook) -> None:
    """Another person, another provider, another type, or after the answer, it is another gap."""
    book.mentoring().act(REPORT)
    assert book.act(replace(REPORT, at=on(3, 3))) == []
    assert book.act(replace(REPORT, by=MENTOR))
    assert book.act(replace(REPORT, provider_ref="vault-provider"))
    assert book.act(replace(REPORT, gap_type="QUALITY"))
    assert [gap.gap for gap in book.case.gaps] == [f"{CASE_ID}.g{n}" for n in (1, 2, 3, 4)]
    book.act(REJECT)
    assert book.act(replace(REPORT, at=on(10, 3)))


@pytest.mark.parametrize(
    ("alternative", "kind"),
    [
        ("JOB_COACHING", "JOB_COACHING"),
        ("COUNSELLING", "COUNSELLING"),
        ("LANGUAGE_COURSE", "LANGUAGE_COURSE"),
        ("TRAINING", "TRAINING"),
        ("BUDDY", "INTEGRATION_SUPPORT"),
        ("NONE_AVAILABLE", "OTHER"),
    ],
)
def test_r4_a_referral_for_want_of_a_service_reports_the_gap_by_itself(
    book: Casebook, alternative: str, kind: str
) -> None:
    """Its service is the alternative that was considered, and it is absent; the clock runs from the submission."""
    events = book.tell(submitted(on(12, 1), why_mentoring="SERVICE_GAP", alternative_considered=alternative))
    gap = events[-1]
    assert isinstance(gap, ServiceGapReported)
    assert (gap.service_kind, gap.gap_type, gap.reported_by.sub) == (kind, "ABSENT", INES.sub)
    assert (gap.referral, gap.organisation) == ("R-1", "brugwerk")
    step = answering(book)
    assert step is not None
    assert (step.owner.sub, step.due_at) == (INES.sub, end_of(9, 2))


def test_mentoring_for_what_it_adds_reports_no_gap(book: Casebook) -> None:
    """Nor is an open gap reported again with the next referral."""
    book.referred()
    assert not book.case.gaps
    other = Casebook()
    other.tell(submitted(on(12, 1), why_mentoring="SERVICE_GAP"))
    again = submitted(on(12, 1), why_mentoring="SERVICE_GAP", referral="R-2")
    assert "ServiceGapReported" not in [type(event).__name__ for event in other.tell(again)]


def test_an_answer_ends_the_step_and_begins_the_day_that_was_promised(book: Casebook) -> None:
    """The day is a deadline as others are: with a reminder at four fifths, and missed once; it has no step."""
    book.mentoring().act(REPORT)
    (event,) = book.act(ACCEPT)
    assert isinstance(event, ServiceGapAnswered)
    assert answering(book) is None
    assert due(book, f"GAP_ACTION:{FIRST}") == [end_of(30, 6)]
    (remind,) = book.act(RemindDeadline(at=on(10, 6), by=CLOCK, name=f"GAP_ACTION:{FIRST}"))
    assert isinstance(remind, DeadlineReminded)
    assert (remind.step, remind.owner, remind.awaited) == ("SERVICE_GAP_ANSWER", book.case.lead, "vdab-gent")
    (missed,) = book.act(PassDeadline(at=on(1, 7), by=CLOCK, name=f"GAP_ACTION:{FIRST}"))
    assert isinstance(missed, DeadlineMissed)
    assert due(book, f"GAP_ACTION:{FIRST}") == []


def test_what_is_done_is_recorded_once_and_ends_the_day(book: Casebook) -> None:
    """Not before the answer, and not for a gap that was not accepted."""
    book.mentoring().act(REPORT)
    assert refusal(book, CompleteGapAction(at=on(5, 3), by=INES, gap=FIRST)).code == "NOTHING_PROMISED"
    book.act(ACCEPT)
    done = CompleteGapAction(at=on(20, 3), by=INES, gap=FIRST, occurred_at=on(18, 3))
    early = replace(done, occurred_at=on(8, 3))
    assert codes(refusal(book, early)) == [("/occurredAt", "TOO_EARLY")]
    (event,) = book.act(done)
    assert isinstance(event, GapActionCompleted)
    assert event.completed_at == on(18, 3)
    assert due(book, f"GAP_ACTION:{FIRST}") == []
    assert book.act(replace(done, at=on(21, 3))) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"due": None}, ("/due", "REQUIRED")),
        ({"action_ref": None}, ("/action", "REQUIRED")),
        ({"due": date(2026, 3, 8)}, ("/due", "IN_THE_PAST")),
        ({"accepted": False, "action_ref": None, "due": None}, ("/reason", "REQUIRED")),
        ({"accepted": False, "action_ref": None, "reason_ref": "vault"}, ("/due", "NOT_EXPECTED")),
        ({"accepted": False, "due": None, "reason_ref": "vault"}, ("/action", "NOT_EXPECTED")),
        ({"gaps": (SECOND,)}, ("/gap", "GAP_UNKNOWN")),
    ],
)
def test_an_answer_says_what_is_done_by_when_or_why_nothing_is(
    book: Casebook, changes: dict[str, object], fault: tuple[str, str]
) -> None:
    """And which gap it is about; a day that begins today is early enough."""
    book.mentoring().act(REPORT)
    assert codes(refusal(book, replace(ACCEPT, **changes))) == [fault]
    assert book.act(replace(ACCEPT, due=date(2026, 3, 9)))


def test_an_answer_stands(book: Casebook) -> None:
    """A gap is answered once; where none was reported, there is nothing to answer."""
    book.mentoring()
    assert refusal(book, REJECT).code == "NO_GAP"
    book.act(REPORT)
    book.act(REJECT)
    assert refusal(book, ACCEPT).code == "GAP_ANSWERED"
    book.act(replace(REPORT, at=on(10, 3)))
    assert refusal(book, ACCEPT).code == "GAP_ANSWERED"


def test_like_gaps_are_answered_together_and_unlike_ones_are_not(book: Casebook) -> None:
    """One answer for the mentor's report and the coordinator's; each gap is closed by an event of its own."""
    book.mentoring().act(REPORT)
    book.act(replace(REPORT, by=MENTOR))
    book.act(replace(REPORT, gap_type="QUALITY"))
    unlike = replace(ACCEPT, gaps=(FIRST, f"{CASE_ID}.g3"))
    assert codes(refusal(book, unlike)) == [("/gaps/1", "GAPS_UNLIKE")]
    answered = book.act(replace(ACCEPT, gaps=(FIRST, SECOND, FIRST)))
    assert [(event.gap, event.due) for event in answered] == [(FIRST, date(2026, 6, 30)), (SECOND, date(2026, 6, 30))]
    assert answering(book, f"{CASE_ID}.g3") is not None


def test_a_late_answer_is_missed_once_and_nobody_sees_to_it_in_the_agencys_place(book: Casebook) -> None:
    """The gap stays open, and no escalation asks the coordinator for what only the agency can do."""
    book.mentoring().act(REPORT)
    (missed,) = book.act(PassDeadline(at=on(31, 3), by=CLOCK, name=f"SERVICE_GAP_ANSWER:{FIRST}"))
    assert isinstance(missed, DeadlineMissed)
    assert (missed.step, missed.awaited) == ("SERVICE_GAP_ANSWER", "vdab-gent")
    assert find(book.case.steps, "ESCALATION") is None
    assert answering(book) is not None
    assert book.act(replace(REJECT, at=on(1, 4)))


def test_what_ends_the_way_of_the_case_may_have_happened_before_a_gap_was_reported(book: Casebook) -> None:
    """A gap is no beginning: what ended on Monday is reported on Friday, whatever was reported meanwhile."""
    book.mentoring().act(REPORT)
    ended = replace(COMPLETION, at=on(6, 3), occurred_at=on(28, 2))
    assert book.act(ended)


def test_a_gap_outlasts_the_closing_and_a_case_is_finalised_with_its_answer_and_not_before(book: Casebook) -> None:
    """FINALISED waits for the answer, and not for the day that was promised, which runs on."""
    book.mentoring().act(REPORT)
    book.act(replace(COMPLETION, at=on(30, 6)))
    book.act(HAND_BACK)
    book.act(TAKE_BACK)
    assert book.case.state == "CLOSED"
    assert answering(book) is not None
    for point in ("EXIT", "W4", "M6", "M12"):
        book.act(WaiveOutcome(at=on(7, 7), by=INES, point=point, reason="PERSON_DECLINED"))
    assert due(book, "FINALISE") == []
    assert book.act(PassDeadline(at=on(8, 7), by=CLOCK, name="FINALISE")) == []
    book.act(replace(ACCEPT, at=on(9, 7), due=date(2026, 12, 31)))
    assert due(book, "FINALISE") == [on(9, 7)]
    book.act(PassDeadline(at=on(9, 7), by=CLOCK, name="FINALISE"))
    assert book.case.state == "FINALISED"
    assert not book.case.steps
    assert due(book, f"GAP_ACTION:{FIRST}") == [end_of(31, 12)]
    assert book.act(CompleteGapAction(at=on(1, 12), by=INES, gap=FIRST))


def test_the_answer_passes_to_the_counsellor_who_takes_the_lead(book: Casebook) -> None:
    """With all that the former lead owed, and until the day that it had."""
    book.mentoring().act(REPORT)
    before = answering(book)
    book.act(ReassignCounsellor(at=on(3, 3), by=TOM))
    step = answering(book)
    assert before is not None
    assert step is not None
    assert (step.owner.sub, step.due_at) == (TOM.sub, before.due_at)
    assert step.since == before.since + timedelta(days=1)


def test_d3_a_mentor_reports_a_gap_and_writes_in_no_step_of_the_counsellor(book: Casebook) -> None:
    """The signal reaches the agency, which owes the answer; answering it is not the mentor's, nor the coordinator's."""
    book.mentoring().act(replace(REPORT, by=MENTOR))
    for by in (MENTOR, LOTTE):
        assert refusal(book, replace(REJECT, by=by)).code == "NOT_YOUR_STEP"
    assert book.act(REJECT)


def test_a_mentor_reports_gaps_while_an_agreement_is_in_force(book: Casebook) -> None:
    """One who is only proposed reads and reports nothing of the case yet."""
    book.proposed()
    assert refusal(book, replace(REPORT, at=on(13, 2), by=MENTOR)).code == "STATE_DOES_NOT_ALLOW"
    assert book.act(replace(REPORT, at=on(13, 2)))


def test_a_gap_names_a_task_of_the_charter_or_none(book: Casebook) -> None:
    """Any other is refused with what the charter has, as it is where a task is recorded."""
    book.mentoring()
    wrong = ReportGap(at=on(2, 3), by=LOTTE, service_kind="CHILDCARE", gap_type="ABSENT", task="CHILDCARE")
    refused = refusal(book, wrong)
    assert codes(refused) == [("/task", "UNKNOWN_CODE")]
    assert "CHILDCARE_SEARCH" in refused.faults[0].detail
    assert book.act(replace(wrong, task="CHILDCARE_SEARCH"))


def test_a_task_may_be_named_whether_or_not_anybody_signed_the_charter(book: Casebook) -> None:
    """A formality does not stop a mentor's signal; where a charter is written, its tasks are those that are known."""
    book.mentoring()
    named, unknown = replace(REPORT, by=MENTOR, task="CHILDCARE_SEARCH"), replace(REPORT, by=MENTOR, task="GOSSIP")
    for charter in (Charter(written=book.charter.written), Charter()):
        book.charter = charter
        assert decide(named, book.context(named))
        if charter.written is not None:
            assert codes(refusal(book, unknown)) == [("/task", "UNKNOWN_CODE")]
    (event,) = book.act(named)
    assert isinstance(event, ServiceGapReported)
    assert event.task == "CHILDCARE_SEARCH"
    assert answering(book) is not None
