"""A file of other terms: what it may hold, and what is said of one that holds something else."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.casefile.domain.known_programme import TermLength
from services.casefile.other_terms import NoCalendar, WrongPolicy, calendar_of, read_policy
from tests.casefile.clocked import WHOLE


def file(directory: Path, policy: Any) -> Path:
    """A file with other terms."""
    written = directory / "policy.json"
    written.write_text(policy if isinstance(policy, str) else json.dumps(policy), encoding="utf-8")
    return written


def test_what_differs_stands_over_the_programmes_own(tmp_path: Path) -> None:
    """A term, a region and closing days differ; the other terms and the country are as they were."""
    policy = {
        "terms": {"DECISION": {"n": 1, "unit": "WORKING_DAYS"}},
        "country": "DE",
        "region": "DE-BY",
        "closingDays": ["2026-07-13"],
        "checkInEveryDays": {"CHILDCARE": 14},
    }
    other, document = read_policy(file(tmp_path, policy))
    rules = other.over(WHOLE)
    assert document == policy
    assert rules.terms["DECISION"] == TermLength(n=1, unit="WORKING_DAYS")
    assert rules.terms["RECEIPT"] == WHOLE.terms["RECEIPT"]
    assert (rules.country, rules.region, rules.closing_days) == ("DE", "DE-BY", (date(2026, 7, 13),))
    assert rules.check_in_every_days == {"CHILDCARE": 14}
    assert read_policy(file(tmp_path, {}))[0].over(WHOLE) == WHOLE


def test_the_region_of_another_country_is_not_kept(tmp_path: Path) -> None:
    """A programme of Bavaria told again in Belgium has no region, and Belgian closing days stay what they were."""
    bavarian = replace(WHOLE, country="DE", region="DE-BY")
    assert read_policy(file(tmp_path, {"country": "BE"}))[0].over(bavarian).region is None
    assert read_policy(file(tmp_path, {"country": "DE"}))[0].over(bavarian).region == "DE-BY"


@pytest.mark.parametrize("policy", [{"country": "XX"}, {"region": "BE-XX"}])
def test_a_place_of_which_nobody_knows_the_holidays_is_refused(policy: Any, tmp_path: Path) -> None:
    """Working days there cannot be counted."""
    other, _ = read_policy(file(tmp_path, policy))
    with pytest.raises(NoCalendar, match="no public holidays are known for"):
        calendar_of(other.over(WHOLE))


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ('{"terms": ', "no JSON"),
        ("[]", "no object; give one such as"),
        (
            {"terms": {"DECISON": {"n": 1, "unit": "DAYS"}}},
            "terms.DECISON: no such term; terms are BOARD_TOLD, CHANGE_DECISION, ",
        ),
        ({"terms": {"REOPEN": {"n": 1, "unit": "DAYS"}}}, "terms.REOPEN: brings no reminder, breach or escalation"),
        ({"terms": {"DECISION": {"n": 0, "unit": "DAYS"}}}, "terms.DECISION.n: give a whole number of days from 1"),
        ({"terms": {"DECISION": {"n": True, "unit": "DAYS"}}}, "terms.DECISION.n: give a whole number of days"),
        ({"terms": {"DECISION": {"n": 1, "unit": "WEEKS"}}}, "terms.DECISION.unit: give DAYS or WORKING_DAYS"),
        ({"terms": {"DECISION": {"n": 1, "unit": "DAYS", "zone": "x"}}}, "terms.DECISION.zone: no member of a length"),
        ({"terms": {"DECISION": 3}}, 'terms.DECISION: give a length, such as {"n": 1, "unit": "WORKING_DAYS"}'),
        ({"terms": 3}, "terms: give an object of terms"),
        ({"name": "x"}, "name: times no deadline of a case; members that do are terms, country, region, closingDays"),
        ({"closingDays": ["2026-02-30"]}, "closingDays.0: give a day as YYYY-MM-DD"),
        ({"closingDays": "2026-02-28"}, "closingDays: give a list of days"),
        ({"ladder": {"L9": []}}, "ladder.L9: no such level; they are L0, L1, L2, L3"),
        (
            {"ladder": {"L2": ["MAYOR"]}},
            "ladder.L2: give a list of OWNER, CASE_CONTACTS, LEADS, BOARD, or an empty one",
        ),
        ({"ladder": []}, "ladder: give whom is told by level"),
        ({"country": 3}, "country: give an ISO 3166-1 alpha-2 code"),
        ({"checkInEveryDays": {"CATS": 3}}, "checkInEveryDays.CATS: no such support need; they are CHILDCARE, "),
        ({"checkInEveryDays": {"CHILDCARE": 0}}, "checkInEveryDays.CHILDCARE: give a whole number of days from 1 to"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, policy: Any, said: str) -> None:
    """By a line that names the member and what would be accepted."""
    with pytest.raises(WrongPolicy) as refused:
        read_policy(file(tmp_path, policy))
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    """As what is no JSON, in one line; bytes of another encoding are no text."""
    written = tmp_path / "policy.json"
    written.write_bytes('{"country": "\u00e9"}'.encode("latin-1"))
    with pytest.raises(WrongPolicy, match="no JSON"):
        read_policy(written)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Each is named, so that nobody has to try again for the next."""
    policy = {"name": "x", "terms": {"DECISION": {"n": 0, "unit": "WEEKS"}}}
    with pytest.raises(WrongPolicy, match=r"name: .*; terms\.DECISION\.n: .*; terms\.DECISION\.unit: "):
        read_policy(file(tmp_path, policy))
