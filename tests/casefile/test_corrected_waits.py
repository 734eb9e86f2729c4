"""What an organisation said of a wait can be put right in the case, by the rule that it was put on the list under."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

import pytest
from msgspec.structs import replace

from contracts import casefile as published
from contracts import referral as told
from services.casefile.corrections import command_for
from services.casefile.domain.correction import Correct, CorrectionRecorded
from services.casefile.domain.corrections_of_reports import ReportWait
from services.casefile.domain.report_facts import reported_wait
from services.casefile.publishing import publish
from services.casefile.stamping import Stamp
from services.casefile.timeline import timeline
from services.chassis.http.problems.problem import ProblemError
from services.chassis.modelling.decider import Actor, Because
from services.chassis.vault.vault import Deposit, Vault
from tests.casefile.casebook import Casebook, codes, refusal
from tests.casefile.messages import about, due, submitted
from tests.support.actors import INES, KARIM, LOTTE
from tests.support.dates import on

WAIT = ReportWait(at=on(2, 2), by=LOTTE, reason="CAPACITY_FULL", expected_by=date(2026, 4, 1), client_agreed=True)


def waitlisted() -> told.ReferralWaitlisted:
    """Brugwerk put the referral on its list on 14 January, and expects a place by 1 March."""
    at, running = on(14, 1), [due("WAITLIST_REVIEW", 13, 2), due("EXPIRY", 14, 4)]
    said = {"reason": "CAPACITY_FULL", "since": at, "expected_by": date(2026, 3, 1)}
    return about(told.ReferralWaitlisted, LOTTE, at, deadlines=running, **said)


def correction(holds: ReportWait = WAIT, event: str = "wait") -> Correct:
    """That an entry of the list should have read like this."""
    return Correct(at=holds.at, by=holds.by, event=event, reason_ref="vault-9", with_holds=True, holds=holds)


@pytest.fixture
def listed(book: Casebook) -> Casebook:
    """The case of Samira, who waits since 14 January for a place that is expected by 1 March."""
    book.referred().tell(waitlisted(), event_id="wait")
    return book


def shown(book: Casebook, known_at: datetime | None = None) -> list[tuple[str, Any, tuple[str, ...]]]:
    """What the timeline says of the wait: the sentence, what holds, and by how many it was corrected."""
    items = timeline(book.history, known_at=known_at)
    about_it = [item for item in items if item.type in ("ReferralWaitlisted", "CorrectionRecorded")]
    return [(one.text, one.holds and one.holds.facts["expected_by"], one.corrected_by) for one in about_it]


def test_a_wrong_expected_date_is_put_right_from_then_on_and_not_before(listed: Casebook) -> None:
    """Said on 14 January, corrected on 2 February: both stand on the timeline, with the knowledge of January one."""
    (corrected,) = listed.act(correction())
    assert isinstance(corrected, CorrectionRecorded)
    assert corrected.was is not None
    assert corrected.was.facts == {"reason": "CAPACITY_FULL", "expected_by": "2026-03-01", "client_agreed": True}
    original = "brugwerk put the referral on its waiting list: CAPACITY_FULL. Expected by 2026-03-01."
    beside = "A correction stands beside ReferralWaitlisted, and says what holds: expected_by."
    event = listed.history[-1].meta.event_id
    assert shown(listed) == [(original, None, (event,)), (beside, "2026-04-01", ())]
    assert shown(listed, known_at=on(1, 2)) == [(original, None, ())]


def test_no_term_of_the_case_follows_from_the_expected_date(listed: Casebook) -> None:
    """The lead waits for the review of the list, as before: neither that nor the state moves."""
    steps, state = listed.case.steps, listed.case.state
    listed.act(correction())
    assert (listed.case.steps, listed.case.state) == (steps, state)


@pytest.mark.parametrize(
    ("holds", "faults"),
    [
        ({"expected_by": date(2026, 1, 13)}, [("/holds/expectedBy", "IN_THE_PAST")]),
        ({"client_agreed": False}, [("/holds/clientAgreed", "CLIENT_MUST_AGREE")]),
    ],
    ids=["past", "against their will"],
)
def test_what_holds_meets_the_rule_of_the_day_on_which_it_was_said(
    listed: Casebook, holds: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    """A date before 14 January lay behind already; one before the correction does not matter."""
    assert codes(refusal(listed, correction(replace(WAIT, **holds)))) == faults
    assert len(listed.act(correction(replace(WAIT, expected_by=date(2026, 1, 14))))) == 1


@pytest.mark.parametrize("by", [INES, KARIM], ids=lambda by: by.org)
def test_only_the_organisation_that_keeps_the_list_says_what_holds(listed: Casebook, by: Actor) -> None:
    """The agency may call the date wrong, and not say another one; a stranger neither."""
    assert refusal(listed, correction(replace(WAIT, by=by))).because == Because.RIGHTS


def test_the_agency_calls_a_date_wrong(listed: Casebook) -> None:
    """Without saying another one; what stands is untouched."""
    (corrected,) = listed.act(replace(correction(replace(WAIT, by=INES)), with_holds=False, holds=None))
    assert corrected.holds is None


def test_the_same_date_once_more_changes_nothing_and_a_correction_is_corrected_in_turn(listed: Casebook) -> None:
    """Whether it names the entry or its correction, `was` is what stood last, and the entry is the one behind both."""
    listed.act(correction())
    assert listed.act(correction(replace(WAIT, at=on(3, 2)))) == []
    by_its_id = correction(replace(WAIT, at=on(3, 2), expected_by=date(2026, 5, 1)), listed.history[-1].meta.event_id)
    (second,) = listed.act(by_its_id)
    assert second.was.facts["expected_by"] == "2026-04-01"
    assert (second.referral, second.source_event_id) == ("R-1", "wait")


def test_the_date_is_put_right_after_the_acceptance_too(listed: Casebook) -> None:
    """What was said stays a report of the organisation that has the case; its trajectory is untouched."""
    listed.tell(about(told.ReferralAccepted, LOTTE, on(1, 2), coordinator=LOTTE.sub))
    trajectory = listed.case.trajectory
    assert len(listed.act(correction())) == 1
    assert listed.case.trajectory == trajectory


def test_an_organisation_whose_consent_was_withdrawn_says_nothing_more(listed: Casebook) -> None:
    """Its part ended at once."""
    withdrawn = {"legal_basis": "LB-1", "withdrawn_at": on(1, 2)}
    listed.tell(about(told.LegalBasisWithdrawn, INES, on(1, 2), **withdrawn))
    assert refusal(listed, correction()).because == Because.RIGHTS


def test_a_former_organisations_correction_is_hidden_from_the_next_one(listed: Casebook) -> None:
    """It puts its own entry right and sees that; the organisation that has the case now sees neither."""
    declined = {"reason": "CAPACITY_FULL", "re_referable": True, "suggestion": None}
    listed.tell(about(told.ReferralDeclined, LOTTE, on(20, 1), **declined))
    listed.tell(submitted(on(22, 1), referral="R-2", organisation="samenstap", legal_basis_id="LB-2"))
    assert len(listed.act(correction())) == 1
    seen = {by: [item.type for item in timeline(listed.history, seen_by=by)] for by in ("brugwerk", "samenstap")}
    assert "CorrectionRecorded" in seen["brugwerk"]
    assert not {"CorrectionRecorded", "ReferralWaitlisted"} & set(seen["samenstap"])


def test_an_entry_of_old_that_kept_no_date_takes_the_right_one(listed: Casebook) -> None:
    """Before corrections reached the list, an entry had the reason alone."""
    entry = listed.history[-1]
    listed.history[-1] = replace(entry, event=replace(entry.event, expected_by=None))
    assert shown(listed)[0][0] == "brugwerk put the referral on its waiting list: CAPACITY_FULL."
    (corrected,) = listed.act(correction())
    assert (corrected.was.facts["expected_by"], corrected.holds.facts["expected_by"]) == (None, "2026-04-01")


def test_the_others_are_told_of_which_referral_and_of_which_of_its_events(listed: Casebook) -> None:
    """So the referral service knows what of its own is corrected; other corrections name no referral."""
    listed.act(correction())
    publication = publish(listed.history[-1])
    assert publication is not None
    message = publication[1]
    assert isinstance(message, published.correction.CorrectionRecorded)
    assert (message.referral, message.source_event_id) == ("R-1", "wait")
    assert message.holds is not None
    assert message.holds.facts["expected_by"] == "2026-04-01"


def test_of_an_entry_of_old_the_date_that_it_lacks_has_to_be_sent() -> None:
    """The reason alone does not say what holds: the fault names the field, and not a value that nobody sent."""
    aside = Deposit(cast("Vault", None), "case")
    stamp = Stamp(at=on(2, 2), by=LOTTE, deposit=aside, case_id="C-1", version=3)
    with pytest.raises(ProblemError) as refused:
        command_for({"reason": "NO_SUITABLE_MENTOR"}, reported_wait("CAPACITY_FULL", None), stamp)
    assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [("/holds/expectedBy", "REQUIRED")]
