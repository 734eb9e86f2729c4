"""An organisation that never answers: it is reminded, its terms pass, and the case returns visibly to its lead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.journeys.sandbox import Outsider, sandbox
from tests.support.people import AUDITOR, INES, LOTTE
from tests.support.requests import another_person, samira

pytestmark = pytest.mark.xdist_group("journey of silence")

SUBMITTED = "2026-01-12T09:30:00Z"
TERMS = {
    "RECEIPT": "2026-01-14T22:59:59Z",
    "DECISION": "2026-01-26T22:59:59Z",
    "EXPIRY": "2026-02-11T22:59:59Z",
}


@dataclass
class Silence:
    """A referral that nobody answers, one that is only received, and their timelines on 1 March."""

    outside: Outsider
    case: str
    received: str
    timeline: list[dict[str, Any]]
    received_timeline: list[dict[str, Any]]

    def recorded(self, *kinds: str) -> list[tuple[str, str]]:
        """When events of some types were recorded, in order."""
        return [(item["type"], item["recordedAt"]) for item in self.timeline if item["type"] in kinds]


@pytest.fixture(scope="module")
def silence(engines: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silence]:
    """Seven weeks in which nobody answers, in two moves of the clock."""
    with sandbox(tmp_path_factory.mktemp("silence") / "var", "--empty", **engines) as (_, outside):
        outside.clock(INES, SUBMITTED)
        silent = outside.refer(INES, samira()).json()
        received = outside.refer(INES, another_person()).json()
        outside.does(LOTTE, f"/v1/referrals/{received['id']}", "receive")
        outside.clock(INES, "2026-01-20T00:00:00Z")
        outside.clock(INES, "2026-03-01T00:00:00Z")
        # Going nowhere: what has been said is not said again.
        outside.clock(INES, "2026-03-01T00:00:00Z")
        yield Silence(
            outside,
            silent["case"],
            received["case"],
            outside.timeline(INES, silent["case"]),
            outside.timeline(INES, received["case"]),
        )


def four_fifths(since: str, due: str) -> str:
    """When 80 % of a term has passed, to the second."""
    began, ends = datetime.fromisoformat(since), datetime.fromisoformat(due)
    at = began + timedelta(seconds=int((ends - began).total_seconds() * 4 / 5))
    return at.isoformat().replace("+00:00", "Z")


def test_each_term_is_reminded_of_once_when_four_fifths_of_it_have_passed(silence: Silence) -> None:
    """Receipt, decision, expiry, and then the lead's own term, in the order of time."""
    expired = TERMS["EXPIRY"]
    expected = [four_fifths(SUBMITTED, due) for due in TERMS.values()]
    expected.append(four_fifths(expired, "2026-02-18T22:59:59Z"))
    assert [at for _, at in silence.recorded("DeadlineReminded")] == expected


def test_each_missed_term_is_recorded_once_at_its_own_due_time(silence: Silence) -> None:
    """Not when the clock arrived, but when the term ended."""
    missed = [at for _, at in silence.recorded("DeadlineMissed")]
    assert missed == [TERMS["RECEIPT"], TERMS["DECISION"], "2026-02-18T22:59:59Z"]


def test_the_referral_expires_after_thirty_days_and_the_case_returns(silence: Silence) -> None:
    """The end of 11 February, in the name of the system."""
    assert silence.recorded("ReferralExpired", "ReferralReturned") == [
        ("ReferralExpired", TERMS["EXPIRY"]),
        ("ReferralReturned", TERMS["EXPIRY"]),
    ]
    assert {item["actor"]["role"] for item in silence.timeline if item["type"] == "ReferralExpired"} == {"SYSTEM"}


def test_what_happened_on_the_way_stands_in_the_order_of_its_time(silence: Silence) -> None:
    """One move of the clock over many deadlines of several cases."""
    for items in (silence.timeline, silence.received_timeline):
        recorded = [item["recordedAt"] for item in items]
        assert recorded == sorted(recorded)


def test_receiving_meets_the_receipt_and_nothing_else(silence: Silence) -> None:
    """An organisation that acknowledged and then fell silent misses the decision, and the referral expires."""
    missed = [
        (item["text"], item["recordedAt"]) for item in silence.received_timeline if item["type"] == "DeadlineMissed"
    ]
    assert [at for _, at in missed] == [TERMS["DECISION"], "2026-02-18T22:59:59Z"]
    assert "RECEIPT" not in str(missed)


def test_after_the_expiry_the_case_lead_owns_the_next_service(silence: Silence) -> None:
    """The person is in nobody's void: the counsellor has the step, and it is shown as overdue."""
    (step,) = silence.outside.read(INES, f"/v1/cases/{silence.case}/responsibility")["steps"]
    assert (step["step"], step["owner"]["sub"], step["since"]) == ("NEXT_SERVICE", INES.sub, TERMS["EXPIRY"])
    assert (step["dueAt"], step["overdue"], step["awaiting"]) == ("2026-02-18T22:59:59Z", True, None)


def test_until_the_expiry_the_lead_was_responsible_and_the_organisation_awaited(silence: Silence) -> None:
    """Silence passes nothing to the side that is silent."""
    path = f"/v1/cases/{silence.case}/responsibility"
    for day in ("2026-01-13", "2026-01-20", "2026-02-10"):
        (step,) = silence.outside.read(AUDITOR, path, asOf=day)["steps"]
        assert (step["step"], step["owner"]["sub"]) == ("REFERRAL_ANSWER", INES.sub)
        assert step["awaiting"]["org"] == "brugwerk"


def test_the_feed_warns_the_organisation_of_each_term_once(silence: Silence) -> None:
    """Reminders and misses reach the side that has to act; after the end of its part nothing more does."""
    kinds = [
        (one["type"].removeprefix("org.caserelay."), one["data"].get("deadline"))
        for one in silence.outside.feed(LOTTE)
        if one["subject"] == silence.case
    ]
    reminded, missed = "referral.deadline_reminded.v1", "referral.deadline_missed.v1"
    escalated = "referral.deadline_escalated.v1"
    assert kinds == [
        ("referral.submitted.v1", None),
        ("case.opened.v1", None),
        (reminded, "RECEIPT"),
        (missed, "RECEIPT"),
        # To the leads on 21 January, and to the board on the 28th; of the decision on 2 and 9 February.
        (escalated, "RECEIPT"),
        (reminded, "DECISION"),
        (missed, "DECISION"),
        (escalated, "RECEIPT"),
        (escalated, "DECISION"),
        (reminded, "EXPIRY"),
        (escalated, "DECISION"),
        ("referral.expired.v1", None),
        ("case.referral_returned.v1", None),
    ]


def test_the_overdue_step_is_on_the_worklist_of_the_agency_and_in_its_overdue_cases(silence: Silence) -> None:
    """Those who must act find it without searching."""
    work = silence.outside.read(INES, "/v1/worklist")["items"]
    assert {item["case"] for item in work if item["overdue"]} == {silence.case, silence.received}
    late = silence.outside.read(INES, "/v1/cases", overdue="true")["items"]
    assert {case["id"] for case in late} == {silence.case, silence.received}


def test_an_expired_referral_takes_no_late_answer(silence: Silence) -> None:
    """The refusal names what ended it and when."""
    referral = silence.outside.read(INES, "/v1/referrals", case=silence.case)["items"][0]
    refused = silence.outside.command(LOTTE, f"/v1/referrals/{referral['id']}", "receive")
    assert refused.status_code == 409
    assert "EXPIRED" in refused.json()["detail"]
    assert "2026-02-11" in refused.json()["detail"]
