"""A missed term comes to the leads, and then to the board, as the programme says; and to nobody once it is done.

All days are counted by hand from the calendar of Belgium in 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from contracts import referral as told
from services.casefile.domain.deadlines import DeadlineMissed, DeadlineReminded, PassDeadline, RemindDeadline, running
from services.casefile.domain.gaps import AnswerGap, CompleteGapAction, ReportGap
from services.casefile.domain.intake import ConcludeIntake, LogContactAttempt
from services.casefile.domain.ladder import DeadlineEscalated, EscalateDeadline, late_terms
from services.casefile.domain.mentoring import RecordCheckIn, RecordPulse
from services.casefile.domain.people import ReassignCoordinator
from services.casefile.domain.proposals import ProposeChange
from services.chassis.modelling.decider import Actor
from services.chassis.modelling.ladder import LevelDue, Receiver
from tests.casefile.casebook import Casebook
from tests.casefile.messages import about
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, on

COUNSELLOR = Receiver(role="AGENCY_COUNSELLOR", org="vdab-gent")
COORDINATOR = Receiver(role="NGO_COORDINATOR", org="brugwerk")
LEADS = (Receiver(role="AGENCY_TEAM_LEAD", org="vdab-gent"), Receiver(role="NGO_LEAD", org="brugwerk"))
BOARD = (Receiver(role="AUDITOR"),)
INTAKE = ConcludeIntake(at=on(12, 2), by=LOTTE, suitable=True, goals=("SOCIAL", "CULTURAL"), expectations_ref="vault-1")


def to_come(book: Casebook) -> list[tuple[datetime, Any]]:
    """All that is still to fire in the case, with its instant, the earliest first."""
    found: list[tuple[datetime, Any]] = []
    for due in running(book.case):
        found.append((due.due_at, PassDeadline(at=due.due_at, by=CLOCK, name=due.name, due_at=due.due_at)))
        if due.remind_at is not None:
            reminder = RemindDeadline(at=due.remind_at, by=CLOCK, name=due.name, due_at=due.due_at)
            found.append((due.remind_at, reminder))
    for late in late_terms(book.case):
        for level in late.to_come:
            command = EscalateDeadline(at=level.at, by=CLOCK, name=late.name, due_at=late.due_at, level=level.level)
            found.append((level.at, command))
    return sorted(found, key=lambda instant: instant[0])


def pass_until(book: Casebook, until: datetime) -> list[Any]:
    """Fires all that falls due, each at its own instant; what was recorded."""
    recorded: list[Any] = []
    while (pending := to_come(book)) and pending[0][0] <= until:
        events = book.act(pending[0][1])
        assert events, pending[0]
        recorded += events
    return recorded


def climbed(events: Sequence[Any], name: str) -> list[tuple[str, datetime, tuple[Receiver, ...]]]:
    """The level, the due time and who was told, of each event of a term."""
    kinds = DeadlineReminded | DeadlineMissed | DeadlineEscalated
    of_it = [event for event in events if isinstance(event, kinds) and event.deadline == name]
    return [(event.level or "", event.due_at, event.notified or ()) for event in of_it]


def instants(book: Casebook, name: str) -> list[tuple[str, datetime]]:
    """Each level of a term, with when it was recorded."""
    levels = (DeadlineReminded, DeadlineMissed, DeadlineEscalated)
    return [
        (one.event.level or "", one.meta.recorded_at)
        for one in book.history
        if isinstance(one.event, levels) and one.event.deadline == name
    ]


def test_an_intake_that_nobody_concludes_comes_to_each_level_once(book: Casebook) -> None:
    """Accepted on Friday 16 January: 15 working days end on 6 February, 5 more on the 13th, 10 more on the 20th."""
    events = pass_until(book.accepted(), on(31, 12))
    due = end_of(6, 2)
    assert climbed(events, "INTAKE") == [
        ("L0", due, (COORDINATOR,)),
        ("L1", due, (COORDINATOR, COUNSELLOR)),
        ("L2", due, LEADS),
        ("L3", due, BOARD),
    ]
    # Four fifths of 21 days and a bit: on Monday 2 February.
    (reminded, *levels) = instants(book, "INTAKE")
    assert (reminded[0], reminded[1].date()) == ("L0", on(2, 2).date())
    assert levels == [("L1", due), ("L2", end_of(13, 2)), ("L3", end_of(20, 2))]


def test_the_breach_has_the_instants_of_the_levels_to_come(book: Casebook) -> None:
    """They are written once: another calendar, or another ladder, does not move them."""
    (missed, _) = book.accepted().act(PassDeadline(at=end_of(6, 2), by=CLOCK, name="INTAKE"))
    assert missed.to_come == (LevelDue(level="L2", at=end_of(13, 2)), LevelDue(level="L3", at=end_of(20, 2)))
    book.rules = replace(book.rules, ladder={"L2": ("BOARD",)})
    (escalated,) = book.act(_level("INTAKE", end_of(6, 2), "L2", at=end_of(13, 2)))
    assert escalated.notified == BOARD


def test_a_level_is_not_fired_before_its_time_nor_twice(book: Casebook) -> None:
    """Too early nothing follows, and again nothing follows."""
    book.accepted().act(PassDeadline(at=end_of(6, 2), by=CLOCK, name="INTAKE"))
    leads = _level("INTAKE", end_of(6, 2), "L2", at=end_of(13, 2))
    assert book.act(replace(leads, at=leads.at - timedelta(seconds=1))) == []
    assert [type(event) for event in book.act(leads)] == [DeadlineEscalated]
    assert book.act(leads) == []
    assert book.act(replace(leads, due_at=end_of(7, 2), level="L3", at=on(1, 3))) == []


def _level(name: str, due_at: datetime, level: str, at: datetime) -> EscalateDeadline:
    return EscalateDeadline(at=at, by=CLOCK, name=name, due_at=due_at, level=level)


@pytest.mark.parametrize("day", [12, 14])
def test_what_is_done_comes_to_no_further_level(book: Casebook, day: int) -> None:
    """Before the leads were told, or before the board was."""
    book.accepted()
    pass_until(book, on(day, 2))
    book.act(LogContactAttempt(at=on(day, 2), by=LOTTE))
    book.act(replace(INTAKE, at=on(day, 2, hour=11)))
    assert [level for level, _ in instants(book, "INTAKE")][2:] == ([] if day == 12 else ["L2"])
    assert list(late_terms(book.case)) == []
    later = pass_until(book, on(1, 3))
    assert climbed(later, "INTAKE") == []


def test_a_scheduler_that_was_down_shifts_no_level(book: Casebook) -> None:
    """Two months late it records all of them, with the times at which they were due."""
    book.accepted()
    late = on(1, 4)
    book.act(PassDeadline(at=late, by=CLOCK, name="INTAKE"))
    for level in ("L2", "L3"):
        assert len(book.act(_level("INTAKE", end_of(6, 2), level, at=late))) == 1
    assert to_come(book)[0][0] < late  # the first contact, still to come
    assert [one.to_come for one in late_terms(book.case)] == [()]


def test_a_programme_without_a_board_tells_none(book: Casebook) -> None:
    """A level at which nobody is told does not come; the others do."""
    book.rules = replace(book.rules, ladder={"L1": ("OWNER",), "L2": ("LEADS", "BOARD"), "L3": ()})
    events = pass_until(book.accepted(), on(1, 4))
    assert [(level, told) for level, _, told in climbed(events, "INTAKE")] == [
        ("L0", (COORDINATOR,)),
        ("L1", (COORDINATOR,)),
        ("L2", (*LEADS, *BOARD)),
    ]


@pytest.mark.parametrize(
    ("due", "leads", "board"),
    [
        # The clocks go forward on 29 March 2026; Easter Monday, 6 April, is no working day.
        ("2026-03-25T22:59:59Z", "2026-04-01T21:59:59Z", "2026-04-09T21:59:59Z"),
        # They go back on 25 October 2026; All Saints' is a Sunday.
        ("2026-10-22T21:59:59Z", "2026-10-29T22:59:59Z", "2026-11-05T22:59:59Z"),
    ],
)
def test_levels_end_with_the_day_on_both_sides_of_a_clock_change(
    book: Casebook, due: str, leads: str, board: str
) -> None:
    """Each at the last second of its own day in Brussels, once."""
    missed_at = datetime.fromisoformat(due)
    book.accepted()
    (step,) = (step for step in book.case.steps if step.step == "INTAKE")
    moved = replace(step, deadlines=(replace(step.deadlines[0], due_at=missed_at),))
    book.case = replace(book.case, way=(moved,))
    pass_until(book, missed_at + timedelta(days=40))
    levels = instants(book, "INTAKE")
    assert levels[-3:] == [
        ("L1", missed_at),
        ("L2", datetime.fromisoformat(leads)),
        ("L3", datetime.fromisoformat(board)),
    ]


def test_a_check_in_that_recurs_climbs_a_ladder_of_its_own_each_time(book: Casebook) -> None:
    """That of 5 March comes to the leads on the 12th, and to the board on the 19th, when the next one is due."""
    book.mentoring()
    pass_until(book, on(20, 3))
    of_it = [(one.event.level, one.meta.recorded_at) for one in book.history if _is_of(one.event, end_of(5, 3))]
    assert of_it[1:] == [("L1", end_of(5, 3)), ("L2", end_of(12, 3)), ("L3", end_of(19, 3))]
    late = {late.due_at for late in late_terms(book.case) if late.name == "CHECK_IN"}
    assert late == {end_of(5, 3), end_of(19, 3)}
    book.act(RecordCheckIn(at=on(20, 3), by=LOTTE))
    assert [late for late in late_terms(book.case) if late.name == "CHECK_IN"] == []
    later = pass_until(book, on(25, 3))
    assert climbed(later, "CHECK_IN") == []


def _is_of(event: Any, due_at: datetime) -> bool:
    levels = (DeadlineReminded, DeadlineMissed, DeadlineEscalated)
    return isinstance(event, levels) and (event.deadline, event.due_at) == ("CHECK_IN", due_at)


def test_a_colleague_who_takes_over_does_not_stop_the_ladder(book: Casebook) -> None:
    """The step has another owner and the same term; who is told is who it is then."""
    book.accepted()
    pass_until(book, on(7, 2))
    colleague = Actor(sub="an.peeters", role="NGO_LEAD", org="brugwerk")
    book.act(ReassignCoordinator(at=on(9, 2), by=colleague))
    later = climbed(pass_until(book, on(21, 2)), "INTAKE")
    assert [level for level, _, _ in later] == ["L2", "L3"]


def test_a_case_that_nobody_has_tells_the_agency_alone(book: Casebook) -> None:
    """There is no organisation whose lead could be told."""
    book.referred()
    book.tell(
        about(
            told.ReferralDeclined,
            LOTTE,
            on(20, 1),
            reason="LANGUAGE_INSUFFICIENT",
            re_referable=True,
            suggestion=None,
            agency_action="RE_REFER",
        )
    )
    levels = climbed(pass_until(book, on(1, 3)), "NEXT_SERVICE")
    assert [(level, whom) for level, _, whom in levels] == [
        ("L0", (COUNSELLOR,)),
        ("L1", (COUNSELLOR,)),
        ("L2", (LEADS[0],)),
        ("L3", BOARD),
    ]
    assert instants(book, "NEXT_SERVICE")[1:] == [
        ("L1", end_of(27, 1)),
        ("L2", end_of(3, 2)),
        ("L3", end_of(10, 2)),
    ]


def test_a_promise_to_a_gap_climbs_until_it_is_kept_and_not_after(book: Casebook) -> None:
    """Promised by Tuesday 30 June; the leads are told on 7 July, and the board would be on the 14th."""
    book.mentoring()
    book.act(ReportGap(at=on(5, 3), by=LOTTE, service_kind="CHILDCARE", gap_type="TOO_SLOW"))
    (gap,) = book.case.gaps
    name = f"GAP_ACTION:{gap.gap}"
    book.act(
        AnswerGap(at=on(9, 3), by=INES, gaps=(gap.gap,), accepted=True, action_ref="vault-9", due=date(2026, 6, 30))
    )
    (missed, *_) = book.act(PassDeadline(at=end_of(30, 6), by=CLOCK, name=name))
    (climbed, *_) = book.act(_level(name, end_of(30, 6), "L2", end_of(7, 7)))
    assert {missed.step, climbed.step} == {"SERVICE_GAP_ANSWER"}
    assert climbed.notified == LEADS
    book.act(CompleteGapAction(at=on(8, 7), by=INES, gap=gap.gap))
    assert book.act(_level(name, end_of(30, 6), "L3", end_of(14, 7))) == []
    assert [late for late in late_terms(book.case) if late.name == name] == []


def test_a_proposal_that_nobody_decided_on_says_who_is_told_and_climbs_no_further(book: Casebook) -> None:
    """It ends with its term: proposed on Tuesday 3 March, ten working days are over on the 17th."""
    book.mentoring()
    book.act(ProposeChange(at=on(3, 3), by=LOTTE, change="EXTEND", end=date(2026, 10, 18)))
    (proposal,) = book.case.proposals
    name = f"CHANGE_DECISION:{proposal.proposal}"
    expired = book.act(PassDeadline(at=end_of(17, 3), by=CLOCK, name=name))[0]
    assert (type(expired).__name__, expired.level, expired.notified) == (
        "ChangeExpired",
        "L1",
        (COORDINATOR, COUNSELLOR),
    )
    assert [late for late in book.case.late if late.name == name] == []


def test_what_weighs_on_a_pair_comes_to_the_leads_with_its_escalation(book: Casebook) -> None:
    """A pulse of 1 on Friday 27 February: contact by 4 March; the leads are told on the 11th, by its level too."""
    book.mentoring()
    book.act(RecordPulse(at=on(27, 2), by=LOTTE, side="MENTEE", score=1, reasons=("NO_CLICK",)))
    recorded = pass_until(book, on(12, 3))
    assert climbed(recorded, "ESCALATION_CONTACT:E1")[1:] == [
        ("L1", end_of(4, 3), (COORDINATOR, COUNSELLOR)),
        ("L2", end_of(4, 3), LEADS),
    ]
    assert next(held for held in book.case.escalations if held.id == "E1").level == "L2"
    book.act(RecordCheckIn(at=on(12, 3), by=LOTTE))
    assert [late for late in late_terms(book.case) if late.name == "ESCALATION_CONTACT:E1"] == []


def test_a_report_on_an_earlier_day_leaves_the_ladder_of_a_later_one(book: Casebook) -> None:
    """Both check-ins were missed; what was held on 6 March settles that of the 5th, and not that of the 19th."""
    book.mentoring()
    pass_until(book, on(20, 3))
    book.act(RecordCheckIn(at=on(20, 3), by=LOTTE, occurred_at=on(6, 3)))
    assert {late.due_at for late in late_terms(book.case) if late.name == "CHECK_IN"} == {end_of(19, 3)}
    assert ("L2", end_of(19, 3), LEADS) in climbed(pass_until(book, on(27, 3)), "CHECK_IN")


def test_an_organisation_whose_access_has_ended_is_not_told_any_more(book: Casebook) -> None:
    """The trajectory ended on 30 June, and nobody reported; twelve weeks later the agency is on its own."""
    recorded = pass_until(book.handback_due(), on(20, 10))
    access = next(place for place, event in enumerate(recorded) if type(event).__name__ == "NgoAccessExpired")
    later = [event for event in recorded[access:] if isinstance(event, DeadlineEscalated)]
    assert later
    assert {receiver.org for event in later for receiver in event.notified} == {"vdab-gent", None}
    earlier = [event for event in recorded[:access] if isinstance(event, DeadlineEscalated)]
    assert ("HANDBACK_REPORT", "L2", LEADS) in [(event.deadline, event.level, event.notified) for event in earlier]
