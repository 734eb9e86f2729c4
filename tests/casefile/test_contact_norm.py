"""A pair agrees how often it meets in a month, and everybody who reads the case sees where it met less."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from services.casefile.domain.contact_norm import months
from services.casefile.domain.mentoring import RecordMeeting
from services.casefile.domain.state import Agreement
from tests.casefile.casebook import Casebook
from tests.casefile.cases import CaseContext
from tests.support.actors import LOTTE as COORDINATOR
from tests.support.dates import on
from tests.support.people import INES, LOTTE

AGREED = Agreement(start=date(2026, 2, 19), end=date(2026, 4, 30), norm=2, signed_at=on(19, 2))


@pytest.mark.parametrize(
    ("meetings", "today", "met"),
    [
        ([], on(18, 3), [None]),
        ([], on(19, 3), [False, None]),
        ([on(20, 2), on(18, 3)], on(18, 3), [True]),
        ([on(20, 2), on(19, 3)], on(19, 3), [False, None]),
        ([on(20, 2), on(18, 3), on(20, 3)], on(19, 4), [True, False, True]),
    ],
)
def test_a_month_with_fewer_meetings_than_agreed_is_below_the_norm(
    meetings: list[datetime], today: datetime, met: list[bool | None]
) -> None:
    """Months run from the agreement's first day; one that still runs is not judged, nor a last one that is shorter."""
    found = months(AGREED, meetings, "Europe/Brussels", today)
    assert [month.met for month in found] == met
    assert [(month.first, month.last) for month in found][:2] == [
        (date(2026, 2, 19), date(2026, 3, 18)),
        (date(2026, 3, 19), date(2026, 4, 18)),
    ][: len(found)]


def test_a_meeting_counts_on_its_day_in_the_programmes_time_zone() -> None:
    """Half past eleven at night in Brussels is still the month's last day, and half past midnight is not."""
    late = on(18, 3).replace(hour=22, minute=30)
    assert [month.meetings for month in months(AGREED, [late], "Europe/Brussels", on(20, 3))] == [1, 0]
    after = on(18, 3).replace(hour=23, minute=30)
    assert [month.meetings for month in months(AGREED, [after], "Europe/Brussels", on(20, 3))] == [0, 1]


def test_what_was_met_before_another_pair_does_not_count_for_it(book: Casebook) -> None:
    """The months are those of the running agreement."""
    book.mentoring()
    book.act(RecordMeeting(at=on(20, 2), by=COORDINATOR))
    agreement = book.case.match.agreement if book.case.match is not None else None
    assert agreement is not None
    later = Agreement(start=date(2026, 3, 1), end=date(2026, 8, 31), norm=2, signed_at=on(1, 3))
    assert [month.meetings for month in months(later, [on(20, 2)], "Europe/Brussels", on(5, 3))] == [0]
    assert [month.meetings for month in months(agreement, [on(20, 2)], "Europe/Brussels", on(5, 3))] == [1]


async def test_who_reads_the_case_sees_the_months_of_its_pair(context: CaseContext) -> None:
    """Both sides, and nobody before there is an agreement."""
    case = await context.brought_to("MATCH_PROPOSED")
    assert (await context.running.read(INES, case.path))["contactNorm"] == []
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, "record-meeting", {"minutes": 60, "mode": "IN_PERSON"})
    for person in (INES, LOTTE):
        (month,) = (await context.running.read(person, case.path))["contactNorm"]
        assert (month["norm"], month["meetings"], month["met"]) == (2, 1, None)
