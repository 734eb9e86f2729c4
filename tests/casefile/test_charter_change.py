"""Another charter comes to govern a running match: who is asked to acknowledge it, until when, and what it changes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.casefile.domain.charter_change import (
    AcknowledgeCharter,
    CharterAcknowledged,
    CharterChanged,
    NoticeCharter,
)
from services.casefile.domain.deadlines import DeadlineMissed, PassDeadline, RemindDeadline
from services.casefile.domain.matching import ConfirmMatch
from services.casefile.domain.mentor import MentorAcknowledgedCharter
from services.casefile.domain.people import CoordinatorReassigned, ReassignCoordinator
from services.casefile.domain.proposals import DecideChange, ProposeChange
from services.casefile.domain.steps import OpenStep
from services.casefile.domain.suspension import Resume, Suspend
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.chassis.modelling.decider import Actor
from tests.casefile.casebook import MENTOR_REF, PROPOSE, READY, SIGN, Casebook, codes, refusal
from tests.support.actors import AN, CLOCK, INES, LOTTE
from tests.support.dates import end_of, on

MENTOR = Actor(sub=MENTOR_REF, role="VOLUNTEER_MENTOR", org="brugwerk")
NOTICE = NoticeCharter(at=on(2, 3), by=CLOCK)
OWN = AcknowledgeCharter(at=on(4, 3), by=LOTTE, side="COORDINATOR")
MENTORS = AcknowledgeCharter(at=on(4, 3), by=MENTOR, side="MENTOR")
PASSED_ON = replace(MENTORS, by=LOTTE, on_behalf_reason="NO_ACCOUNT")
REMATCH = EndMatch(at=on(9, 3), by=LOTTE, reason="MISMATCH", next="REMATCH", closure_talk=True)


def confirmed(side: str) -> ConfirmMatch:
    """One side's yes."""
    return ConfirmMatch(at=on(19, 2), by=LOTTE, side=side, on_behalf_reason="BY_PHONE")


def under(book: Casebook, version: str) -> Casebook:
    """The programme names another version from now on."""
    book.rules = replace(book.rules, charter_version=version)
    return book


def noticed(book: Casebook, version: str = "v2", notice: NoticeCharter = NOTICE) -> list[Any]:
    """A version of the programme begins that names this charter."""
    book.begins = version
    return book.act(notice)


def asked(book: Casebook) -> dict[str, OpenStep]:
    """Who is asked to acknowledge a charter."""
    return {str(step.about): step for step in book.case.steps if step.step == "CHARTER_ACKNOWLEDGEMENT"}


def in_use(book: Casebook) -> tuple[str, tuple[str, ...]]:
    """The charter that the pair goes by, and who has acknowledged it."""
    assert book.case.trajectory is not None
    used = book.case.trajectory.charter
    assert used is not None
    return used.version, tuple(used.acknowledged)


def test_mentor_and_coordinator_have_ten_working_days_each(book: Casebook) -> None:
    """From Monday 2 March until 16 March, with a reminder before; the agreement keeps what it was signed under."""
    (event,) = noticed(book.mentoring())
    assert isinstance(event, CharterChanged)
    assert (event.charter_version, event.previous) == ("v2", "v1")
    steps = asked(book)
    assert {side: (step.owner.sub, step.due_at) for side, step in steps.items()} == {
        "MENTOR": (MENTOR_REF, end_of(16, 3)),
        "COORDINATOR": (LOTTE.sub, end_of(16, 3)),
    }
    assert steps["MENTOR"].owner.role == "VOLUNTEER_MENTOR"
    assert book.case.match is not None
    assert book.case.match.agreement is not None
    assert book.case.match.agreement.charter_version == "v1"
    (reminded,) = book.act(RemindDeadline(at=on(14, 3), by=CLOCK, name="CHARTER_ACKNOWLEDGEMENT:MENTOR"))
    assert reminded.owner.sub == MENTOR_REF
    missed, *_ = book.act(PassDeadline(at=on(17, 3), by=CLOCK, name="CHARTER_ACKNOWLEDGEMENT:MENTOR"))
    assert isinstance(missed, DeadlineMissed)
    assert asked(book).keys() == {"MENTOR", "COORDINATOR"}


def test_a_notice_changes_nothing_where_the_charter_is_the_same_or_was_told(book: Casebook) -> None:
    """However often it comes, and whichever process sends it."""
    assert noticed(book.mentoring(), "v1") == []
    assert len(noticed(book)) == 1
    assert book.act(NOTICE) == []
    assert book.act(replace(NOTICE, at=on(3, 3))) == []


@pytest.mark.parametrize("state", ["matching", "proposed", "handback_due", "closed"])
def test_who_has_signed_nothing_yet_or_nothing_any_more_is_not_asked(book: Casebook, state: str) -> None:
    """Only a pair whose agreement is in force."""
    getattr(book, state)()
    assert noticed(book) == []


def test_an_agreement_that_comes_later_is_under_the_new_charter_and_asks_nobody(book: Casebook) -> None:
    """Who signs under it has read it."""
    under(book, "v2").describe_mentor(replace(READY, charter_version="v2"))
    book.matching().act(PROPOSE)
    for side in ("MENTOR", "MENTEE"):
        book.act(confirmed(side))
    book.act(SIGN)
    assert in_use(book) == ("v2", ())
    assert book.act(NOTICE) == []


def test_a_pair_in_a_pause_is_asked_too_and_a_pause_takes_nothing_back(book: Casebook) -> None:
    """The steps outlast a pause that begins or ends."""
    book.mentoring().act(Suspend(at=on(1, 3), by=LOTTE, reason="HOLIDAY"))
    assert len(noticed(book)) == 1
    book.act(Resume(at=on(5, 3), by=LOTTE))
    assert asked(book).keys() == {"MENTOR", "COORDINATOR"}


def test_a_mentor_who_acknowledged_it_before_is_not_asked_again(book: Casebook) -> None:
    """For another match, or as the organisation vouches for it."""
    book.mentoring().describe_mentor(replace(READY, charter_version="v2"))
    noticed(book)
    assert asked(book).keys() == {"COORDINATOR"}


def test_each_acknowledges_for_themselves_and_once(book: Casebook) -> None:
    """The step ends with it; a repeat changes nothing; the mentor's word is in the profile from then on."""
    noticed(book.mentoring())
    known, event = book.act(MENTORS)
    assert isinstance(known, MentorAcknowledgedCharter)
    assert isinstance(event, CharterAcknowledged)
    assert asked(book).keys() == {"COORDINATOR"}
    assert book.act(replace(MENTORS, at=on(5, 3))) == []
    book.act(OWN)
    assert asked(book) == {}
    assert in_use(book) == ("v2", ("MENTOR", "COORDINATOR"))
    (mentor,) = book.mentors.values()
    assert mentor.profile is not None
    assert (mentor.profile.charter_version, mentor.profile.charter_acknowledged_on) == ("v2", on(4, 3).date())


def test_the_coordinator_passes_on_the_word_of_a_mentor_without_an_account(book: Casebook) -> None:
    """With a reason, as a yes to a match. A colleague may stand in for a coordinator, and no mentor."""
    noticed(book.mentoring())
    assert codes(refusal(book, replace(PASSED_ON, on_behalf_reason=None))) == [("/onBehalfReason", "REQUIRED")]
    assert codes(refusal(book, replace(MENTORS, on_behalf_reason="BY_PHONE"))) == [("/onBehalfReason", "NOT_EXPECTED")]
    assert codes(refusal(book, replace(OWN, on_behalf_reason="BY_PHONE"))) == [("/onBehalfReason", "NOT_EXPECTED")]
    assert refusal(book, replace(OWN, by=MENTOR)).code == "NOT_YOUR_SIDE"
    assert len(book.act(PASSED_ON)) == 2
    assert asked(book).keys() == {"COORDINATOR"}
    assert len(book.act(replace(OWN, by=AN))) == 1
    assert asked(book) == {}


def test_what_is_acknowledged_is_the_version_that_governs(book: Casebook) -> None:
    """Another one is refused with the one that is asked for, and so is what nobody asks for."""
    assert refusal(book.mentoring(), OWN).code == "NOTHING_TO_ACKNOWLEDGE"
    noticed(book)
    assert codes(refusal(book, replace(OWN, charter_version="v1"))) == [("/charterVersion", "CHARTER_NOT_IN_FORCE")]
    assert codes(refusal(book, replace(OWN, occurred_at=on(1, 3)))) == [("/occurredAt", "TOO_EARLY")]
    assert book.act(replace(OWN, charter_version="v2", occurred_at=on(3, 3)))


def test_a_further_charter_asks_both_again(book: Casebook) -> None:
    """About the newer one alone, with a term of its own, also who had acknowledged the one before."""
    noticed(book.mentoring())
    book.act(OWN)
    noticed(book, "v3", replace(NOTICE, at=on(9, 3)))
    assert {side: step.due_at for side, step in asked(book).items()} == {
        "MENTOR": end_of(23, 3),
        "COORDINATOR": end_of(23, 3),
    }
    assert in_use(book) == ("v3", ())


def test_the_mentor_is_asked_no_more_once_the_match_is_over_and_the_coordinator_is(book: Casebook) -> None:
    """Until the trajectory is: it is the coordinator who goes on with another pair."""
    noticed(book.mentoring())
    book.act(REMATCH)
    assert asked(book).keys() == {"COORDINATOR"}
    book.act(replace(OWN, at=on(10, 3)))
    assert asked(book) == {}
    other = Casebook().mentoring()
    noticed(other)
    other.act(CompleteTrajectory(at=on(9, 3), by=LOTTE, reason="EMPLOYMENT", closure_talk=True))
    assert asked(other) == {}


def test_no_agreement_is_signed_by_a_coordinator_who_has_not_acknowledged_the_charter(book: Casebook) -> None:
    """And with it acknowledged it is, under the new version."""
    noticed(book.mentoring())
    book.act(REMATCH)
    book.describe_mentor(replace(READY, charter_version="v2"))
    book.act(replace(PROPOSE, at=on(10, 3), match="match-2"))
    for side in ("MENTOR", "MENTEE"):
        book.act(replace(confirmed(side), at=on(11, 3)))
    sign = replace(SIGN, at=on(11, 3, hour=11))
    refused = refusal(book, sign)
    assert refused.code == "CHARTER_NOT_ACKNOWLEDGED"
    assert refused.who_can_unblock == "the coordinator, by acknowledge-charter"
    book.act(replace(OWN, at=on(11, 3)))
    (signed,) = book.act(sign)
    assert signed.charter_version == "v2"


def test_an_agreement_that_is_told_later_is_under_the_charter_of_its_day(book: Casebook) -> None:
    """Signed before the change and recorded after it: the pair is asked at once."""
    book.proposed()
    for side in ("MENTOR", "MENTEE"):
        book.act(confirmed(side))
    book.rules_then = book.rules
    under(book, "v2")
    signed, changed = book.act(replace(SIGN, at=on(2, 3), occurred_at=on(27, 2)))
    assert (signed.charter_version, changed.charter_version) == ("v1", "v2")
    assert asked(book).keys() == {"MENTOR", "COORDINATOR"}


def test_who_takes_over_before_it_is_acknowledged_has_ten_days_from_then(book: Casebook) -> None:
    """Taken over on Thursday 5 March: until 19 March, and not the rest of the time of the one before."""
    noticed(book.mentoring())
    (event,) = book.act(ReassignCoordinator(at=on(5, 3), by=AN))
    assert isinstance(event, CoordinatorReassigned)
    step = asked(book)["COORDINATOR"]
    assert (step.owner.sub, step.since, step.due_at) == (AN.sub, on(5, 3), end_of(19, 3))
    assert asked(book)["MENTOR"].due_at == end_of(16, 3), "the mentor's word is due when it was"
    book.act(replace(OWN, by=AN, at=on(6, 3)))
    assert asked(book).keys() == {"MENTOR"}


@pytest.mark.parametrize("way", ["takes over", "is agreed on"])
def test_who_takes_over_later_is_asked_as_well(book: Casebook, way: str) -> None:
    """The one before acknowledged the charter; that is not the word of the one who comes, who owes it from that day."""
    noticed(book.mentoring())
    book.act(OWN)
    if way == "takes over":
        book.act(ReassignCoordinator(at=on(9, 3), by=AN))
    else:
        book.act(ProposeChange(at=on(9, 3), by=LOTTE, change="COORDINATOR", coordinator=AN.sub))
        (held,) = book.case.proposals
        book.act(DecideChange(at=on(9, 3), by=INES, proposal=held.proposal, approved=True))
    step = asked(book)["COORDINATOR"]
    assert (step.owner.sub, step.due_at) == (AN.sub, end_of(23, 3))
    assert in_use(book) == ("v2", ())
    book.act(replace(OWN, by=AN, at=on(10, 3)))
    assert in_use(book) == ("v2", ("COORDINATOR",))


def test_who_takes_over_again_has_acknowledged_it_already(book: Casebook) -> None:
    """Each coordinator is asked once for a version, however often the case changes hands; for the next again."""
    noticed(book.mentoring())
    book.act(OWN)
    book.act(ReassignCoordinator(at=on(9, 3), by=AN))
    book.act(replace(OWN, by=AN, at=on(10, 3)))
    for who, day in ((LOTTE, 11), (AN, 12)):
        (event,) = book.act(ReassignCoordinator(at=on(day, 3), by=who))
        assert event.opens == ()
    noticed(book, "v3", replace(NOTICE, at=on(13, 3)))
    assert asked(book)["COORDINATOR"].owner.sub == AN.sub


@pytest.mark.parametrize("state", ["matching", "proposed", "mentoring", "handback_due"])
def test_who_takes_over_a_case_whose_charter_has_not_changed_is_asked_nothing(book: Casebook, state: str) -> None:
    """Nothing came to govern the match that its agreement does not name; or no match runs."""
    getattr(book, state)()
    (event,) = book.act(ReassignCoordinator(at=on(9, 3), by=AN))
    assert event.opens == ()
    assert asked(book) == {}
