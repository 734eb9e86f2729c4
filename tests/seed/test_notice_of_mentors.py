"""A mentor who withdraws gives a month's notice, so that another one can be found; one who does not is noticed."""

from __future__ import annotations

from datetime import date

import pytest

from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.trajectory_end import CompleteTrajectory, EndMatch
from services.casefile.events import sentence
from tests.casefile.casebook import Casebook, codes, refusal
from tests.casefile.cases import CaseContext
from tests.support.actors import LOTTE
from tests.support.dates import on
from tests.support.people import INES
from tests.support.people import LOTTE as COORDINATOR

WITHDREW = "MENTOR_WITHDREW"


def end(notice_on: date | None = None, reason: str = WITHDREW, *, talk: bool = True) -> EndMatch:
    """The match ends on Wednesday 15 April, for another one."""
    return EndMatch(
        at=on(15, 4), by=LOTTE, reason=reason, next="REMATCH", side="MENTOR", closure_talk=talk, notice_on=notice_on
    )


@pytest.mark.parametrize(
    ("notice_on", "short"),
    [(date(2026, 3, 15), False), (date(2026, 3, 16), True), (date(2026, 4, 15), True), (None, True)],
)
def test_k10_less_than_a_month_before_is_short_notice(book: Casebook, notice_on: date | None, short: bool) -> None:  # noqa: FBT001
    """A month before 15 April is 15 March; where nobody says when it was said, it was on the last day."""
    events = book.mentoring().act(end(notice_on))
    (ended,) = [event for event in events if isinstance(event, MatchEnded)]
    assert (ended.short_notice, ended.notice_on or None) == (short, notice_on)
    assert ("short notice" in sentence(ended)) is short
    assert book.case.trajectory is not None
    (over,) = book.case.trajectory.ended_matches
    assert (over.short_notice, over.notice_on) == (short, notice_on)


def test_nobody_else_owes_notice(book: Casebook) -> None:
    """A match that ends for any other reason says nothing of it, and takes none; all that is wrong is told at once."""
    book.mentoring()
    wrong = refusal(book, end(date(2026, 3, 1), "MISMATCH", talk=False))
    assert codes(wrong) == [("/closureTalk", "CLOSURE_TALK_MISSING"), ("/noticeOn", "NOT_EXPECTED")]
    assert codes(refusal(book, end(date(2026, 4, 16)))) == [("/noticeOn", "IN_THE_FUTURE")]
    (_, ended) = book.act(end(reason="MISMATCH"))
    assert not ended.short_notice


def test_a_trajectory_that_ends_with_the_mentor_says_the_same(book: Casebook) -> None:
    """Whichever way it ends."""
    book.mentoring().act(CompleteTrajectory(at=on(15, 4), by=LOTTE, reason=WITHDREW, closure_talk=True))
    assert book.case.trajectory is not None
    (over,) = book.case.trajectory.ended_matches
    assert over.short_notice is True


async def test_k10_the_agency_reads_and_is_told_of_short_notice(context: CaseContext) -> None:
    """In the case, on the timeline and in the feed."""
    case = await context.brought_to("MENTORING")
    body = {"reason": WITHDREW, "next": "REMATCH", "closureTalk": True, "by": "MENTOR", "noticeOn": "2026-01-12"}
    await context.running.done(COORDINATOR, case.path, "end-match", body)
    (over,) = (await context.running.read(INES, case.path))["trajectory"]["endedMatches"]
    assert (over["reason"], over["noticeOn"], over["shortNotice"]) == (WITHDREW, "2026-01-12", True)
    await context.running.settle()
    feed = (await context.running.read(INES, "/v1/feed", limit=200))["items"]
    (told,) = [item["data"] for item in feed if item["type"].endswith("match_ended.v1")]
    assert (told["noticeOn"], told["shortNotice"]) == ("2026-01-12", True)
