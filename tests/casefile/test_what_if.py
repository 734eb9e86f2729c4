"""A case of old under other terms: the days below are counted by hand, on a calendar of 2026 with Belgian holidays."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest

from contracts import referral as told
from services.casefile.domain.escalation import ResolveEscalation
from services.casefile.domain.known_programme import TermLength
from services.casefile.domain.mentoring import RecordPulse
from services.casefile.other_terms import OtherTerms
from services.casefile.what_if import Happened, had, would_have_had
from services.casefile.what_if_table import paired
from tests.casefile.casebook import Casebook
from tests.casefile.clocked import clocked, known, tick
from tests.casefile.messages import about, submitted
from tests.casefile.situations import STORIES
from tests.support.actors import LOTTE
from tests.support.dates import end_of, on

OTHER_LENGTHS: Final = {
    "FIRST_CONTACT": (1, "WORKING_DAYS"),
    "INTAKE": (2, "DAYS"),
    "MATCHING": (5, "WORKING_DAYS"),
    "MATCH_CONFIRMATION": (1, "WORKING_DAYS"),
    "CHECK_IN_FIRST": (7, "DAYS"),
    "CHECK_IN_SECOND": (21, "DAYS"),
    "SILENCE": (10, "DAYS"),
    "SILENCE_CHECK_IN": (1, "WORKING_DAYS"),
    "PROGRESS_REPORT": (40, "DAYS"),
    "NEXT_SERVICE": (3, "WORKING_DAYS"),
    "ESCALATION_CONTACT": (1, "WORKING_DAYS"),
    "ESCALATION_RESOLUTION": (4, "WORKING_DAYS"),
    "SUSPENSION_REVIEW": (10, "DAYS"),
    "HANDBACK_REPORT": (1, "WORKING_DAYS"),
    "HANDBACK_ACKNOWLEDGEMENT": (1, "WORKING_DAYS"),
    "SERVICE_GAP": (5, "WORKING_DAYS"),
    "CHANGE_DECISION": (3, "WORKING_DAYS"),
    "OUTCOME_EXIT": (7, "DAYS"),
    "LEADS_TOLD": (1, "WORKING_DAYS"),
    "BOARD_TOLD": (2, "WORKING_DAYS"),
}
"""Terms that are all shorter, so that nobody comes too late for an act that was possible."""
AS_IT_WAS: Final = OtherTerms()


def terms(**lengths: tuple[int, str]) -> OtherTerms:
    """Terms that differ."""
    return OtherTerms(terms={name: TermLength(n=n, unit=unit) for name, (n, unit) in lengths.items()})


def would(book: Casebook, other: OtherTerms, until: datetime) -> list[Happened]:
    """What a casebook would have had."""
    return would_have_had(book.history, known(), other, until)


def of(happened: list[Happened], what: str, name: str) -> list[datetime]:
    """When that happened."""
    return [one.at for one in happened if one.subject[:2] == (what, name)]


def comparable(happened: list[Happened]) -> Counter[tuple[object, ...]]:
    """Everything that happened in the case itself; ids of escalations aside, as they are numbered as they come."""
    return Counter((*one.subject, one.at, one.awaited, one.due_at) for one in happened if one.referral is None)


# --- against what the service records itself ------------------------------------------------------------------------


@pytest.mark.parametrize("make", STORIES, ids=lambda make: str(getattr(make, "__name__", make)))
def test_under_its_own_terms_a_case_would_have_had_what_it_had(make: object) -> None:
    """Every reminder, breach and escalation of every story, to the second, with whom it awaited."""
    story = make()  # type: ignore[operator]
    until = story.now + timedelta(days=60)
    book = clocked(story.book, until)
    assert comparable(would(book, AS_IT_WAS, until)) == comparable(had(book.history))


@pytest.mark.parametrize("make", STORIES, ids=lambda make: str(getattr(make, "__name__", make)))
def test_under_other_terms_it_would_have_had_what_a_case_under_them_has(make: object) -> None:
    """The same people doing the same at the same times, in a programme that had these terms from the beginning."""
    story = make()  # type: ignore[operator]
    until = story.now + timedelta(days=60)
    book, there = clocked(story.book, until), clocked(story.book, until, OTHER_LENGTHS)
    assert comparable(would(book, terms(**OTHER_LENGTHS), until)) == comparable(had(there.history))


def test_the_other_terms_change_something_in_most_stories() -> None:
    """So the rule above is not kept by terms that matter to nobody."""
    changed = 0
    for make in STORIES:
        story = make()
        until = story.now + timedelta(days=60)
        book = clocked(story.book, until)
        changed += comparable(would(book, terms(**OTHER_LENGTHS), until)) != comparable(had(book.history))
    assert changed > len(STORIES) / 2


# --- counted by hand ------------------------------------------------------------------------------------------------


def test_a_decision_of_one_working_day_is_missed_over_a_weekend() -> None:
    """Offered on Friday 9 January, answered on Tuesday 13: due by Monday evening, and reminded of on Monday.

    From Friday 10:00 to Monday 23:59:59 are 85:59:59; four fifths of it are 68:47:59, which is Monday at 06:47:59.
    """
    book = Casebook()
    book.tell(submitted(on(9, 1)))
    book.tell(about(told.ReferralReceived, LOTTE, on(9, 1, hour=11)))
    book.tell(about(told.ReferralAccepted, LOTTE, on(13, 1), coordinator=LOTTE.sub))
    happened = would(book, terms(DECISION=(1, "WORKING_DAYS")), on(13, 1))
    assert of(happened, "REMINDED", "DECISION") == [on(12, 1, hour=6, minute=47) + timedelta(seconds=59)]
    assert of(happened, "MISSED", "DECISION") == [end_of(12, 1)]
    assert [one.awaited for one in happened if one.of == "DECISION"] == ["brugwerk", "brugwerk"]
    assert of(would(book, AS_IT_WAS, on(13, 1)), "MISSED", "DECISION") == []


def test_a_term_runs_over_easter_monday() -> None:
    """Offered on Thursday 2 April: one working day is Friday 3; two are Tuesday 7, after Easter Monday, 6 April."""
    book = Casebook()
    book.tell(submitted(on(2, 4)))
    book.tell(about(told.ReferralReceived, LOTTE, on(2, 4, hour=11)))
    until = on(10, 4)
    for n, due in ((1, end_of(3, 4)), (2, end_of(7, 4))):
        assert of(would(book, terms(DECISION=(n, "WORKING_DAYS")), until), "MISSED", "DECISION") == [due]


def test_a_closing_day_moves_what_falls_on_it() -> None:
    """Closed on Friday 3 April as well: one working day after Thursday is Tuesday 7."""
    book = Casebook()
    book.tell(submitted(on(2, 4)))
    book.tell(about(told.ReferralReceived, LOTTE, on(2, 4, hour=11)))
    closed = OtherTerms(terms=terms(DECISION=(1, "WORKING_DAYS")).terms, closing_days=(date(2026, 4, 3),))
    assert of(would(book, closed, on(10, 4)), "MISSED", "DECISION") == [end_of(7, 4)]


def test_a_region_with_a_holiday_of_its_own_works_less() -> None:
    """6 January, a Tuesday, is a holiday in Bavaria and not in Berlin: one working day after Monday 5."""
    book = Casebook()
    book.tell(submitted(on(5, 1)))
    book.tell(about(told.ReferralReceived, LOTTE, on(5, 1, hour=11)))
    short = terms(DECISION=(1, "WORKING_DAYS")).terms
    for region, due in (("DE-BY", end_of(7, 1)), ("DE-BE", end_of(6, 1))):
        other = OtherTerms(terms=short, country="DE", region=region)
        assert of(would(book, other, on(12, 1)), "MISSED", "DECISION") == [due]


def test_an_offer_that_would_have_lapsed_before_its_answer_is_told() -> None:
    """Expiry after 3 days: offered on Monday 12, lapsed at the end of Thursday 15, accepted on Friday 16."""
    book = Casebook().accepted()
    happened = would(book, terms(EXPIRY=(3, "DAYS")), on(19, 1))
    assert of(happened, "EXPIRED", "EXPIRY") == [end_of(15, 1)]
    assert not [one for one in happened if one.referral is not None and one.at > end_of(15, 1)]
    # The intake began with the answer all the same: it is due as ever, and reminded of on the way.
    assert of(would(book, AS_IT_WAS, on(19, 1)), "EXPIRED", "EXPIRY") == []


def test_the_decision_stands_still_while_the_agency_is_asked() -> None:
    """Three working days from Monday 12 end on Thursday 15; asked from Tuesday to Thursday: two more, Monday 19."""
    book = Casebook()
    book.tell(submitted(on(12, 1)))
    book.tell(about(told.ReferralReceived, LOTTE, on(12, 1, hour=11)))
    codes = {"codes": ["OCCUPATION"], "deadlines": []}
    book.tell(about(told.InformationRequested, LOTTE, on(13, 1), **codes))
    book.tell(about(told.InformationProvided, LOTTE, on(15, 1), codes=["OCCUPATION"], deadlines=[]))
    happened = would(book, terms(DECISION=(3, "WORKING_DAYS")), on(21, 1))
    assert of(happened, "MISSED", "DECISION") == [end_of(19, 1)]


def test_a_missed_intake_is_escalated_to_the_other_side() -> None:
    """Accepted on Friday 16 January; an intake of one working day is missed on Monday 19, and the agency is asked.

    The agency sees to it within five working days: by Monday 26.
    """
    book = Casebook().accepted()
    happened = would(book, terms(INTAKE=(1, "WORKING_DAYS"), FIRST_CONTACT=(30, "DAYS")), on(20, 1))
    assert of(happened, "MISSED", "INTAKE") == [end_of(19, 1)]
    (raised,) = [one for one in happened if one.what == "ESCALATED"]
    assert (raised.of, raised.at, raised.awaited) == ("DEADLINE_MISSED", end_of(19, 1), "vdab-gent")
    assert raised.due_at == end_of(26, 1)


def test_what_is_late_when_the_service_learns_of_it_is_recorded_then() -> None:
    """Accepted on Friday 16 January, which casefile is told on Wednesday 21: a contact due on Monday is missed then."""
    book = Casebook().referred()
    accepted = about(told.ReferralAccepted, LOTTE, on(16, 1), coordinator=LOTTE.sub)
    book.tell(accepted, at=on(21, 1))
    happened = would(book, terms(FIRST_CONTACT=(1, "WORKING_DAYS")), on(22, 1))
    assert of(happened, "MISSED", "FIRST_CONTACT") == [on(21, 1)]
    (missed,) = [one for one in happened if one.subject[:2] == ("MISSED", "FIRST_CONTACT")]
    assert missed.due_at == end_of(19, 1)


def test_a_pair_is_watched_again_once_its_silence_was_seen_to() -> None:
    """Nobody meets, and nobody asks; what was done about it is recorded, and three weeks later it is silent again."""
    book = clocked(Casebook().mentoring(), on(23, 3))
    (silent,) = [held for held in book.case.escalations if held.reason == "SILENCE"]
    book.act(ResolveEscalation(at=on(23, 3), by=LOTTE, resolution="TALK", escalation=silent.id))
    until = on(30, 4)
    tick(book, until)
    assert of(had(book.history), "MISSED", "SILENCE") == [end_of(12, 3), end_of(13, 4)]
    assert comparable(would(book, AS_IT_WAS, until)) == comparable(had(book.history))
    # In two weeks it would have been noticed on 5 March and resolved with the first; then again after 23 March.
    sooner = would(book, terms(SILENCE=(14, "DAYS")), until)
    assert of(sooner, "MISSED", "SILENCE") == [end_of(5, 3), end_of(6, 4)]


def test_a_talk_in_three_days_is_a_talk_in_one() -> None:
    """A pulse of 1 on Friday 27 February: the coordinator talks by Wednesday 4 March, or, in one day, by Monday 2."""
    book = Casebook().mentoring()
    book.act(RecordPulse(at=on(27, 2), by=LOTTE, side="MENTEE", score=1))
    until = on(6, 3)
    name = "ESCALATION_CONTACT"
    assert of(would(book, AS_IT_WAS, until), "MISSED", name) == [end_of(4, 3)]
    sooner = terms(ESCALATION_CONTACT=(1, "WORKING_DAYS"))
    assert of(would(book, sooner, until), "MISSED", name) == [end_of(2, 3)]


def test_each_thing_stands_next_to_its_counterpart() -> None:
    """The second reminder of a term next to the second; what only one side has stands alone."""
    at = datetime(2026, 1, 12, tzinfo=UTC)

    def one(what: str, name: str, day: int) -> Happened:
        return Happened(what=what, of=name, at=at + timedelta(days=day), awaited="brugwerk")

    was = [one("MISSED", "CHECK_IN", 2), one("MISSED", "CHECK_IN", 9), one("MISSED", "ESCALATION_CONTACT:E2", 4)]
    would_be = [one("MISSED", "CHECK_IN", 1), one("MISSED", "ESCALATION_CONTACT:E1", 3)]
    pairs = [(pair.was, pair.would_be) for pair in paired(was, would_be)]
    assert pairs == [(was[0], would_be[0]), (was[2], would_be[1]), (was[1], None)]
