"""A year's jump of the clock, and a year in which the sandbox is stopped on the way: each level comes once, in time.

All days are counted by hand from the calendar of Belgium in 2026 and 2027.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.sandbox import Outsider, sandbox
from tests.support.people import AUDITOR, INES, LOTTE
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("a year of levels")]

BEGINS = "2026-01-12T09:30:00Z"
A_YEAR_LATER = "2027-01-12T09:30:00Z"
LEVELS = ("DeadlineReminded", "DeadlineMissed", "DeadlineEscalated")
UNANSWERED = {
    # Sent on Monday 12 January 2026: receipt by Wednesday, decision by the 26th, and it expires on 11 February. Then
    # the lead has until the 18th to decide what comes next.
    ("RECEIPT", "L1"): "2026-01-14T22:59:59Z",
    ("RECEIPT", "L2"): "2026-01-21T22:59:59Z",
    ("RECEIPT", "L3"): "2026-01-28T22:59:59Z",
    ("DECISION", "L1"): "2026-01-26T22:59:59Z",
    ("DECISION", "L2"): "2026-02-02T22:59:59Z",
    ("DECISION", "L3"): "2026-02-09T22:59:59Z",
    ("NEXT_SERVICE", "L1"): "2026-02-18T22:59:59Z",
    ("NEXT_SERVICE", "L2"): "2026-02-25T22:59:59Z",
    ("NEXT_SERVICE", "L3"): "2026-03-04T22:59:59Z",
}
ACCEPTED = {
    # Accepted on the same day: ten days and fifteen working days.
    ("FIRST_CONTACT", "L2"): "2026-01-29T22:59:59Z",
    ("FIRST_CONTACT", "L3"): "2026-02-05T22:59:59Z",
    ("INTAKE", "L2"): "2026-02-09T22:59:59Z",
    ("INTAKE", "L3"): "2026-02-16T22:59:59Z",
}


def refer(outside: Outsider) -> tuple[str, str]:
    """A case that nobody answers, and one that is accepted and then left alone."""
    outside.clock(INES, BEGINS)
    silent, left = (outside.refer(INES, another_person()).json() for _ in range(2))
    outside.does(LOTTE, f"/v1/referrals/{left['id']}", "receive")
    outside.does(LOTTE, f"/v1/referrals/{left['id']}", "accept", {"coordinator": LOTTE.sub})
    return silent["case"], left["case"]


def climbed(outside: Outsider, case: str) -> list[tuple[str, str, str, str]]:
    """Each term's levels as the timeline has them: the term, its level, when it was due, and when that was recorded."""
    items: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next": None}
    while page.get("items") or not items:
        cursor = {"cursor": page["next"]} if page["next"] else {}
        page = outside.read(AUDITOR, f"/v1/cases/{case}/timeline", **cursor)
        items += page["items"]
        if page["next"] is None:
            break
    return [
        (_term(item["text"]), item["level"], item["dueAt"], item["recordedAt"])
        for item in items
        if item["type"] in LEVELS
    ]


def _term(text: str) -> str:
    words = text.replace(",", "").split()
    return words[1] if words[0] == "Reminder:" else words[2]


def once_each(found: list[tuple[str, str, str, str]]) -> dict[tuple[str, str, str], str]:
    """When each level of each term was recorded, none of them twice."""
    counted = Counter((term, level, due) for term, level, due, _ in found)
    assert set(counted.values()) == {1}, [one for one, n in counted.items() if n > 1]
    return {(term, level, due): at for term, level, due, at in found}


def first_of(levels: dict[tuple[str, str, str], str]) -> dict[tuple[str, str], str]:
    """The same of the first time that a term was due."""
    return {(term, level): at for (term, level, _), at in sorted(levels.items(), reverse=True)}


@pytest.mark.timeout(170)
def test_a_year_in_one_jump_has_every_level_once_and_in_its_time(tmp_path: Path) -> None:
    """What was due in it has all happened; and a sandbox that was stopped on the way tells the same."""
    with sandbox(tmp_path / "jump", "--empty") as (_, outside):
        cases = refer(outside)
        outside.clock(INES, A_YEAR_LATER)
        silent, left = (once_each(climbed(outside, case)) for case in cases)
    assert {one: at for one, at in first_of(silent).items() if one[1] != "L0"} == UNANSWERED
    assert {one: first_of(left)[one] for one in ACCEPTED} == ACCEPTED
    _every_miss_climbs(left)

    again = tmp_path / "stopped"
    with sandbox(again, "--empty") as (_, outside):
        cases = refer(outside)
        # Between a breach and its levels, and with one more of them behind it.
        outside.clock(INES, "2026-01-30T12:00:00Z")
    with sandbox(again, "--empty") as (_, outside):
        outside.clock(INES, A_YEAR_LATER)
        assert [once_each(climbed(outside, case)) for case in cases] == [silent, left]


def _every_miss_climbs(levels: dict[tuple[str, str, str], str]) -> None:
    """What was missed long enough ago, and is still not done, has come to both levels after it."""
    settled = "2026-12-15T00:00:00Z"
    for term, level, due in levels:
        if level == "L1" and due < settled:
            assert (term, "L2", due) in levels
            assert (term, "L3", due) in levels
