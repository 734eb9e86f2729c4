"""Scenario 9.1 as an agency and a mentoring organisation live it: every date of its table, over HTTP."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.journeys.happy_path import CHECK_INS, MEETINGS, Story, live
from tests.journeys.sandbox import Outsider, sandbox
from tests.support.people import AUDITOR, INES, LOTTE

pytestmark = pytest.mark.xdist_group("journey of the happy path")

MENTORING = {"MENTORING": "2026-08-18"}
REPORT_DUE = {"PROGRESS_REPORT": "2026-05-19"}
DUE = {
    "2026-01-12": {"REFERRAL_ANSWER": "2026-01-14"},
    "2026-01-13": {"REFERRAL_ANSWER": "2026-01-26"},
    "2026-01-16": {"FIRST_CONTACT": "2026-01-26", "INTAKE": "2026-02-06"},
    "2026-01-29": {"MATCHING": "2026-02-28"},
    "2026-02-12": {"MATCH_CONFIRMATION": "2026-02-19"},
    "2026-02-19": {**MENTORING, **REPORT_DUE, "CHECK_IN": "2026-03-05"},
    "2026-03-05": {**MENTORING, **REPORT_DUE, "CHECK_IN": "2026-03-19"},
    "2026-03-19": {**MENTORING, **REPORT_DUE, "CHECK_IN": "2026-04-19"},
    "2026-05-19": {**MENTORING, "CHECK_IN": "2026-06-19"},
    "2026-06-30": {"HANDBACK_REPORT": "2026-07-07"},
    "2026-07-02": {"HANDBACK_ACKNOWLEDGEMENT": "2026-07-09"},
    "2026-07-06": {"OUTCOME_FOLLOW_UP": "2026-07-28"},
    "2026-07-28": {"OUTCOME_FOLLOW_UP": "2026-12-30"},
    "2026-12-30": {"OUTCOME_FOLLOW_UP": "2027-06-30"},
}
"""What is due when at the end of each day of the table, by open step."""

TOLD = [
    "CaseOpened",
    "EligibilityConfirmed",
    "ParticipationChosen",
    "LegalBasisRecorded",
    "ReferralSubmitted",
    "CaseReferred",
    "ReferralReceived",
    "ReferralAccepted",
    "ResponsibilityTransferred",
    "ContactAttempted",
    "IntakeConcluded",
    "MatchProposed",
    "MatchConfirmed",
    "MatchConfirmed",
    "AgreementSigned",
    *itertools.repeat("…", 9 + 3 * 5 + 1 + 9),
    "TrajectoryCompleted",
    "HandbackRequested",
    "HandbackAccepted",
    "ResponsibilityTransferred",
    "CaseClosed",
    "OutcomeRecorded",
]
"""The timeline on 6 July, reminders left out; the months of mentoring are one ellipsis an event."""
BESIDES = {
    "TaskRecorded": 2,
    "TaskRefusedByCharter": 2,
    "RoleExceptionRequested": 1,
    "RoleExceptionGranted": 1,
    "ServiceGapReported": 1,
    "ServiceGapAnswered": 1,
    "GapActionCompleted": 1,
}
MENTORED = {"MeetingRecorded", "CheckInRecorded", "PulseRecorded", "ProgressReported", *BESIDES}

ACTS = [
    ("2026-01-12", "CaseOpened", "ines.debacker"),
    ("2026-01-12", "EligibilityConfirmed", "ines.debacker"),
    ("2026-01-12", "ParticipationChosen", "ines.debacker"),
    ("2026-01-12", "LegalBasisRecorded", "ines.debacker"),
    ("2026-01-12", "ReferralSubmitted", "ines.debacker"),
    ("2026-01-13", "ReferralReceived", "lotte.claes"),
    ("2026-01-16", "ReferralAccepted", "lotte.claes"),
    ("2026-01-16", "ResponsibilityTransferred", "lotte.claes"),
    ("2026-01-29", "IntakeConcluded", "lotte.claes"),
    ("2026-02-12", "MatchProposed", "lotte.claes"),
    ("2026-02-19", "MatchConfirmed", "M-41"),
    ("2026-02-19", "MatchConfirmed", "CL-7F3A"),
    ("2026-02-19", "AgreementSigned", "lotte.claes"),
    ("2026-03-10", "TaskRecorded", "M-41"),
    ("2026-03-24", "TaskRefusedByCharter", "M-41"),
    ("2026-03-24", "ServiceGapReported", "M-41"),
    ("2026-03-25", "RoleExceptionRequested", "lotte.claes"),
    ("2026-03-26", "RoleExceptionGranted", "hanne.wouters"),
    ("2026-03-26", "TaskRecorded", "lotte.claes"),
    ("2026-03-26", "TaskRefusedByCharter", "lotte.claes"),
    ("2026-04-20", "ServiceGapAnswered", "ines.debacker"),
    ("2026-05-11", "GapActionCompleted", "ines.debacker"),
    ("2026-05-19", "ProgressReported", "lotte.claes"),
    ("2026-06-30", "TrajectoryCompleted", "lotte.claes"),
    ("2026-07-02", "HandbackRequested", "lotte.claes"),
    ("2026-07-06", "HandbackAccepted", "ines.debacker"),
    ("2026-07-06", "ResponsibilityTransferred", "ines.debacker"),
    ("2026-07-06", "CaseClosed", "ines.debacker"),
    ("2026-07-06", "OutcomeRecorded", "ines.debacker"),
]
"""On which day who did what, by the scenario's table and its days of tasks; meetings, check-ins and pulses left out."""


@pytest.fixture(scope="module")
def story(engines: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The scenario, lived through once on each set-up for all tests here."""
    with sandbox(tmp_path_factory.mktemp("happy") / "var", "--empty", **engines) as (_, outside):
        yield live(outside)


@pytest.fixture
def outside(story: Story) -> Outsider:
    """What each reader sees after all has happened."""
    return story.outside


def test_the_submitted_referral_says_until_when_each_answer_is_due(story: Story) -> None:
    """Receipt within two working days, decision within ten, expiry after thirty days, in Brussels' time."""
    submitted = story.answers["submitted"]
    assert submitted["state"] == "SUBMITTED"
    assert submitted["dueAt"] == {
        "receipt": "2026-01-14T22:59:59Z",
        "decision": "2026-01-26T22:59:59Z",
        "expiry": "2026-02-11T22:59:59Z",
    }


@pytest.mark.parametrize("day", DUE)
def test_each_day_of_the_table_leaves_the_steps_due_that_it_names(story: Story, day: str) -> None:
    """The open steps at the end of a day, and until when each is due."""
    assert story.due[day] == DUE[day]


def test_all_deadlines_of_the_happy_path_are_met(story: Story, outside: Outsider) -> None:
    """Nobody is warned of a breach, and nothing is left overdue."""
    assert "DeadlineMissed" not in {item["type"] for item in outside.timeline(INES, story.case)}
    assert outside.read(INES, story.path)["overdue"] is False


@pytest.mark.parametrize(
    ("day", "owners"),
    [
        ("2026-01-12", {"REFERRAL_ANSWER": "ines.debacker"}),
        ("2026-01-15", {"REFERRAL_ANSWER": "ines.debacker"}),
        ("2026-01-16", {"FIRST_CONTACT": "lotte.claes", "INTAKE": "lotte.claes"}),
        ("2026-02-12", {"MATCH_CONFIRMATION": "lotte.claes"}),
        ("2026-07-01", {"HANDBACK_REPORT": "lotte.claes"}),
        ("2026-07-05", {"HANDBACK_ACKNOWLEDGEMENT": "lotte.claes"}),
        ("2026-07-07", {"OUTCOME_FOLLOW_UP": "ines.debacker"}),
    ],
)
def test_an_auditor_learns_who_was_responsible_on_a_day(
    story: Story, outside: Outsider, day: str, owners: dict[str, str]
) -> None:
    """Until the agency accepts the handback the organisation is responsible, and from then on the counsellor is."""
    assert outside.owners(AUDITOR, story.case, asOf=day) == owners
    assert outside.read(AUDITOR, f"{story.path}/responsibility", asOf=day)["caseLead"]["sub"] == "ines.debacker"


def test_responsibility_moves_at_the_very_moment_of_acceptance(story: Story, outside: Outsider) -> None:
    """A second before the organisation accepts, the counsellor still owns the answer."""
    before, after = "2026-01-16T09:59:59Z", "2026-01-16T10:00:00Z"
    assert set(outside.owners(AUDITOR, story.case, asOf=before).values()) == {"ines.debacker"}
    assert set(outside.owners(AUDITOR, story.case, asOf=after).values()) == {"lotte.claes"}


def test_the_timeline_tells_the_story_in_its_order(story: Story) -> None:
    """Every act stands on the timeline once, where it happened."""
    told = [item["type"] for item in story.answers["timeline of vdab-gent"] if item["type"] != "DeadlineReminded"]
    assert ["…" if kind in MENTORED else kind for kind in told if kind != "ReferralCompleted"] == TOLD
    assert told.count("ReferralCompleted") == 1
    assert Counter(kind for kind in told if kind in MENTORED) == {
        "MeetingRecorded": len(MEETINGS),
        "CheckInRecorded": len(CHECK_INS),
        "PulseRecorded": 2 * len(CHECK_INS),
        "ProgressReported": 1,
        **BESIDES,
    }


def test_every_act_of_the_table_stands_on_its_day_by_the_one_who_did_it(story: Story) -> None:
    """What was recorded by whom, as the agency reads it on 6 July."""
    told = [
        (item["recordedAt"][:10], item["type"], item["actor"]["sub"]) for item in story.answers["timeline of vdab-gent"]
    ]
    counted = {kind for _, kind, _ in ACTS}
    assert [act for act in told if act[1] in counted] == ACTS


def test_the_person_was_eligible_by_every_criterion_and_consented_in_their_language(
    story: Story, outside: Outsider
) -> None:
    """By each that the programme names; the text v3, in Arabic, for brugwerk alone."""
    programme = outside.read(AUDITOR, "/v1/programmes/mtw-be-2026")
    submitted = outside.read(AUDITOR, story.offer)
    assert submitted["eligibility"] == dict.fromkeys(programme["versions"][0]["criteria"], True)
    assert submitted["whyMentoring"] == "ADDED_CAPITAL"
    basis = outside.read(AUDITOR, f"/v1/legal-bases/{submitted['legalBasis']['id']}")
    given = (basis["kind"], basis["recipient"], basis["textVersion"], basis["language"])
    assert given == ("CONSENT", "brugwerk", "v3", "ar")
    disclosed = outside.read(AUDITOR, f"{story.offer}/disclosures")["items"]
    assert {item["legalBasis"] for item in disclosed} == {basis["id"]}
    assert disclosed[0]["what"] == "PACKET"


def test_the_match_names_its_criteria_and_the_agreement_its_terms(story: Story) -> None:
    """Sector, language and availability; to 18 August, two meetings a month, by the charter that all have signed."""
    (proposed,) = (item for item in story.answers["timeline of vdab-gent"] if item["type"] == "MatchProposed")
    assert "(VOLUNTEER): SECTOR, LANGUAGE, AVAILABILITY" in proposed["text"]
    agreement = story.answers["sign-agreement"]["trajectory"]["agreement"]
    assert (agreement["start"], agreement["end"], agreement["norm"]) == ("2026-02-19", "2026-08-18", 2)
    charter = story.outside.read(INES, "/v1/charters/v1")
    assert {"vdab-gent", "brugwerk", "samenstap"} == set(charter["signedBy"])


def test_the_mentor_carries_what_the_charter_leaves_to_volunteers(story: Story) -> None:
    """What a retired auditor knows of the sector is recorded, and leads to nothing else."""
    assert story.answers["record-task"]["trajectory"]["taskLeads"] == [
        {"task": "SECTOR_KNOWLEDGE", "role": "VOLUNTEER_MENTOR", "org": "brugwerk"}
    ]


def test_what_is_not_for_a_volunteer_is_refused_with_the_rule_and_moves_no_etag(story: Story) -> None:
    """Who may do it instead, and what is possible: to report the gap, or to ask for an exception."""
    problem = story.answers["refused task"].json()
    assert (problem["status"], problem["code"]) == (403, "TASK_REFUSED_BY_CHARTER")
    assert problem["rule"] == {
        "charterVersion": "v1",
        "task": "DIPLOMA_RECOGNITION_FILE",
        "role": "VOLUNTEER_MENTOR",
        "verdict": "X",
        "allowedRoles": ["PROFESSIONAL_MENTOR", "AGENCY_COUNSELLOR", "NGO_COORDINATOR"],
    }
    assert {"report-gap", "request-exception"} <= set(problem["nextActions"])
    before, after = story.answers["before the refusal"], story.answers["after the refusal"]
    assert before.headers["ETag"] == after.headers["ETag"]


def test_an_exception_of_the_lead_covers_one_record(story: Story, outside: Outsider) -> None:
    """Asked for by the coordinator, granted by the lead, used by the record; the next one is refused again."""
    (exception,) = outside.read(AUDITOR, story.path)["exceptions"]
    assert (exception["task"], exception["state"]) == ("DIPLOMA_RECOGNITION_FILE", "USED")
    again = story.answers["refused again"]
    assert (again.status_code, again.json()["code"]) == (403, "TASK_REFUSED_BY_CHARTER")


def test_the_gap_that_the_mentor_reported_was_answered_in_its_term(story: Story, outside: Outsider) -> None:
    """Due twenty working days after 24 March, Easter Monday left out: on 22 April. The agency's promise is kept."""
    (gap,) = outside.read(AUDITOR, story.path)["gaps"]
    assert (gap["serviceKind"], gap["gapType"], gap["state"]) == ("DIPLOMA_RECOGNITION_SUPPORT", "TOO_SLOW", "ANSWERED")
    assert (gap["reportedAt"], gap["dueAt"]) == ("2026-03-24T16:00:00Z", "2026-04-22T21:59:59Z")
    answer = gap["answer"]
    assert (answer["accepted"], answer["due"], answer["answeredAt"]) == (True, "2026-05-13", "2026-04-20T16:00:00Z")
    assert answer["completedAt"] == "2026-05-11T16:00:00Z"
    assert story.due["2026-03-24"]["SERVICE_GAP_ANSWER"] == "2026-04-22"
    assert "SERVICE_GAP_ANSWER" not in story.due["2026-04-20"]


def test_agency_and_organisation_read_the_same_items(story: Story) -> None:
    """One timeline for both, item by item, down to the digests; what comes after the handback is the agency's own."""
    ngo, agency = story.answers["timeline of brugwerk"], story.answers["timeline of vdab-gent"]
    assert [item["type"] for item in agency if item not in ngo] == ["OutcomeRecorded"]
    assert ngo == [item for item in agency if item in ngo]


def test_the_timeline_is_numbered_without_gaps_and_never_goes_back_in_time(story: Story, outside: Outsider) -> None:
    """Positions say that nothing is missing; what was recorded later stands later."""
    items = outside.timeline(AUDITOR, story.case)
    assert [item["position"] for item in items] == list(range(1, len(items) + 1))
    recorded = [item["recordedAt"] for item in items]
    assert recorded == sorted(recorded)


def test_the_feed_tells_both_parties_the_same_of_the_case(story: Story) -> None:
    """From its addressing on the organisation is sent what the agency is sent, in the same order."""
    ngo, agency = (
        [one for one in story.answers[f"feed of {org}"] if one["subject"] == story.case]
        for org in ("brugwerk", "vdab-gent")
    )
    assert [one["type"] for one in agency if one not in ngo] == ["org.caserelay.case.outcome_recorded.v1"]
    assert ngo == [one for one in agency if one in ngo]
    kinds = [one["type"] for one in ngo]
    assert kinds[0] == "org.caserelay.referral.submitted.v1"
    assert {"org.caserelay.referral.accepted.v1", "org.caserelay.referral.completed.v1"} <= set(kinds)


def test_the_accepted_handback_completes_the_referral(story: Story) -> None:
    """The loop is closed: the referral is COMPLETED for both sides as soon as the agency has the case back."""
    assert story.answers["referral of vdab-gent"]["state"] == "COMPLETED"
    assert story.answers["referral of brugwerk"]["state"] == "COMPLETED"


def test_every_follow_up_is_recorded_with_its_source(story: Story, outside: Outsider) -> None:
    """At exit, after four weeks, six and twelve months."""
    assert outside.read(AUDITOR, story.path)["outcomes"] == [
        {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "DECLARED", "levelMatch": True},
        {"point": "W4", "code": "EMPLOYED_STABLE", "source": "REGISTER", "levelMatch": None},
        {"point": "M6", "code": "EMPLOYED_STABLE", "source": "REGISTER", "levelMatch": None},
        {"point": "M12", "code": "EMPLOYED_STABLE", "source": "REGISTER", "levelMatch": None},
    ]


def test_the_last_follow_up_finalises_the_case(story: Story, outside: Outsider) -> None:
    """The system finalises it once, no step is open any more, and nothing but a correction is allowed."""
    finalised = [item for item in outside.timeline(INES, story.case) if item["type"] == "CaseFinalised"]
    assert [(item["actor"]["role"], item["recordedAt"][:10]) for item in finalised] == [("SYSTEM", "2027-06-30")]
    case = outside.read(INES, story.path)
    assert (case["state"], case["steps"]) == ("FINALISED", [])
    assert [allowed["action"] for allowed in case["allowedActions"]] == ["correct"]


def test_the_organisation_reads_the_case_until_its_access_ends(story: Story) -> None:
    """Twelve weeks after the trajectory's end, on 22 September, it still reads; the day after it does not."""
    for what in ("", "/timeline", "/responsibility", "/events"):
        assert story.answers[f"2026-09-22{what}"].status_code == 200
        refused = story.answers[f"2026-09-23{what}"]
        assert (refused.status_code, refused.json()["code"]) == (403, "ACCESS_ENDED")
        assert story.case not in refused.json()["detail"]


def test_the_organisation_reads_its_referral_as_long_as_the_case(story: Story) -> None:
    """The services agree on the day: contact data are not to be had longer than the case."""
    for what in ("", "/events", "/contact"):
        assert story.answers[f"2026-09-22 referral{what}"].status_code == 200
        refused = story.answers[f"2026-09-23 referral{what}"]
        assert (refused.status_code, refused.json()["code"]) == (403, "ACCESS_ENDED")
        assert "Samira" not in refused.text


def test_the_end_of_access_is_recorded_at_the_end_of_its_last_day(story: Story, outside: Outsider) -> None:
    """The history says when the organisation ceased to see the case, in whose name: nobody's."""
    (ended,) = (item for item in outside.timeline(AUDITOR, story.case) if item["type"] == "NgoAccessExpired")
    assert (ended["recordedAt"], ended["actor"]["role"]) == ("2026-09-22T21:59:59Z", "SYSTEM")


def test_the_feed_shows_nothing_of_the_case_once_access_has_ended(story: Story) -> None:
    """What an organisation may not read any more it is not sent again either."""
    assert {one.get("subject") for one in story.answers["2026-09-22 feed"]} >= {story.case}
    assert story.case not in str(story.answers["2026-09-23 feed"])


def test_the_organisation_finds_neither_the_case_nor_work_in_its_lists_afterwards(
    story: Story, outside: Outsider
) -> None:
    """Lists leave out what is not theirs any more."""
    assert story.case not in str(outside.read(LOTTE, "/v1/cases"))
    assert outside.read(LOTTE, "/v1/worklist")["items"] == []
