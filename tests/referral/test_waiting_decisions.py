"""What was said of a wait reads otherwise once the organisation has corrected it: the answer follows, nothing moves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from contracts import casefile
from contracts.casefile.correction import Reported
from contracts.codes import ReferralState, WaitlistReason
from contracts.message import ActorRef
from services.chassis.modelling.delivery import Delivery
from services.referral.actions import decide
from services.referral.domain.corrected_wait import CorrectWaiting, WaitingCorrected
from services.referral.domain.offer import referral_stream
from services.referral.domain.waiting_list import Waitlist
from services.referral.reactions import when_a_waiting_lists_date_is_corrected_answer_the_right_one
from tests.referral.office import Office, ask, tell
from tests.referral.test_publish import names
from tests.support.actors import CLOCK, LOTTE
from tests.support.dates import january

LATER = date(2026, 4, 1)


def wait(at: datetime, expected_by: date = date(2026, 3, 1)) -> Waitlist:
    """The organisation puts the person on its list."""
    reason = WaitlistReason.CAPACITY_FULL
    return Waitlist(at=at, by=LOTTE, referral_id="R-1", reason=reason, expected_by=expected_by, client_agreed=True)


def corrected(
    office: Office, corrects: str = "second", *, expected_by: date = LATER, listed_by: str | None = "second"
) -> list[Any]:
    """Casefile tells that what an event said of the wait reads otherwise; `listed_by` put it on the list last."""
    command = CorrectWaiting(
        at=january(20),
        by=CLOCK,
        referral_id="R-1",
        corrects=corrects,
        reason="CAPACITY_FULL",
        expected_by=expected_by,
    )
    context = replace(office.context("R-1", command.at, command), waitlisted_by=listed_by)
    return office.store(referral_stream("R-1"), decide(command, context))


@pytest.fixture
def listed(office: Office) -> Office:
    """On the list of Brugwerk since 16 January, until 1 March as it said."""
    office.submit()
    office.receive()
    office.handle(wait(january(16)))
    return office


def test_the_answer_follows_the_correction_and_nothing_else_moves(listed: Office) -> None:
    """The day reads otherwise; the state, its first day on the list and all terms are as they were."""
    before, due = listed.referral(), listed.due()
    (event,) = corrected(listed)
    assert isinstance(event, WaitingCorrected)
    after = listed.referral()
    assert after.waiting is not None
    assert (after.waiting.expected_by, after.waiting.since) == (LATER, january(16))
    assert replace(after, waiting=before.waiting) == before
    assert listed.due() == due == {"WAITLIST_REVIEW": "2026-02-15", "EXPIRY": "2026-04-16"}


def test_a_correction_moves_no_etag(listed: Office) -> None:
    """Anyone who is about to accept need not look again."""
    (event,) = corrected(listed)
    assert event.BYSTANDER is True


def test_what_is_answered_already_is_not_recorded_again(listed: Office) -> None:
    """Told twice, or told what was said."""
    assert corrected(listed, expected_by=date(2026, 3, 1)) == []
    assert len(corrected(listed)) == 1
    assert corrected(listed) == []


def test_the_correction_of_an_entry_from_before_changes_no_later_one(listed: Office) -> None:
    """A question, an answer, and on the list once more: the first entry is corrected in the case alone."""
    listed.handle(ask(january(17)))
    listed.handle(tell(january(18)))
    listed.handle(wait(january(19), date(2026, 5, 1)))
    assert corrected(listed, "first") == []
    assert len(corrected(listed, "second")) == 1


def test_nothing_follows_where_nobody_was_put_on_the_list(office: Office) -> None:
    """A referral that never waited has nothing to correct."""
    office.submit()
    office.receive()
    assert corrected(office, listed_by=None) == []


def test_an_accepted_referral_still_answers_what_was_said_of_its_wait_and_so_the_right_day(listed: Office) -> None:
    """The answer shows the wait for good; the acceptance stands."""
    listed.accept()
    assert len(corrected(listed)) == 1
    after = listed.referral()
    assert after.waiting is not None
    assert (after.state, after.waiting.expected_by) == (ReferralState.ACCEPTED, LATER)


def message(**fields: Any) -> casefile.correction.CorrectionRecorded:
    """A correction of casefile."""
    common = {
        "case": "C-1",
        "actor": ActorRef(sub="lotte.claes", role="NGO_COORDINATOR", org="brugwerk"),
        "occurred_at": january(20),
        "recorded_at": january(20),
        "digest": "d" * 64,
        "corrects": "entry",
        "corrected": "ReferralWaitlisted",
    }
    return casefile.correction.CorrectionRecorded(**{**common, **fields})


HOLDS = Reported(
    kind="ReferralWaitlisted",
    facts={"reason": "CAPACITY_FULL", "expected_by": "2026-04-01", "client_agreed": True},
)


def test_a_corrected_wait_is_told_by_its_own_event_and_other_corrections_are_nothing_to_a_referral() -> None:
    """`corrects` may name a correction; `source_event_id` is the event behind it. A reason alone changes nothing."""
    told, of_wait = (
        Delivery(at=january(21), by=CLOCK, source_event_id="told", source_position=1),
        {"referral": "R-1", "source_event_id": "second"},
    )
    command = when_a_waiting_lists_date_is_corrected_answer_the_right_one(message(**of_wait, holds=HOLDS), told)
    assert command is not None
    assert (command.referral_id, command.corrects, command.expected_by) == ("R-1", "second", LATER)
    meeting = Reported(kind="MeetingRecorded", facts={"minutes": 60})
    for other in (message(), message(holds=meeting), message(**of_wait)):
        assert when_a_waiting_lists_date_is_corrected_answer_the_right_one(other, told) is None


def test_the_referral_service_does_not_tell_again_what_casefile_told(listed: Office) -> None:
    """The correction is casefile's message, and no second one follows from it."""
    before = names(listed)
    assert len(corrected(listed)) == 1
    assert names(listed) == before
