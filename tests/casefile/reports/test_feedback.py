"""Whether feedback reached the agency and was read: counted by hand in cases of every sort."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from services.casefile.domain.consent_withdrawal import CaseReturned
from services.casefile.domain.deadlines import DeadlineMissed
from services.casefile.domain.handback import HandbackAccepted, HandbackReturned
from services.casefile.domain.handback_report import HandbackRequested
from services.casefile.domain.mentoring import ProgressReported, PulseRecorded
from services.casefile.domain.referral_answers import ReferralReturned
from services.casefile.reports.feedback import REPORT
from services.casefile.reports.report import Period
from services.chassis.modelling.deadline import Deadline
from tests.casefile.reports.histories import LOTTE, Entry, history, rows_of
from tests.casefile.reports.test_reliance import matched
from tests.support import actors
from tests.support.dates import on


def told_of_progress(at: datetime) -> Entry:
    """The counsellor is told of progress."""
    return at, ProgressReported(happened_at=at, occasion="SCHEDULED", progress={}, next_step=None), actors.LOTTE


def pulse(at: datetime, score: int, *reasons: str) -> Entry:
    """How it goes."""
    return at, PulseRecorded(happened_at=at, side="MENTOR", score=score, reasons=reasons), actors.LOTTE


def handed_back(at: datetime) -> Entry:
    """The report goes to the agency."""
    report = HandbackRequested(
        referral="R-1",
        closure_reason="EMPLOYMENT",
        outcomes={},
        open_needs=(),
        recommended_next_step=None,
        requested_at=at,
        ended_at=at,
        access=None,
    )
    return at, report, actors.LOTTE


def missed(step: str, at: datetime) -> Entry:
    """A term passed."""
    return at, DeadlineMissed(deadline=step, step=step, due_at=at, owner=LOTTE, awaited="brugwerk"), actors.CLOCK


def accepted(at: datetime) -> Entry:
    """The agency has read it."""
    done = HandbackAccepted(referral="R-1", decision="CLOSE", next_service=None, answers={})
    return at, done, actors.INES


def row_of(*entries: Entry, **period: Any) -> dict[str, Any]:
    """The row of a case with brugwerk in which this happened."""
    (row,) = rows_of(REPORT, history("c1", *matched("c1"), *entries), period=Period(**period))
    return row


def test_a_loop_that_closed_says_how() -> None:
    """Two reports of progress, the handback on 2 July, read on 6 July; three good pulses and a bad one."""
    row = row_of(
        told_of_progress(on(20, 4)),
        told_of_progress(on(19, 5)),
        pulse(on(1, 3), 5, "GOOD_CLICK", "MENTEE_ENGAGED"),
        pulse(on(1, 4), 4),
        pulse(on(1, 5), 3, "NO_SHOWS"),
        pulse(on(1, 6), 1, "ONE_SIDED", "ROLE_OVERLOAD"),
        pulse(on(2, 6), 4, "APPRECIATED"),
        handed_back(on(2, 7)),
        accepted(on(6, 7)),
    )
    assert row == {
        "case": "c1",
        "agency": "vdab-gent",
        "programme": "mtw-be-2026",
        "organisation": "brugwerk",
        "referral": "R-1",
        "acceptedAt": "2026-01-12T09:00:00Z",
        "progressReports": 2,
        "lastProgressAt": "2026-05-19T08:00:00Z",
        "progressMissed": False,
        "handedBackAt": "2026-07-02T08:00:00Z",
        "acknowledgementMissed": False,
        "acknowledgedAt": "2026-07-06T08:00:00Z",
        "state": "CLOSED",
        "goodPulses": 3,
        "badPulses": 1,
        "goodReasons": 3,
        "badReasons": 3,
    }


def test_a_counsellor_who_hears_nothing_is_seen() -> None:
    """No progress by its term, and nothing handed back."""
    row = row_of(missed("PROGRESS_REPORT", on(19, 5)))
    assert (row["progressReports"], row["progressMissed"], row["state"]) == (0, True, "RUNNING")


def test_a_handback_that_nobody_acknowledged_is_seen() -> None:
    """It waits, and its term has passed; sent back it waits for the organisation, and again once it came again."""
    back = on(8, 7), HandbackReturned(referral="R-1", missing=("OUTCOMES",)), actors.INES
    late = (handed_back(on(2, 7)), missed("HANDBACK_ACKNOWLEDGEMENT", on(9, 7)))
    row = row_of(*late)
    assert (row["state"], row["acknowledgementMissed"], row["acknowledgedAt"]) == ("WAITING", True, None)
    assert row_of(*late, back)["state"] == "RETURNED"
    assert row_of(*late, back, handed_back(on(9, 7)))["state"] == "WAITING"


def test_a_withdrawn_consent_ends_the_loop_without_a_report() -> None:
    """Nothing may be told any more."""
    stopped = CaseReturned(referral="R-1", reason="CONSENT_WITHDRAWN", deadlines=(), ended_at=on(22, 4))
    entries = (told_of_progress(on(1, 4)), (on(22, 4), stopped))
    row = row_of(*entries)
    assert (row["state"], row["progressReports"], row["handedBackAt"]) == ("STOPPED", 1, None)
    assert rows_of(REPORT, history("c1", *matched("c1"), *entries), period=Period(date(2026, 4, 23))) == []


def test_what_was_accepted_in_error_is_no_loop() -> None:
    """Two people of the agency agreed that it was an error: nothing is to be told of the person."""
    access = Deadline(name="NGO_ACCESS", due_at=on(1, 6), remind_at=on(1, 5))
    returned = ReferralReturned(
        referral="R-1", organisation="brugwerk", name="ReferralEnteredInError", reason=None, deadlines=(), access=access
    )
    assert rows_of(REPORT, history("c1", *matched("c1"), (on(9, 3), returned))) == []


def test_a_loop_is_listed_on_each_day_that_it_ran() -> None:
    """From 12 January to 6 July."""
    told = history("c1", *matched("c1"), handed_back(on(2, 7)), accepted(on(6, 7)))
    asked = [(1, 11, 1, 11), (1, 11, 1, 12), (3, 3, 3, 3), (7, 6, 12, 31), (7, 7, 12, 31)]
    periods = [Period(date(2026, a, b), date(2026, c, d)) for a, b, c, d in asked]
    assert [len(rows_of(REPORT, told, period=period)) for period in periods] == [0, 1, 1, 1, 0]
