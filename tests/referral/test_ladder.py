"""A missed term of a referral comes to the leads, and then to the board; a long wait for a place is told to the leads.

All days are counted by hand from the calendar of Belgium in 2026.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from contracts.codes import DeclineReason
from services.chassis.modelling.ladder import LevelDue, Receiver
from services.referral.domain.answering import Decline
from services.referral.domain.deadlines import DeadlineMissed
from services.referral.domain.entered_in_error import MarkError
from services.referral.domain.ladder import DeadlineEscalated, EscalateDeadline, WaitlistAlerted
from services.referral.domain.programme import Term
from tests.referral.office import PARAMETERS, Office, ask, tell, waitlist
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, january, on

COUNSELLOR = Receiver(role="AGENCY_COUNSELLOR", org="vdab-gent")
COORDINATOR = Receiver(role="NGO_COORDINATOR", org="brugwerk")
LEADS = (Receiver(role="AGENCY_TEAM_LEAD", org="vdab-gent"), Receiver(role="NGO_LEAD", org="brugwerk"))
BOARD = (Receiver(role="AUDITOR"),)


def instants_of(office: Office) -> list[tuple[datetime, Any]]:
    """All that is still to fire of the referral R-1, as its state says, the earliest first."""
    referral = office.referral()
    found: list[tuple[datetime, Any]] = []
    for due in referral.running:
        if due in referral.missed:
            continue
        found.append((due.due_at, office.passed(due.name, due.due_at)))
        if due not in office.reminders().of:
            found.append((due.remind_at, office.remind(due.name, due.remind_at)))
    for late in referral.late:
        found += [(due.at, _level(late.deadline, late.due_at, due)) for due in late.to_come]
    return sorted(found, key=lambda pair: pair[0])


def _level(name: str, due_at: datetime, due: LevelDue) -> EscalateDeadline:
    return EscalateDeadline(at=due.at, by=CLOCK, referral_id="R-1", name=name, due_at=due_at, level=due.level)


def pass_until(office: Office, until: datetime) -> list[tuple[datetime, Any]]:
    """Fires all that falls due, each at its own instant; what was recorded, and when."""
    recorded: list[tuple[datetime, Any]] = []
    while (pending := instants_of(office)) and pending[0][0] <= until:
        at, command = pending[0]
        events = office.handle(command)
        assert events, command
        recorded += [(at, event) for event in events]
    return recorded


def climbed(recorded: list[tuple[datetime, Any]], name: str) -> list[tuple[str, datetime, tuple[Receiver, ...]]]:
    """The level of each event of a term, when it was recorded, and who was told."""
    found = []
    for at, event in recorded:
        deadline = getattr(event, "deadline", None)
        if getattr(deadline, "name", deadline) == name:
            found.append((event.level, at, event.notified))
    return found


def test_a_referral_that_nobody_answers_comes_to_each_level_once(office: Office) -> None:
    """Sent on Monday 12 January: receipt by the 14th, decision by the 26th, expiry on 11 February."""
    office.submit()
    recorded = pass_until(office, on(31, 12))
    (reminded, *receipt) = climbed(recorded, "RECEIPT")
    assert (reminded[0], reminded[2]) == ("L0", (COORDINATOR,))
    assert receipt == [
        ("L1", end_of(14, 1), (COORDINATOR, COUNSELLOR)),
        ("L2", end_of(21, 1), LEADS),
        ("L3", end_of(28, 1), BOARD),
    ]
    assert [(level, at) for level, at, _ in climbed(recorded, "DECISION")[1:]] == [
        ("L1", end_of(26, 1)),
        ("L2", end_of(2, 2)),
        ("L3", end_of(9, 2)),
    ]
    last_at, expired = recorded[-1]
    assert (type(expired).__name__, last_at, expired.level) == ("ReferralExpired", end_of(11, 2), "L1")
    assert expired.notified == (COORDINATOR, COUNSELLOR)
    assert office.referral().late == ()


def test_what_is_done_comes_to_no_further_level(office: Office) -> None:
    """Received after the leads were told, its board hears nothing; a decision that is missed goes on to its own."""
    office.submit()
    pass_until(office, on(27, 1))
    office.receive(at=on(27, 1))
    assert [late.deadline for late in office.referral().late] == ["DECISION"]
    later = pass_until(office, on(3, 2))
    assert [(event.deadline, event.level) for _, event in later if isinstance(event, DeadlineEscalated)] == [
        ("DECISION", "L2")
    ]
    office.handle(Decline(at=on(4, 2), by=LOTTE, referral_id="R-1", reason=DeclineReason.CAPACITY_FULL))
    assert instants_of(office) == []


def test_every_event_has_all_that_is_still_to_fire(office: Office) -> None:
    """The index sets the row of a referral by its latest event alone, so each has the ladders that run on."""
    office.submit()
    pass_until(office, on(27, 1))
    (marked,) = office.handle(_marked(on(27, 1)))
    assert [late.deadline for late in marked.late] == ["RECEIPT", "DECISION"]
    (received,) = office.receive(at=on(27, 1, hour=11))
    (left,) = received.late
    assert (left.deadline, left.due_at) == ("DECISION", end_of(26, 1))
    assert left.to_come == (LevelDue(level="L2", at=end_of(2, 2)), LevelDue(level="L3", at=end_of(9, 2)))


def _marked(at: datetime) -> Any:
    return MarkError(at=at, by=INES, referral_id="R-1", justification_ref="vault-1")


def test_a_level_is_not_fired_before_its_time_nor_twice(office: Office) -> None:
    """Too early nothing follows, and again nothing follows."""
    office.submit()
    office.handle(office.passed("RECEIPT", end_of(14, 1)))
    leads = EscalateDeadline(
        at=end_of(21, 1), by=CLOCK, referral_id="R-1", name="RECEIPT", due_at=end_of(14, 1), level="L2"
    )
    assert office.handle(replace(leads, at=leads.at - timedelta(seconds=1))) == []
    assert len(office.handle(leads)) == 1
    assert office.handle(leads) == []


def test_a_ladder_stands_still_while_a_question_is_open(office: Office) -> None:
    """A decision missed on 26 January, a question on the 27th, an answer on Friday the 30th: three working days."""
    office.submit()
    office.receive()
    pass_until(office, on(27, 1))
    office.handle(ask(on(27, 1)))
    assert [at for at, command in instants_of(office) if isinstance(command, EscalateDeadline)] == []
    office.handle(tell(on(30, 1)))
    (late,) = office.referral().late
    # Five working days after the 26th were Monday 2 February; Wednesday to Friday did not count.
    assert (late.deadline, late.to_come[0]) == ("DECISION", LevelDue(level="L2", at=end_of(5, 2)))
    assert late.to_come[1] == LevelDue(level="L3", at=end_of(12, 2))


def test_a_question_says_which_term_stands_still_and_why(office: Office) -> None:
    """The decision does, because of an open question; the expiry runs on."""
    office.submit()
    office.receive()
    (asked,) = office.handle(ask(january(16)))
    assert [(held.deadline, held.due_at, held.reason) for held in asked.paused] == [
        ("DECISION", end_of(26, 1), "QUESTION_OPEN")
    ]


def test_a_missed_review_of_the_list_comes_to_the_leads_until_the_organisation_acts(office: Office) -> None:
    """On the list since Friday 16 January: reviewed by Sunday 15 February, told to the leads on Friday the 20th."""
    office.submit()
    office.receive()
    office.handle(waitlist(january(16)))
    recorded = pass_until(office, on(21, 2))
    assert [(level, at) for level, at, _ in climbed(recorded, "WAITLIST_REVIEW")[1:]] == [
        ("L1", end_of(15, 2)),
        ("L2", end_of(20, 2)),
    ]
    office.handle(ask(on(23, 2)))
    assert [late.deadline for late in office.referral().late if late.to_come] == []


def test_the_leads_are_told_of_a_wait_of_thirty_days_once(office: Office) -> None:
    """From the first day on the list, whatever was asked or entered meanwhile; and not of what was over by then."""
    office.submit()
    office.receive()
    office.handle(waitlist(january(16)))
    office.handle(ask(january(20)))
    office.handle(tell(january(21)))
    office.handle(waitlist(january(22), expected_by=date(2026, 4, 1)))
    recorded = pass_until(office, on(15, 4))
    alerts = [(at, event) for at, event in recorded if isinstance(event, WaitlistAlerted)]
    # 30 days after Friday 16 January: Sunday 15 February, to its last second.
    assert [at for at, _ in alerts] == [end_of(15, 2)]
    (_, alert) = alerts[0]
    assert (alert.level, alert.notified, alert.alternative_offered) == ("L2", LEADS, False)
    assert (alert.since, alert.expected_by, alert.considered) == (january(16), date(2026, 4, 1), "JOB_COACHING")


def test_who_has_a_place_in_time_is_no_alert(office: Office) -> None:
    """Accepted from the list, nobody is told anything."""
    office.submit()
    office.receive()
    office.handle(waitlist(january(16)))
    office.accept(at=on(13, 2))
    assert office.referral().late == ()
    assert instants_of(office) == []


@pytest.mark.parametrize(
    ("sent", "missed", "leads", "board"),
    [
        # Two working days over the clock change of 29 March 2026; Good Friday is a working day, Easter Monday is none.
        ("2026-03-26T10:00:00Z", "2026-03-30T21:59:59Z", "2026-04-07T21:59:59Z", "2026-04-14T21:59:59Z"),
        # And over that of 25 October.
        ("2026-10-22T10:00:00Z", "2026-10-26T22:59:59Z", "2026-11-02T22:59:59Z", "2026-11-09T22:59:59Z"),
    ],
)
def test_levels_end_with_the_day_on_both_sides_of_a_clock_change(
    office: Office, sent: str, missed: str, leads: str, board: str
) -> None:
    """Each at the last second of its own day in Brussels."""
    office.submit(at=datetime.fromisoformat(sent))
    recorded = pass_until(office, datetime.fromisoformat(board))
    assert [(level, at) for level, at, _ in climbed(recorded, "RECEIPT")[1:]] == [
        ("L1", datetime.fromisoformat(missed)),
        ("L2", datetime.fromisoformat(leads)),
        ("L3", datetime.fromisoformat(board)),
    ]


def test_a_programme_says_who_is_told_and_after_how_long(office: Office) -> None:
    """The leads after a week, and no board at all, in the second version of the programme."""
    lengths = {**PARAMETERS.terms, "LEADS_TOLD": Term(n=7, unit="DAYS")}
    office.publish(2, replace(PARAMETERS, terms=lengths, ladder={"L1": ("LEADS",), "L3": ()}))
    office.submit()
    recorded = pass_until(office, on(10, 2))
    assert climbed(recorded, "RECEIPT")[1:] == [("L1", end_of(14, 1), LEADS), ("L2", end_of(21, 1), LEADS)]


def test_what_was_missed_before_there_was_a_ladder_climbs_none(office: Office) -> None:
    """Nobody wrote when its leads would be told; it stays as missed as it was."""
    office.submit()
    (missed,) = office.handle(office.passed("RECEIPT", end_of(14, 1)))
    assert isinstance(missed, DeadlineMissed)
    office.streams["referral-R-1"][-1] = replace(missed, late=UNSET)
    assert office.referral().late == ()
