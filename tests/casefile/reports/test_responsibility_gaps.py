"""Times without an owner, and with two: written straight into the record, for decisions never make one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from inspect import getmembers, isfunction, signature
from typing import Final

from contracts import referral as told
from services.casefile.domain.closing import CaseClosed
from services.casefile.domain.suspension import SuspensionReviewed
from services.casefile.reports.report import History, Period, Wanted
from services.casefile.reports.responsibility_gaps import REPORT
from tests.casefile import change_stories, escalation_stories, gap_stories, stories, task_stories
from tests.casefile.reports.histories import INES, LOTTE, history, opened, rows_of, step
from tests.casefile.stories import Story
from tests.support import actors
from tests.support.dates import on

LEAD = {"agency": "vdab-gent", "programme": "mtw-be-2026", "organisation": None}


def reviewed(at: object, **moves: object) -> SuspensionReviewed:
    """An event that moves steps, and nothing else in a case without a trajectory."""
    return SuspensionReviewed(happened_at=at, **moves)  # type: ignore[arg-type]


def test_a_case_that_was_opened_without_a_step_was_nobodys_until_it_had_one() -> None:
    """From 12 January, nine hours later: one time, which has ended."""
    told = history(
        "c1",
        (on(12, 1, hour=9), opened("c1", on(12, 1, hour=9))),
        (on(12, 1, hour=18), reviewed(on(12, 1), opens=(step("NEXT_SERVICE", INES, on(12, 1)),))),
    )
    assert rows_of(REPORT, told) == [
        {
            "case": "c1",
            **LEAD,
            "kind": "NOBODY",
            "step": None,
            "parties": [],
            "from": "2026-01-12T08:00:00Z",
            "to": "2026-01-12T17:00:00Z",
        }
    ]


def test_a_step_that_ends_without_another_leaves_the_case_to_nobody() -> None:
    """It still is nobody's: there is no end. An escalation beside the way is no owner of it."""
    told = history(
        "c2",
        (on(12, 1), opened("c2", on(12, 1), step("NEXT_SERVICE", INES, on(12, 1)))),
        (
            on(3, 2),
            reviewed(on(3, 2), closes=("NEXT_SERVICE",), opens=(step("ESCALATION", INES, on(3, 2)),)),
        ),
    )
    (row,) = rows_of(REPORT, told)
    assert (row["kind"], row["step"], row["from"], row["to"]) == (
        "NOBODY",
        "NEXT_SERVICE",
        "2026-02-03T09:00:00Z",
        None,
    )


def test_two_who_hold_one_step_are_named_until_one_has_it() -> None:
    """The coordinator begins what the counsellor never ended; a day later it ends, and Lotte alone begins it again."""
    told = history(
        "c3",
        (on(12, 1), opened("c3", on(12, 1), step("INTAKE", INES, on(12, 1)))),
        (on(13, 1), reviewed(on(13, 1), opens=(step("INTAKE", LOTTE, on(13, 1)),))),
        (on(14, 1), reviewed(on(14, 1), closes=("INTAKE",), opens=(step("INTAKE", LOTTE, on(14, 1)),))),
    )
    (row,) = rows_of(REPORT, told)
    assert (row["kind"], row["step"]) == ("TWO_PARTIES", "INTAKE")
    assert row["parties"] == ["AGENCY_COUNSELLOR of vdab-gent", "NGO_COORDINATOR of brugwerk"]
    assert (row["from"], row["to"]) == ("2026-01-13T09:00:00Z", "2026-01-14T09:00:00Z")


def test_two_who_still_hold_one_step_are_listed_without_an_end() -> None:
    """Nobody has ended it, so it goes on."""
    told = history(
        "c6",
        (on(12, 1), opened("c6", on(12, 1), step("INTAKE", INES, on(12, 1)))),
        (on(13, 1), reviewed(on(13, 1), opens=(step("INTAKE", LOTTE, on(13, 1)),))),
    )
    (row,) = rows_of(REPORT, told)
    assert (row["kind"], row["from"], row["to"]) == ("TWO_PARTIES", "2026-01-13T09:00:00Z", None)


def test_a_closed_case_needs_nobody() -> None:
    """Once it is closed there may be nothing left to do."""
    closed = CaseClosed(reason="OTHER", reopen_until=on(12, 7), closes=("NEXT_SERVICE",))
    told = history(
        "c4", (on(12, 1), opened("c4", on(12, 1), step("NEXT_SERVICE", INES, on(12, 1)))), (on(3, 2), closed)
    )
    assert rows_of(REPORT, told) == []


def test_only_times_on_the_days_asked_for_are_listed_and_only_to_whose_case_it_is() -> None:
    """A time from 12 January to 3 February, asked for before, within and after, and by another agency."""
    told = history(
        "c5",
        (on(12, 1), opened("c5", on(12, 1))),
        (on(3, 2), reviewed(on(3, 2), opens=(step("NEXT_SERVICE", INES, on(3, 2)),))),
    )
    asked = [(1, 11), (12, 12), (20, 31), (13, None), (None, None)]
    days = [tuple(date(2026, 1, n) if n else None for n in pair) for pair in asked]
    found = [len(rows_of(REPORT, told, period=Period(first, last))) for first, last in days]
    assert found == [0, 1, 1, 1, 1]
    assert rows_of(REPORT, told, period=Period(date(2026, 2, 4))) == []
    assert rows_of(REPORT, told, wanted=Wanted(of_agency="actiris-demo")) == []


def test_an_escalation_that_goes_back_with_the_case_passes_to_the_lead() -> None:
    """The person withdraws while the coordinator sees to something: from then on it is the counsellor's alone."""
    story = escalation_stories.raised_in_matching()
    at = story.now + timedelta(hours=1)
    story.tell(told.LegalBasisWithdrawn, actors.INES, at, legal_basis="LB-1", withdrawn_at=at)
    (raised,) = [held for held in story.book.case.steps if held.about]
    assert raised.owner == INES
    assert rows_of(REPORT, History("case-C", story.book.history)) == []


STORIES: Final[dict[str, Callable[[], Story]]] = {
    f"{module.__name__}.{name}": story
    for module in (stories, gap_stories, escalation_stories, task_stories, change_stories)
    for name, story in getmembers(module, isfunction)
    if story.__module__ == module.__name__ and not name.startswith("_") and not signature(story).parameters
}


def test_no_story_that_decisions_tell_has_such_a_time() -> None:
    """Fifty cases in every state, with misses, escalations, pauses, rematches and reopenings."""
    told = [History("case-C", story().book.history) for story in STORIES.values()]
    assert len(told) > 50
    assert rows_of(REPORT, *told) == []
