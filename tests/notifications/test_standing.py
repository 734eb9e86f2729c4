"""Where cases and referrals stand by what was read of them, as the tables in docs/domain.md have it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.visibility import Addressed, Ended, Fact, Parties, Stopped
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.standing import is_open, known_from

AT = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)


def happened(name: str, cause: str | None = None, minutes: int = 0, **data: Any) -> MessageTaken:
    """A message about a case, of which nothing is read but these data."""
    happened.count = number = getattr(happened, "count", 0) + 1  # type: ignore[attr-defined]
    message = {"id": f"event-{number}", "data": {"referral": "r-1", **data}}
    if cause is not None:
        message["causationid"] = cause
    return MessageTaken(
        source="/services/casefile",
        sequence=number,
        type="org.caserelay.any.v1",
        name=name,
        case="case-1",
        recorded_at=AT + timedelta(minutes=minutes),
        audience=(),
        message=message,
    )


def state_of_case(*events: MessageTaken) -> str | None:
    """The state of the case after these."""
    known = known_from(events).case
    return known.state if known is not None else None


SUBMITTED = happened("ReferralSubmitted")
WITH_NGO = (SUBMITTED, happened("CaseOpened"), happened("ResponsibilityTransferred", step="INTAKE"))


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((SUBMITTED,), "REFERRED"),
        ((SUBMITTED, happened("CaseOpened")), "REFERRED"),
        ((happened("BroadcastOpened", broadcast="b-1"),), "REFERRED"),
        ((happened("BroadcastOpened", broadcast="b-1"), happened("BroadcastEnded", broadcast="b-1")), "OPENED"),
        ((happened("BroadcastOpened", broadcast="b-1"), happened("OfferWon", referral="r-2")), "REFERRED"),
        ((SUBMITTED, happened("ReferralDeclined")), "REFERRED"),
        ((SUBMITTED, happened("ReferralDeclined"), happened("ReferralReturned")), "OPENED"),
        (WITH_NGO, "INTAKE"),
        ((*WITH_NGO, happened("ResponsibilityTransferred", step="FIRST_CONTACT")), "INTAKE"),
        ((*WITH_NGO, happened("IntakeConcluded", suitable=True)), "MATCHING"),
        ((*WITH_NGO, happened("IntakeConcluded", suitable=False)), "INTAKE"),
        ((*WITH_NGO, happened("MatchProposed")), "MATCH_PROPOSED"),
        ((*WITH_NGO, happened("MatchProposed"), happened("MatchConfirmed")), "MATCH_PROPOSED"),
        ((*WITH_NGO, happened("MatchProposed"), happened("MatchRejected")), "MATCHING"),
        ((*WITH_NGO, happened("AgreementSigned")), "MENTORING"),
        ((*WITH_NGO, happened("AgreementSigned"), happened("MeetingRecorded")), "MENTORING"),
        ((*WITH_NGO, happened("AgreementSigned"), happened("TrajectorySuspended")), "SUSPENDED"),
        ((*WITH_NGO, happened("TrajectorySuspended"), happened("TrajectoryResumed")), "MENTORING"),
        ((*WITH_NGO, happened("AgreementSigned"), happened("MatchEnded", next="REMATCH")), "MATCHING"),
        ((*WITH_NGO, happened("AgreementSigned"), happened("MatchEnded", next="HANDBACK")), "HANDBACK_DUE"),
        ((*WITH_NGO, happened("AgreementSigned"), happened("MatchEnded", next=None)), "MENTORING"),
        ((*WITH_NGO, happened("TrajectoryCompleted")), "HANDBACK_DUE"),
        ((*WITH_NGO, happened("HandbackRequested")), "HANDBACK_REQUESTED"),
        ((*WITH_NGO, happened("HandbackRequested"), happened("HandbackReturned")), "HANDBACK_REQUESTED"),
        ((*WITH_NGO, happened("HandbackRequested"), happened("HandbackAccepted")), "OPENED"),
        ((*WITH_NGO, happened("HandbackAccepted"), happened("CaseClosed")), "CLOSED"),
        ((*WITH_NGO, happened("CaseReturned")), "OPENED"),
        ((*WITH_NGO, happened("CaseClosed"), happened("CaseReopened")), "OPENED"),
        ((*WITH_NGO, happened("CaseClosed"), happened("CaseFinalised")), "FINALISED"),
        ((happened("NgoAccessRevoked"),), None),
    ],
)
def test_a_case_stands_where_its_events_have_brought_it(events: tuple[MessageTaken, ...], state: str | None) -> None:
    """Section 7.3 of the domain reference, by what is published of it."""
    assert state_of_case(*events) == state


def test_a_case_that_an_offer_opens_again_is_referred() -> None:
    """The offer is heard of first, and that it reopened the case is what followed from it."""
    again = happened("ReferralSubmitted", referral="r-2")
    reopened = happened("CaseReopened", cause=again.message["id"])
    assert state_of_case(*WITH_NGO, happened("CaseClosed"), again, reopened) == "REFERRED"


def test_the_return_of_an_earlier_referral_does_not_undo_a_later_one() -> None:
    """They come on two topics: the next offer may be heard of before the case says that the last one ended."""
    again = happened("ReferralSubmitted", referral="r-2")
    assert state_of_case(SUBMITTED, happened("ReferralDeclined"), again, happened("ReferralReturned")) == "REFERRED"
    several = happened("BroadcastOpened", broadcast="b-1")
    assert state_of_case(SUBMITTED, happened("ReferralDeclined"), several, happened("ReferralReturned")) == "REFERRED"
    returned = happened("ReferralReturned", referral="r-2")
    assert state_of_case(SUBMITTED, again, returned) == "OPENED"


def test_what_is_heard_of_late_does_not_bring_a_case_back() -> None:
    """The next offer was heard of before the end of what went before it, which its own service recorded earlier."""
    again = happened("ReferralSubmitted", minutes=2, referral="r-2")
    for late in ("HandbackRequested", "HandbackAccepted", "CaseClosed"):
        assert state_of_case(*WITH_NGO, again, happened(late, minutes=1)) == "REFERRED"
    returned = (happened("HandbackRequested", minutes=1), happened("HandbackAccepted", minutes=1))
    assert state_of_case(*WITH_NGO, again, *returned, happened("MeetingRecorded", minutes=3)) == "REFERRED"
    accepted = happened("ResponsibilityTransferred", minutes=3, step="INTAKE", referral="r-2")
    assert state_of_case(*WITH_NGO, again, *returned, accepted) == "INTAKE"


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((SUBMITTED,), "SUBMITTED"),
        ((SUBMITTED, happened("DeadlineReminded")), "SUBMITTED"),
        ((SUBMITTED, happened("ReferralReceived")), "RECEIVED"),
        ((SUBMITTED, happened("InformationRequested")), "INFO_REQUESTED"),
        ((SUBMITTED, happened("InformationRequested"), happened("InformationProvided")), "RECEIVED"),
        ((SUBMITTED, happened("ReferralWaitlisted")), "WAITLISTED"),
        ((SUBMITTED, happened("ReferralAccepted")), "ACCEPTED"),
        ((SUBMITTED, happened("ReferralDeclined")), "DECLINED"),
        ((SUBMITTED, happened("ReferralWithdrawn")), "WITHDRAWN"),
        ((SUBMITTED, happened("ReferralExpired")), "EXPIRED"),
        ((SUBMITTED, happened("ReferralCompleted")), "COMPLETED"),
        ((SUBMITTED, happened("ErrorReported")), "SUBMITTED"),
        ((SUBMITTED, happened("ReferralEnteredInError")), "ENTERED_IN_ERROR"),
        ((happened("OfferMade"),), "SUBMITTED"),
        ((happened("OfferMade"), happened("OfferMoved", state="WITHDRAWN")), "WITHDRAWN"),
        ((happened("OfferAnswered", state="RECEIVED"),), "RECEIVED"),
        ((happened("OfferAnswered", state="WAITLISTED"), happened("OfferWon")), "WAITLISTED"),
        ((happened("OfferWon"), happened("ReferralAccepted")), "ACCEPTED"),
        ((happened("LegalBasisWithdrawn"),), None),
    ],
)
def test_a_referral_stands_where_its_events_have_brought_it(
    events: tuple[MessageTaken, ...], state: str | None
) -> None:
    """Section 7.2 of the domain reference, by what is published of it."""
    standing = known_from(events).referrals["r-1"]
    assert (standing.state, standing.event) == (state, events[-1].message["id"])


def test_an_anonymous_offer_is_no_case() -> None:
    """Who is offered somebody without a name has a referral, and no case yet."""
    assert known_from([happened("OfferMade"), happened("OfferMoved", state="RECEIVED")]).case is None


@pytest.mark.parametrize(
    ("state", "ended", "agencys", "organisations"),
    [
        ("MENTORING", 0, 1, 1),
        ("OPENED", 1, 1, 0),
        ("REFERRED", 1, 1, 0),
        ("CLOSED", 0, 0, 0),
        ("FINALISED", 0, 0, 0),
        (None, 0, 0, 0),
    ],
)
def test_a_case_is_open_for_who_has_a_part_in_it_while_it_goes_on(
    state: str | None, ended: int, agencys: int, organisations: int
) -> None:
    """The agency's goes on with the next offer; that of an organisation ends with its referral."""
    facts: list[Fact] = [Addressed(referral="r-1", agency="vdab-gent", organisation="brugwerk", place=(1,))]
    facts += [Ended(referral="r-1", place=(2,))] if ended else []
    parties = Parties()
    for fact in facts:
        parties = parties.take(fact)
    assert is_open(state, parties, "vdab-gent") == agencys
    assert is_open(state, parties, "brugwerk") == organisations
    assert not is_open(state, parties.take(Stopped(referral="r-1")), "brugwerk")
    assert not is_open(state, parties, "samenstap")
