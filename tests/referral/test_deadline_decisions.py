"""What the passing of time does, once each, however often and however late the scheduler says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.codes import ReferralState, WaitlistReason
from services.referral.domain.deadlines import DeadlineMissed, ReferralExpired
from services.referral.domain.ending import ReferralWithdrawn
from services.referral.domain.reminders import DeadlineReminded
from services.referral.domain.terms import find
from services.referral.domain.waiting_list import Waitlist
from tests.referral.office import Office, ask, tell
from tests.support.actors import LOTTE
from tests.support.dates import day, january


def end_of(year: int, month: int, day_of_month: int) -> datetime:
    """The end of a winter day in Brussels."""
    return datetime(year, month, day_of_month, 22, 59, 59, tzinfo=UTC)


def waitlisted(office: Office) -> None:
    """A referral on the waiting list since 16 January 2026."""
    office.submit()
    office.receive()
    reason = WaitlistReason.CAPACITY_FULL
    office.handle(
        Waitlist(
            at=january(16),
            by=LOTTE,
            referral_id="R-1",
            reason=reason,
            expected_by=date(2026, 3, 1),
            client_agreed=True,
        )
    )


def test_a_missed_receipt_is_recorded_and_still_awaited(office: Office) -> None:
    """The breach is a fact; the organisation has still to receive."""
    office.submit()
    events = office.handle(office.passed("RECEIPT", end_of(2026, 1, 14)))
    assert [(type(event), event.deadline.name, event.awaited) for event in events] == [
        (DeadlineMissed, "RECEIPT", "brugwerk")
    ]
    assert "RECEIPT" in office.due()
    assert office.receive(at=january(15)) != []
    assert "RECEIPT" not in office.due()


@pytest.mark.parametrize("name", ["RECEIPT", "DECISION"])
def test_a_breach_is_recorded_once(office: Office, name: str) -> None:
    """Firing again changes nothing."""
    office.submit()
    missed = office.passed(name, day(2026, 1, 30))
    assert len(office.handle(missed)) == 1
    assert office.handle(missed) == []


def test_nothing_happens_before_the_time(office: Office) -> None:
    """A scheduler that is early does no harm."""
    office.submit()
    receipt = find(office.referral().running, "RECEIPT")
    assert receipt is not None
    assert office.handle(office.passed("RECEIPT", receipt.due_at - timedelta(seconds=1))) == []
    assert office.handle(office.remind("RECEIPT", receipt.remind_at - timedelta(seconds=1))) == []


def test_a_deadline_that_was_met_no_longer_runs(office: Office) -> None:
    """Received in time, neither reminder nor breach follows."""
    office.submit()
    late = office.remind("RECEIPT", end_of(2026, 1, 14)), office.passed("RECEIPT", end_of(2026, 1, 14))
    office.receive()
    assert [office.handle(command) for command in late] == [[], []]


def test_whoever_is_awaited_is_reminded_once_and_the_referral_does_not_move(office: Office) -> None:
    """The reminder is in a stream of its own, so nobody's If-Match is outdated by it."""
    office.submit()
    before = list(office.streams["referral-R-1"])
    decision = find(office.referral().running, "DECISION")
    assert decision is not None
    events = office.handle(office.remind("DECISION", decision.remind_at))
    assert [(type(event), event.awaited) for event in events] == [(DeadlineReminded, "brugwerk")]
    assert office.streams["referral-R-1"] == before
    assert office.handle(office.remind("DECISION", decision.remind_at + timedelta(hours=1))) == []


def test_nobody_is_reminded_of_a_breach(office: Office) -> None:
    """After the end of the term a reminder would be an insult."""
    office.submit()
    office.handle(office.passed("RECEIPT", end_of(2026, 1, 14)))
    assert office.handle(office.remind("RECEIPT", january(15))) == []


def test_after_a_pause_the_decision_is_a_new_deadline_with_its_own_reminder(office: Office) -> None:
    """Reminded of the old date, the organisation is reminded of the new one too."""
    office.submit()
    office.receive()
    earlier = office.remind("DECISION", january(24))
    office.handle(earlier)
    office.handle(ask(january(25)))
    office.handle(tell(january(28)))
    assert office.due()["DECISION"] == "2026-01-29"
    assert office.handle(earlier) == []
    assert len(office.handle(office.remind("DECISION", january(29)))) == 1


def test_a_term_that_was_moved_is_not_missed_at_its_old_end(office: Office) -> None:
    """The scheduler may still hold the date of before the pause; it speaks of a deadline that there is no more."""
    office.submit()
    office.receive()
    outdated = office.passed("DECISION", day(2026, 2, 2))
    office.handle(ask(january(16)))
    office.handle(tell(january(21)))
    assert office.handle(outdated) == []
    assert len(office.handle(office.passed("DECISION", day(2026, 2, 2)))) == 1


def test_the_agency_is_awaited_for_information(office: Office) -> None:
    """The side that has to answer is the one that is late."""
    office.submit()
    office.receive()
    office.handle(ask(january(16)))
    assert office.handle(office.passed("INFORMATION", january(24)))[0].awaited == "vdab-gent"


def test_an_unanswered_offer_expires_and_frees_the_person(office: Office) -> None:
    """30 days of silence return the case visibly to the agency; the silent one is named."""
    office.submit()
    expired = office.handle(office.passed("EXPIRY", end_of(2026, 2, 11)))[-1]
    assert isinstance(expired, ReferralExpired)
    assert expired.last_actor == "brugwerk"
    assert office.referral().state is ReferralState.EXPIRED
    assert office.key().live is None
    assert office.due() == {}


def test_an_offer_that_waits_for_the_agency_expires_by_the_agencys_silence(office: Office) -> None:
    """The expiry does not pause, and it names whose turn it was."""
    office.submit()
    office.receive()
    office.handle(ask(january(16)))
    assert office.handle(office.passed("EXPIRY", end_of(2026, 2, 11)))[-1].last_actor == "vdab-gent"


def test_expiring_twice_changes_nothing(office: Office) -> None:
    """An ended referral has no deadlines."""
    office.submit()
    expiry = office.passed("EXPIRY", end_of(2026, 2, 11))
    office.handle(expiry)
    assert office.handle(expiry) == []


def test_an_accepted_referral_does_not_expire(office: Office) -> None:
    """The answer was given."""
    office.submit()
    office.receive()
    expiry = office.passed("EXPIRY", day(2026, 5, 1))
    office.accept()
    assert office.handle(expiry) == []


def test_a_draft_lapses_after_30_days(office: Office) -> None:
    """A draft that is left lying does not block the person for ever."""
    office.draft()
    lapsed = office.handle(office.passed("DRAFT_LAPSE", end_of(2026, 2, 11)))[-1]
    assert isinstance(lapsed, ReferralWithdrawn)
    assert lapsed.reason == "DRAFT_LAPSED"
    assert office.referral().state is ReferralState.WITHDRAWN
    assert office.submit(referral_id="R-2", at=day(2026, 2, 12)) != []


def test_a_missed_review_starts_the_next_one_from_its_due_time(office: Office) -> None:
    """Every 30 days of waiting are looked at, and a late scheduler shifts no review."""
    waitlisted(office)
    office.handle(office.passed("WAITLIST_REVIEW", day(2026, 2, 20)))
    assert office.due() == {"WAITLIST_REVIEW": "2026-03-17", "EXPIRY": "2026-04-16"}


def test_the_last_review_is_the_end_of_waiting(office: Office) -> None:
    """After 90 days the referral expires; no review is set beyond that."""
    waitlisted(office)
    office.handle(office.passed("WAITLIST_REVIEW", day(2026, 2, 20)))
    office.handle(office.passed("WAITLIST_REVIEW", day(2026, 3, 18)))
    assert office.due() == {"EXPIRY": "2026-04-16"}
    office.handle(office.passed("EXPIRY", day(2026, 4, 17)))
    assert office.referral().state is ReferralState.EXPIRED
