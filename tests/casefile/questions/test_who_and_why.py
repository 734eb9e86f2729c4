"""Q1 to Q5, Q15 and Q16: two records each, which answer differently; counted by hand."""

from __future__ import annotations

from msgspec.structs import replace

from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.intake import ContactAttempted, LogContactAttempt
from services.casefile.domain.matching import ConfirmMatch
from services.casefile.domain.report_facts import Reported
from services.casefile.domain.silence import SilenceNoticed
from services.casefile.domain.steps import OpenStep, Party
from services.casefile.questions.lapses import intervals
from services.casefile.reports.report import History
from tests.casefile.casebook import SIGN, Casebook
from tests.casefile.questions.stories import OPENED, ask, basis, by_the_rules, eligible, proven, stopped, written
from tests.casefile.reports.entries import with_brugwerk
from tests.casefile.reports.histories import INES, LOTTE, step
from tests.support import actors
from tests.support.dates import on


def moves(*, closes: tuple[str, ...] = (), opens: tuple[OpenStep, ...] = ()) -> SilenceNoticed:
    """An event that ends and begins what no decision would."""
    return SilenceNoticed(closes=closes, opens=opens)


def takes(owner: Party) -> OpenStep:
    """The step of the lead, with that owner."""
    return step("NEXT_SERVICE", owner, OPENED)


def test_q1_names_who_decided_and_both_times() -> None:
    """Eleven, from the submission to the closing, two of them the yeses of the pair; none was recorded late."""
    records = by_the_rules().history
    found = ask("Q1", records)
    kinds = [each["type"] for each in found.facts["decisions"]]
    assert kinds == [
        "ReferralSubmitted", "ReferralAccepted", "IntakeConcluded", "MatchProposed", "MatchConfirmed",
        "MatchConfirmed", "AgreementSigned", "TrajectoryCompleted", "HandbackRequested", "HandbackAccepted",
        "CaseClosed",
    ]  # fmt: skip
    accepted = found.facts["decisions"][1]
    assert accepted["by"] == {"role": "NGO_COORDINATOR", "org": "brugwerk", "sub": "lotte.claes"}
    assert (accepted["occurredAt"], accepted["recordedAt"]) == ("2026-01-16T09:00:00Z", "2026-01-16T09:00:00Z")
    assert found.text.startswith("11 decisions on record")
    assert "ines.debacker" in found.text
    assert found.clear
    assert len(proven(found, records)) == 11


def test_q1_names_what_was_recorded_late() -> None:
    """Signed on 19 February, recorded on the 23rd; and nobody decided anything where a case was only opened."""
    book = Casebook().proposed()
    for side in ("MENTOR", "MENTEE"):
        book.act(ConfirmMatch(at=on(19, 2), by=actors.LOTTE, side=side, on_behalf_reason="BY_PHONE"))
    book.act(replace(SIGN, at=on(23, 2), occurred_at=on(19, 2, hour=11)))
    found = ask("Q1", book.history)
    assert not found.clear
    assert found.facts["recordedLate"] == [book.history[-1].meta.event_id]
    assert found.text.endswith("Recorded a day or more after they happened: 1.")
    assert ask("Q1", written()).text == "Nobody has decided anything in the case yet."


def test_q2_each_sharing_has_a_basis_that_held() -> None:
    """Shared with brugwerk on 12 January at ten, under a consent of nine o'clock, text v3."""
    records = by_the_rules().history
    found = ask("Q2", records)
    assert found.clear
    assert "text version v3" in found.text
    (sharing,) = found.facts["sharings"]
    assert (sharing["organisation"], sharing["legalBasis"], sharing["validThen"]) == ("brugwerk", "LB-1", True)
    assert [each["validAtThatMoment"] for each in found.facts["bases"]] == [True]
    assert proven(found, records) == ["LegalBasisRecorded", "CaseReferred"]


def test_q2_a_withdrawn_basis_holds_for_nothing_later() -> None:
    """Given on 12 January, withdrawn on the 20th: a referral of the 13th rests on it, and one of the 21st does not."""
    given = (OPENED, basis("LB-1", OPENED))
    ended = (on(20, 1), stopped("LB-1", on(20, 1)))
    before = written(given, *with_brugwerk(on(13, 1)), ended)
    found = ask("Q2", before)
    assert found.clear
    assert "The person withdrew LB-1 on 2026-01-20" in found.text
    assert [each["validAtThatMoment"] for each in found.facts["bases"]] == [False]
    assert ask("Q2", before, as_of=on(19, 1)).facts["bases"][0]["validAtThatMoment"] is True
    after = ask("Q2", written(given, ended, *with_brugwerk(on(21, 1))))
    assert not after.clear
    assert after.text.startswith("Not always")
    other = ask("Q2", written((OPENED, basis("LB-1", OPENED, "samenstap")), *with_brugwerk(on(13, 1))))
    assert not other.clear


def test_q3_the_person_met_all_criteria() -> None:
    """Two of two, with the event of the referral log behind the entry."""
    records = by_the_rules().history
    found = ask("Q3", records)
    assert found.clear
    assert found.text.startswith("Yes")
    assert "2 criteria" in found.text
    assert found.facts["results"][0]["criteria"] == {"REGISTERED_JOBSEEKER": True, "RIGHT_TO_WORK": True}
    assert proven(found, records) == ["EligibilityConfirmed", "ReferralEntryTaken"]
    assert [proof.log for proof in found.proofs] == ["casefile", "casefile", "referral"]


def test_q3_an_unmet_criterion_is_named() -> None:
    """One of three."""
    found = ask("Q3", written((OPENED, eligible(RESIDENT=True, RIGHT_TO_WORK=False, REGISTERED=True))))
    assert not found.clear
    assert found.text.startswith("No")
    assert "RIGHT_TO_WORK, of 3 criteria" in found.text
    assert not ask("Q3", written()).clear


def test_q4_one_owner_of_each_step_at_each_moment() -> None:
    """On 1 July Lotte Claes, for the handback is not accepted; on the 7th Ines De Backer (domain reference 9.1)."""
    records = by_the_rules().history
    assert [step["owner"]["sub"] for step in ask("Q4", records, as_of=on(1, 7)).facts["steps"]] == ["lotte.claes"]
    later = ask("Q4", records, as_of=on(7, 7))
    assert {step["owner"]["sub"] for step in later.facts["steps"]} == {"ines.debacker"}
    assert later.facts["caseLead"]["sub"] == "ines.debacker"
    assert ask("Q4", records, as_of=on(11, 1)).text == "Nothing was on record of the case at that time."


def test_q4_what_was_known_then_differs_from_what_was_so() -> None:
    """Reached on 14 January, reported on the 20th: with the knowledge of the 19th the first contact was still owed."""
    book = Casebook().accepted()
    report = LogContactAttempt(at=on(24, 1), by=actors.LOTTE, channel="PHONE", reached=True, occurred_at=on(20, 1))
    book.act(report)

    def owed(**at: object) -> list[str]:
        return [step["step"] for step in ask("Q4", book.history, as_of=on(21, 1), **at).facts["steps"]]  # type: ignore[arg-type]

    assert "FIRST_CONTACT" not in owed()
    assert "FIRST_CONTACT" in owed(known_at=on(23, 1))


def test_q5_somebody_was_responsible_at_every_moment() -> None:
    """Computed from the intervals: each begins where another ends, from 12 January to now."""
    records = by_the_rules().history
    found = ask("Q5", records)
    assert found.clear
    assert found.text.startswith("No. From 2026-01-12 09:00 UTC")
    assert found.facts["lapses"] == []
    held = intervals(History("case-c1", records))
    covered = held[0].begin
    for each in held:
        assert each.begin <= covered, "a gap"
        covered = max(covered, each.end or on(1, 1, 2030))
    assert covered == on(1, 1, 2030)


def test_q5_names_the_hours_of_nobody_and_of_two() -> None:
    """Nobody from 13 January at ten to the 15th at ten, 48 hours; then two for one step for a day."""
    nobody = written((on(13, 1), moves(closes=("NEXT_SERVICE",))), (on(15, 1), moves(opens=(takes(INES),))))
    found = ask("Q5", nobody)
    assert not found.clear
    assert found.text == "Yes. Nobody was responsible from 2026-01-13 09:00 UTC to 2026-01-15 09:00 UTC (48.0 hours)."
    assert [lapse["hours"] for lapse in found.facts["lapses"]] == [48.0]
    assert len([proof for proof in found.proofs if proof.log == "casefile"]) == 3
    two = ask("Q5", written((on(13, 1), moves(opens=(takes(LOTTE),))), (on(14, 1), moves(closes=("NEXT_SERVICE",)))))
    both = [lapse["hours"] for lapse in two.facts["lapses"] if lapse["kind"] == "TWO_PARTIES"]
    assert both == [24.0]
    assert "were responsible at once" in two.text


def test_q15_numbers_without_a_hole_and_with_one() -> None:
    """Four events: as they are, without the third, with the second twice, and with two that changed places."""
    records = written((on(13, 1), eligible()), (on(14, 1), eligible()), (on(15, 1), eligible()))
    found = ask("Q15", records)
    assert found.clear
    assert "4 events, numbered from 1 to 4" in found.text
    assert "caserelay audit verify" in found.text
    assert len(found.proofs) == 4
    lacks = ask("Q15", [*records[:2], records[3]])
    assert not lacks.clear
    assert lacks.facts["missingVersions"] == [3]
    assert "versions 3 are missing" in lacks.text
    assert ask("Q15", [*records[:2], records[1], *records[2:]]).facts["repeatedVersions"] == [2]


def test_q16_nothing_and_something_was_corrected() -> None:
    """A contact of the 14th that was no contact, said on the 16th by Lotte Claes."""
    attempt = ContactAttempted(happened_at=on(14, 1), channel="PHONE", reached=True)
    untouched = written((on(14, 1), attempt, actors.LOTTE))
    assert ask("Q16", untouched).text == "Nothing was corrected."
    correction = CorrectionRecorded(
        corrects="case-c1-2",
        corrected="ContactAttempted",
        reason_ref="vault-9",
        was=Reported(kind="ContactAttempted", happened_at=on(14, 1), facts={"channel": "PHONE", "reached": True}),
        holds=Reported(kind="ContactAttempted", happened_at=on(14, 1), facts={"channel": "PHONE", "reached": False}),
    )
    corrected = written((on(14, 1), attempt, actors.LOTTE), (on(16, 1), correction, actors.LOTTE))
    found = ask("Q16", corrected)
    assert not found.clear
    assert "by lotte.claes" in found.text
    assert "the reason stands in the vault" in found.text
    (shown,) = found.facts["corrections"]
    assert (shown["was"]["reached"], shown["holds"]["reached"], shown["reasonOnRecord"]) == (True, False, True)
    assert proven(found, corrected) == ["ContactAttempted", "CorrectionRecorded"]
    assert "vault-9" not in str(found)
