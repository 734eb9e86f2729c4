"""Cases as they were recorded once: their stored bytes still tell who was responsible on every day."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from contracts.codes import CaseState
from services.casefile.domain.known_organisation import KNOWN_ORGANISATION
from services.casefile.domain.mentor import MENTOR, Mentor
from services.casefile.events import EVENT_TYPES
from services.casefile.history import fold, responsibility
from services.casefile.timeline import timeline
from services.chassis.log.metadata import Recorded
from tests.support.golden import corpus

TYPES = EVENT_TYPES


def of_kind(story: str, kind: str) -> list[Recorded]:
    """The events of a story in its one stream of a kind."""
    return [one for one in corpus("casefile").story(story, TYPES) if one.stream.startswith(kind)]


SAMIRA = of_kind("story-9.1", "case-")
YONAS = of_kind("story-9.2", "case-")


def digest(state: bytes) -> str:
    """The SHA-256 of stored bytes."""
    return hashlib.sha256(state).hexdigest()


def end_of(day: str) -> datetime:
    """The end of a day."""
    return datetime.fromisoformat(f"{day}T23:59:59").replace(tzinfo=UTC)


def state_on(day: str, records: list[Recorded]) -> CaseState | None:
    """Where the case stood at the end of a day."""
    return fold(records, as_of=end_of(day)).state


def owners(day: str, records: list[Recorded]) -> dict[str, str]:
    """Who owned which open step at the end of a day."""
    return {step.step: step.owner.sub for step in responsibility(records, as_of=end_of(day)).steps}


@pytest.mark.parametrize("records", [SAMIRA, YONAS], ids=["9.1", "9.2"])
def test_a_stored_case_is_whole(records: list[Recorded]) -> None:
    """Versions without a gap from the first one on, positions rising."""
    assert [recorded.version for recorded in records] == list(range(1, len(records) + 1))
    positions = [recorded.position for recorded in records]
    assert positions == sorted(set(positions))


def test_the_case_went_from_opened_to_finalised() -> None:
    """Story 9.1, state by state, as its table of dates says."""
    states = {
        "2026-01-12": CaseState.REFERRED,
        "2026-01-16": CaseState.INTAKE,
        "2026-01-29": CaseState.MATCHING,
        "2026-02-12": CaseState.MATCH_PROPOSED,
        "2026-02-19": CaseState.MENTORING,
        "2026-06-30": CaseState.HANDBACK_DUE,
        "2026-07-02": CaseState.HANDBACK_REQUESTED,
        "2026-07-06": CaseState.CLOSED,
        "2027-07-01": CaseState.FINALISED,
    }
    assert {day: state_on(day, SAMIRA) for day in states} == states
    assert fold(SAMIRA).close_reason == "EMPLOYMENT"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-01-12", {"REFERRAL_ANSWER": "ines.debacker"}),
        ("2026-01-16", {"FIRST_CONTACT": "lotte.claes", "INTAKE": "lotte.claes"}),
        ("2026-01-29", {"MATCHING": "lotte.claes"}),
        ("2026-02-12", {"MATCH_CONFIRMATION": "lotte.claes"}),
        ("2026-07-01", {"HANDBACK_REPORT": "lotte.claes"}),
        ("2026-07-05", {"HANDBACK_ACKNOWLEDGEMENT": "lotte.claes"}),
        ("2026-07-07", {"OUTCOME_FOLLOW_UP": "ines.debacker"}),
        ("2027-07-01", {}),
    ],
)
def test_every_day_has_the_owners_that_it_had(day: str, expected: dict[str, str]) -> None:
    """On 1 July the coordinator is still responsible, on 7 July the counsellor: the auditor's question."""
    assert owners(day, SAMIRA) == expected


def test_the_organisations_access_ended_twelve_weeks_after_its_part() -> None:
    """Until the end of 22 September 2026."""
    assert [access.closed for access in fold(SAMIRA, as_of=end_of("2026-09-21")).accesses] == [False]
    assert [access.closed for access in fold(SAMIRA, as_of=end_of("2026-09-22")).accesses] == [True]


def test_the_timeline_reads_as_it_did() -> None:
    """Every event has an item in the stream's order, with a sentence and who was responsible after it."""
    items = timeline(SAMIRA)
    assert [item.position for item in items] == list(range(1, len(items) + 1))
    assert all(item.text for item in items)
    counted = [item.type for item in items]
    expected = {"ReferralAccepted": 1, "MeetingRecorded": 9, "CheckInRecorded": 5, "PulseRecorded": 10}
    assert {name: counted.count(name) for name in expected} == expected
    assert counted[-1] == "CaseFinalised"


def test_an_entry_of_another_service_keeps_the_digest_of_its_event() -> None:
    """What casefile took in is what referral stored: the digests of one are among those of the other."""
    taken = {item.digest for item in timeline(SAMIRA) if item.type.startswith("Referral")}
    lines = [line.split(b"\t")[4] for line in corpus("referral").lines("story-9.1")]
    assert len(taken) == 4
    assert taken <= {digest(state) for state in lines}


def test_a_withdrawn_consent_sent_the_case_back_at_once() -> None:
    """Story 9.2: the coordinator owned the matching until the withdrawal, the counsellor the next service after it."""
    assert owners("2026-03-18", YONAS) == {"NEXT_SERVICE": "ines.debacker"}
    assert owners("2026-04-21", YONAS)["MATCHING"] == "karim.haddad"
    assert owners("2026-04-22", YONAS) == {"NEXT_SERVICE": "ines.debacker"}
    case = fold(YONAS, as_of=end_of("2026-04-22"))
    assert case.state is CaseState.OPENED
    assert case.trajectory is None
    assert {access.organisation: access.closed for access in case.accesses} == {"brugwerk": False, "samenstap": True}


@pytest.mark.parametrize(("story", "ref"), [("story-9.1", "M-41"), ("story-9.2", "S-7")])
def test_the_mentor_has_a_place_again(story: str, ref: str) -> None:
    """Engaged for the match, and free once it was over."""
    mentor: Mentor = MENTOR.initial
    engaged = []
    for recorded in of_kind(story, "mentor-"):
        mentor = MENTOR.evolve(mentor, recorded.event)
        engaged.append(len(mentor.cases))
        assert recorded.stream.endswith(ref)
    assert engaged == [0, 1, 0]
    assert mentor.profile is not None


def test_a_colleague_named_at_the_acceptance_took_over_with_the_first_command() -> None:
    """Lotte accepted and named Hanne, who reported on 20 January an attempt of the day before."""
    records = of_kind("a-colleague-named", "case-")
    held = {day: set(owners(day, records).values()) for day in ("2026-01-15", "2026-01-16", "2026-01-19", "2026-01-20")}
    assert held == {
        "2026-01-15": {"ines.debacker"},
        "2026-01-16": {"lotte.claes"},
        "2026-01-19": {"lotte.claes"},
        "2026-01-20": {"hanne.wouters"},
    }
    assert [item.type for item in timeline(records)][-4:] == [
        "CoordinatorProposed",
        "CoordinatorReassigned",
        "ContactAttempted",
        "IntakeConcluded",
    ]


def test_an_organisation_was_suspended_for_a_while() -> None:
    """What was learnt before there was suspension says that it was not suspended."""
    state, told = KNOWN_ORGANISATION.initial, []
    for recorded in of_kind("a-colleague-named", "organisation-"):
        state = KNOWN_ORGANISATION.evolve(state, recorded.event)
        told.append(state.suspended)
    assert told == [False, True, False]
    for recorded in of_kind("story-9.1", "organisation-"):
        assert not KNOWN_ORGANISATION.evolve(KNOWN_ORGANISATION.initial, recorded.event).suspended


def test_a_corrected_wait_reads_as_it_did_on_every_day() -> None:
    """Brugwerk expected a place by 1 March, and corrected that on the 13th of January to 1 April."""
    records = of_kind("a-corrected-wait", "case-")
    items = {item.type: item for item in timeline(records)}
    beside = items["CorrectionRecorded"]
    assert items["ReferralWaitlisted"].text.endswith("Expected by 2026-03-01.")
    assert items["ReferralWaitlisted"].corrected_by == (beside.event,)
    assert beside.holds is not None
    assert beside.holds.facts["expected_by"] == "2026-04-01"
    assert "CorrectionRecorded" not in [item.type for item in timeline(records, known_at=end_of("2026-01-12"))]
    assert {state_on("2026-01-12", records), state_on("2026-01-13", records)} == {CaseState.REFERRED}


def test_an_entry_of_before_there_were_expected_dates_has_none() -> None:
    """Its stored bytes have no such field."""
    event, _ = TYPES.decode(
        "case.referral_entry_taken.v1", corpus("casefile").samples()["case.referral_entry_taken.v1"]
    )
    assert event.expected_by is None


def test_a_correction_of_before_they_named_a_referral_names_none() -> None:
    """Its stored bytes have no such field."""
    topic = "case.correction_recorded.v1"
    event, _ = TYPES.decode(topic, corpus("casefile").samples()[topic])
    assert (event.referral, event.source_event_id) == (None, None)


def test_an_organisation_has_the_programmes_that_it_was_learnt_with() -> None:
    """What was learnt before they were told has none; a programme has its region and its closing days."""
    story = corpus("casefile").story("a-region-and-closing-days", TYPES)
    state = KNOWN_ORGANISATION.initial
    for recorded in of_kind("a-region-and-closing-days", "organisation-"):
        state = KNOWN_ORGANISATION.evolve(state, recorded.event)
    assert state.programmes == ("mtw-be-2026", "mtw-by-2026")
    (learnt,) = [one.event.rules for one in story if one.stream == "programme-mtw-by-2026"]
    assert (learnt.region, len(learnt.closing_days)) == ("DE-BY", 2)
    for recorded in of_kind("story-9.1", "organisation-"):
        assert KNOWN_ORGANISATION.evolve(KNOWN_ORGANISATION.initial, recorded.event).programmes == ()
