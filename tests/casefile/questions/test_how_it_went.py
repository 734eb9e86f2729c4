"""Q6 to Q14: two records each, which answer differently; counted by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.casefile.domain.agreement import AgreementSigned, Readiness
from services.casefile.domain.consent_withdrawal import NgoAccessRevoked, RecordedAfterWithdrawal
from services.casefile.domain.deadlines import DeadlineMissed, DeadlineReminded
from services.casefile.domain.disclosure import DisclosureRefused
from services.casefile.domain.exceptions import RoleExceptionGranted, RoleExceptionRequested
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.matching import MatchProposed
from services.casefile.domain.mentoring import MeetingRecorded, ProgressReported
from services.casefile.domain.outcomes import OutcomeRecorded, OutcomeWaived
from services.casefile.domain.task_refusals import TaskRefusedByCharter
from services.casefile.domain.tasks import TaskRecorded
from services.casefile.domain.tellings import ToldNoted
from services.chassis.modelling.ladder import Receiver
from tests.casefile.questions.stories import OPENED, ask, basis, beside, by_the_rules, proven, stopped, written
from tests.casefile.reports.entries import entry, with_brugwerk
from tests.casefile.reports.histories import LOTTE, Entry
from tests.support import actors
from tests.support.dates import on

READY = Readiness(
    kind="VOLUNTEER",
    screened_on=date(2025, 10, 1),
    trained_on=date(2026, 3, 1),
    insurance_note_on=date(2025, 11, 1),
    charter_version="v1",
    charter_acknowledged_on=date(2025, 11, 1),
    confidentiality_on=date(2026, 2, 19),
)
"""Trained on 1 March 2026; all else was done by 19 February."""


def matched() -> list[Entry]:
    """With brugwerk since 16 January; agreement signed on 19 February."""
    proposed = MatchProposed(
        match="m-1",
        organisation="brugwerk",
        mentor="M-41",
        kind="VOLUNTEER",
        criteria=("SECTOR",),
        sector_absence_ref=None,
        proposed_at=on(12, 2),
    )
    signed = AgreementSigned(
        match="m-1",
        start=date(2026, 2, 19),
        end=date(2026, 8, 18),
        norm=2,
        charter_version="v1",
        expectations_mentor_ref="vault-1",
        expectations_mentee_ref=None,
        readiness=READY,
        signed_at=on(19, 2),
    )
    return [*with_brugwerk(on(16, 1)), (on(12, 2), proposed), (on(19, 2), signed)]


def met(day: int, month: int) -> Entry:
    """The pair met."""
    return on(day, month), MeetingRecorded(happened_at=on(day, month), minutes=60, mode=None, topics=())


def task(verdict: str, exception: str | None = None, kind: str = "MONEY") -> Entry:
    """A volunteer did something on 2 March."""
    done = TaskRecorded(
        task=kind,
        role="VOLUNTEER_MENTOR",
        minutes=30,
        happened_at=on(2, 3),
        charter_version="v1",
        verdict=verdict,
        org="brugwerk",
        match="m-1",
        exception=exception,
    )
    return on(2, 3), done


def test_q6_terms_were_met() -> None:
    """None was missed from the referral to the closing, and nobody was warned."""
    found = ask("Q6", by_the_rules().history)
    assert found.clear
    assert found.text.startswith("Yes")
    assert (found.facts["missed"], found.facts["warnings"]) == ([], [])
    kept = {each["deadline"] for each in found.facts["keptInTime"]}
    assert {"MATCHING", "HANDBACK_REPORT", "HANDBACK_ACKNOWLEDGEMENT"} <= kept


def test_q6_says_who_was_warned_of_what_was_missed() -> None:
    """Reminded on 24 January, missed on the 26th: the coordinator heard at L0, both contacts at L1."""
    to_lotte, to_agency = Receiver(role="NGO_COORDINATOR", org="brugwerk"), Receiver(role="CASE_LEAD", org="vdab-gent")
    about: dict[str, Any] = {
        "deadline": "FIRST_CONTACT",
        "step": "FIRST_CONTACT",
        "due_at": on(26, 1),
        "awaited": "brugwerk",
    }
    reminded = DeadlineReminded(**about, owner=LOTTE, level="L0", notified=(to_lotte,))
    missed = DeadlineMissed(**about, owner=LOTTE, level="L1", notified=(to_lotte, to_agency))
    records = written(*with_brugwerk(on(16, 1)), (on(24, 1), reminded), (on(26, 1), missed))
    found = ask("Q6", records)
    assert not found.clear
    assert "brugwerk missed FIRST_CONTACT, due on 2026-01-26 09:00 UTC" in found.text
    assert "NGO_COORDINATOR of brugwerk (level L0) on 2026-01-24" in found.text
    assert "CASE_LEAD of vdab-gent (level L1)" in found.text
    assert proven(found, records)[-2:] == ["DeadlineReminded", "DeadlineMissed"]
    earlier = ask("Q6", records, as_of=on(25, 1))
    assert earlier.clear
    assert earlier.text.endswith("Reminders were sent 1 time.")


def test_q7_the_charter_was_kept() -> None:
    """One task, which volunteers may carry."""
    found = ask("Q7", by_the_rules().history)
    assert found.clear
    assert (
        found.text
        == "Yes: 1 task recorded, none against the charter; it refused no tasks and no exceptions were asked for."
    )
    assert [each["version"] for each in found.facts["charterVersions"]] == ["v1"]


def test_q7_exceptions_name_who_justified_them() -> None:
    """Asked for by Lotte Claes and granted by Hanne Wouters; without that the same task is against the charter."""
    refused = TaskRefusedByCharter(
        task="MONEY", role="VOLUNTEER_MENTOR", verdict="X", charter_version="v1", allowed_roles=()
    )
    about: dict[str, Any] = {"exception": "X1", "task": "MONEY", "rule": None, "organisation": "brugwerk"}
    excepted: list[Entry] = [
        (on(27, 2), refused, actors.LOTTE),
        (on(27, 2), RoleExceptionRequested(**about, justification_ref="vault-7"), actors.LOTTE),
        (on(28, 2), RoleExceptionGranted(**about, reason_ref="vault-8"), actors.HANNE),
    ]
    found = ask("Q7", written(*matched(), *excepted, task("X", "X1")))
    assert found.clear
    assert "it refused 1 task and 1 exception was asked for" in found.text
    assert "justified by lotte.claes (NGO_COORDINATOR of brugwerk), granted by hanne.wouters" in found.text
    assert "vault-" not in str(found)
    against = ask("Q7", written(*matched(), task("X")))
    assert not against.clear
    assert against.text.startswith("No: MONEY as VOLUNTEER_MENTOR was recorded against the charter")


def test_q8_nothing_and_something_was_done_in_place_of_a_service() -> None:
    """A gap in child care of 1 March; the volunteer searched for a place on the 2nd, or did something else."""
    found = ask("Q8", by_the_rules().history)
    assert found.clear
    assert found.text.startswith("Nothing on record says so: 1 task of volunteers")
    gap = ServiceGapReported(
        gap="c1.g1",
        service_kind="CHILDCARE",
        gap_type="ABSENT",
        task="CHILDCARE_SEARCH",
        reported_by=LOTTE,
        reported_at=on(1, 3),
    )
    records = written(*matched(), (on(1, 3), gap), task("S", kind="CHILDCARE_SEARCH"))
    instead = ask("Q8", records)
    assert not instead.clear
    assert instead.text.startswith("Yes: a volunteer did CHILDCARE_SEARCH on 2026-03-02")
    assert proven(instead, records) == ["ServiceGapReported", "TaskRecorded"]
    assert ask("Q8", written(*matched(), (on(1, 3), gap), task("L", kind="CV_FEEDBACK"))).clear


def test_q9_says_to_whom_under_what_and_until_when() -> None:
    """To brugwerk alone; after the withdrawal of 20 January one attempt was refused, and nothing was recorded."""
    found = ask("Q9", by_the_rules().history)
    assert found.clear
    assert "to brugwerk for referral R-1 on 2026-01-12 09:00 UTC under LB-1" in found.text
    assert found.text.endswith("Known to have read what they were told: nobody.")
    stop: list[Entry] = [
        (OPENED, basis("LB-1", OPENED)),
        *with_brugwerk(on(13, 1)),
        (on(20, 1), stopped("LB-1", on(20, 1))),
        (on(20, 1), NgoAccessRevoked(referral="R-1", organisation="brugwerk", reason="CONSENT_WITHDRAWN")),
    ]
    tried = DisclosureRefused(referral="R-1", organisation="brugwerk", legal_basis="LB-1", attempt="read")
    read = ToldNoted(organisation="brugwerk", channel="FEED", state="READ", events=("case-c1-3",))
    records, notes = written(*stop, (on(21, 1), tried)), beside((on(14, 1), read))
    ended = ask("Q9", records, notes)
    assert ended.clear
    assert "until 2026-01-20 09:00 UTC" in ended.text
    assert "1 attempt to read or use it was refused" in ended.text
    assert ended.text.endswith("Known to have read what they were told: brugwerk.")
    late = RecordedAfterWithdrawal(
        legal_basis="LB-1", organisation="brugwerk", withdrawn_at=on(20, 1), events=("case-c1-4", "case-c1-5")
    )
    unlawful = ask("Q9", written(*stop, (on(21, 1), late)))
    assert not unlawful.clear
    assert unlawful.facts["recordedAfterWithdrawal"] == 2
    assert ask("Q9", written()).text.startswith("Nothing was disclosed")


def test_q10_the_mentor_was_prepared_before_the_first_contact() -> None:
    """First met on 26 February; screened, trained, insured, charter and confidentiality in 2025."""
    found = ask("Q10", by_the_rules().history)
    assert found.clear
    assert found.text.startswith("Yes")
    assert [each["firstContact"] for each in found.facts["mentors"]] == ["2026-02-26"]


def test_q10_names_what_was_done_too_late() -> None:
    """Trained on 1 March: too late for a first meeting on 26 February, and in time for one on 3 March."""
    late = ask("Q10", written(*matched(), met(3, 3), met(26, 2)))
    assert not late.clear
    assert late.text == "No: the mentor of match m-1 was not trained by 2026-02-26, the day of the first contact."
    assert late.facts["mentors"][0]["lacks"] == ["trained"]
    assert ask("Q10", written(*matched(), met(3, 3))).clear
    assert ask("Q10", written()).text == "No agreement was signed, so no mentor had contact with the person."


def test_q11_check_ins_without_and_with_a_hole() -> None:
    """35 days at most; and a pair that met on 30 March, with whom nobody had spoken since 19 February: 39 days."""
    found = ask("Q11", by_the_rules().history)
    assert found.clear
    assert found.text == "Yes: 3 check-ins, and never more than 35 days between two of them."
    hole = ask("Q11", written(*matched(), met(30, 3)))
    assert not hole.clear
    assert "more than 35 days (2026-02-19 to 2026-03-30)" in hole.text
    assert ask("Q11", written(*matched(), met(20, 3))).clear


def test_q12_feedback_was_acknowledged_or_is_not_known_to_be_read() -> None:
    """Two reports, of which the agency accepted the last; and a progress report that nobody is known to have read."""
    found = ask("Q12", by_the_rules().history)
    assert found.clear
    assert found.text.startswith("Yes: 1 progress report and 1 handback report were sent; ines.debacker")
    report = ProgressReported(happened_at=on(19, 5), occasion="SCHEDULED", progress={}, next_step=None)
    records = written(*matched(), (on(19, 5), report))
    unread = ask("Q12", records)
    assert not unread.clear
    assert "0 of 1 known to be read" in unread.text
    event = records[-1].meta.event_id
    read = ToldNoted(organisation="vdab-gent", channel="FEED", state="READ", events=(event,))
    assert ask("Q12", records, beside((on(20, 5), read))).text.startswith("Yes")
    sent = ToldNoted(organisation="vdab-gent", channel="FEED", state="SENT", events=(event,))
    assert not ask("Q12", records, beside((on(20, 5), sent))).clear


def test_q13_results_with_their_sources_and_what_is_missing() -> None:
    """At the exit by the register, the rest to come; and one that was waived next to one whose day has passed."""
    found = ask("Q13", by_the_rules().history)
    assert found.clear
    assert found.text.startswith("At the exit: EMPLOYED_STABLE (source REGISTER), after 4 weeks: not on record yet")
    exit_ = OutcomeRecorded(
        point="EXIT", code="UNKNOWN", source="DECLARED", level_match=None, progress={}, happened_at=on(6, 7),
        finalise_at=None,
    )  # fmt: skip
    waived = OutcomeWaived(point="M6", reason="MOVED", finalise_at=None)
    missed = DeadlineMissed(
        deadline="OUTCOME_W4", step="OUTCOME_FOLLOW_UP", due_at=on(3, 8), owner=LOTTE, awaited="vdab-gent"
    )
    late = ask("Q13", written((on(6, 7), exit_), (on(3, 8), missed), (on(4, 8), waived)))
    assert not late.clear
    assert late.facts["overdue"] == ["W4"]
    assert "after 4 weeks: missing, though its day has passed, after 6 months: waived (MOVED)" in late.text


def test_q14_no_sign_and_signs_of_taking_part_twice() -> None:
    """One referral; two that were live at once from 14 January; and one that was declined as a double."""
    found = ask("Q14", by_the_rules().history)
    assert found.clear
    assert "1 referral, never two live at once" in found.text
    first, second = with_brugwerk(on(13, 1)), with_brugwerk(on(14, 1), "R-2", "samenstap")
    twice = ask("Q14", written(*first, *second))
    assert not twice.clear
    assert twice.facts["liveAtOnce"] == [["R-1", "R-2"]]
    declined = entry("ReferralDeclined", "R-1", "brugwerk", on(14, 1), "CAPACITY_FULL")
    later = with_brugwerk(on(15, 1), "R-2", "samenstap")
    assert ask("Q14", written(*first, declined, *later)).clear
    double = entry("ReferralDeclined", "R-1", "brugwerk", on(14, 1), "CONCURRENT_PROGRAMME")
    said_so = ask("Q14", written(*first, double))
    assert not said_so.clear
    assert "brugwerk declined referral R-1 with CONCURRENT_PROGRAMME" in said_so.text
