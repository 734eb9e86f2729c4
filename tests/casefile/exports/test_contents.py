"""What an export says of a case: states, who was responsible from when until when, deadlines, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from services.casefile.domain.deadlines import PassDeadline
from services.casefile.domain.people import ReassignCoordinator
from services.casefile.exports.spells import LEAD
from services.casefile.history import responsibility
from services.chassis.modelling.days import in_utc
from tests.casefile.casebook import Casebook
from tests.casefile.exports.histories import contents
from tests.casefile.messages import CASE_ID
from tests.casefile.test_timeline import referred_again
from tests.support.actors import AN, CLOCK
from tests.support.dates import end_of, on

INES, LOTTE = "ines.debacker", "lotte.claes"
AGENCY, ORGANISATION = "AGENCY_COUNSELLOR", "NGO_COORDINATOR"

Charged = tuple[str, str, datetime, datetime | None]


def charged(book: Casebook, **how: str) -> list[Charged]:
    """Step, person, from and until of the responsibilities of a case."""
    rows = contents(book, seen_by=how.get("seen_by")).rows("responsibilities")
    return [(str(row[1]), str(row[3]), row[6], row[7]) for row in rows]  # type: ignore[misc]


def test_states_follow_each_other_without_a_gap(book: Casebook) -> None:
    """The happy path: intake from 16 January, matching from the 29th; mentoring until 30 June; then what is left."""
    book.closed()
    rows = list(contents(book).rows("states"))
    assert {row[0] for row in rows} == {CASE_ID}
    assert [row[1] for row in rows] == [
        "OPENED",
        "REFERRED",
        "INTAKE",
        "MATCHING",
        "MATCH_PROPOSED",
        "MENTORING",
        "HANDBACK_DUE",
        "HANDBACK_REQUESTED",
        "OPENED",
        "CLOSED",
    ]
    assert [row[2] for row in rows[1:]] == [row[3] for row in rows[:-1]]
    assert [row[2] for row in rows[2:4]] == [on(16, 1), on(29, 1)]
    assert rows[5][2:4] == (on(19, 2, hour=11), on(30, 6))
    assert rows[-1][3] is None


def test_responsibility_passes_at_the_moment_of_acceptance(book: Casebook) -> None:
    """The counsellor had the answer until 16 January, the coordinator the first contact from then on."""
    book.matching()
    assert charged(book) == [
        (LEAD, INES, on(12, 1), None),
        ("NEXT_SERVICE", INES, on(12, 1), on(12, 1)),
        ("REFERRAL_ANSWER", INES, on(12, 1), on(16, 1)),
        ("FIRST_CONTACT", LOTTE, on(16, 1), on(29, 1)),
        ("INTAKE", LOTTE, on(16, 1), on(29, 1)),
        ("MATCHING", LOTTE, on(29, 1), None),
    ]
    rows = {row[1]: row for row in contents(book).rows("responsibilities")}
    assert rows[LEAD][3:6] == (INES, AGENCY, "vdab-gent")
    assert rows["MATCHING"][3:6] == (LOTTE, ORGANISATION, "brugwerk")
    ended, begun = rows["REFERRAL_ANSWER"][9], rows["FIRST_CONTACT"][8]
    assert begun == ended
    assert begun in {recorded.meta.event_id for recorded in book.history}


def test_who_takes_over_is_responsible_from_then_on(book: Casebook) -> None:
    """An Peeters takes the case over on 3 February; the matching goes on, with her."""
    book.matching()
    book.act(ReassignCoordinator(at=on(3, 2), by=AN))
    assert [each for each in charged(book) if each[0] == "MATCHING"] == [
        ("MATCHING", LOTTE, on(29, 1), on(3, 2)),
        ("MATCHING", AN.sub, on(3, 2), None),
    ]


@pytest.mark.parametrize(
    "story", [Casebook.closed, referred_again, Casebook.mentoring], ids=["closed", "twice", "runs"]
)
def test_at_each_instant_it_says_what_the_route_says(book: Casebook, story: Callable[[Casebook], object]) -> None:
    """An hour after each event: the same lead, and the same owner for each open step."""
    story(book)
    charges = contents(book).spells.charges
    for recorded in book.history:
        at = recorded.meta.recorded_at + timedelta(hours=0.5)
        then = responsibility(book.history, as_of=at)
        held = {
            (spell.what.step, spell.what.party)
            for spell in charges
            if spell.begin <= at and (spell.end is None or spell.end > at)
        }
        assert held == {(LEAD, then.case_lead), *((step.step, step.owner) for step in then.steps)}, at


def test_deadlines_say_who_had_them_and_whether_they_were_missed(book: Casebook) -> None:
    """The intake was due on 6 February. It passed, and was concluded after that."""
    book.accepted()
    book.act(PassDeadline(at=end_of(6, 2), by=CLOCK, name="INTAKE"))
    rows = {row[3]: row for row in contents(book).rows("deadlines")}
    assert rows["INTAKE"][4:7] == (LOTTE, ORGANISATION, "brugwerk")
    assert rows["INTAKE"][7:11] == (on(16, 1), end_of(6, 2), None, end_of(6, 2))
    assert rows["FIRST_CONTACT"][10] is None
    awaited = [row for row in contents(book).rows("deadlines") if row[3] == "AWAITED"]
    assert [(row[6], row[8]) for row in awaited] == [("brugwerk", end_of(14, 1)), ("brugwerk", end_of(26, 1))]


def test_an_organisation_gets_what_it_sees_and_no_more(book: Casebook) -> None:
    """Samenstap was addressed on 23 March, after brugwerk had declined; brugwerk hears nothing of samenstap."""
    referred_again(book)
    own = contents(book, seen_by="samenstap")
    assert own.items[0].type == "LegalBasisRecorded"
    assert len(own.records) == len(list(own.rows("events"))) < len(book.history)
    for table in ("timeline", "states", "responsibilities", "deadlines", "events"):
        assert "brugwerk" not in str(list(own.rows(table))), table
        assert "samenstap" not in str(list(contents(book, seen_by="brugwerk").rows(table))), table
    assert [each[1] for each in charged(book, seen_by="brugwerk") if each[0] == "NEXT_SERVICE"][-1] == INES


def test_after_a_stop_nothing_is_said_of_who_is_responsible(book: Casebook) -> None:
    """Nor of states and deadlines; what remains on the timeline is for the rule of visibility."""
    book.mentoring()
    stopped = contents(book, seen_by="brugwerk", stopped=True)
    assert [list(stopped.rows(table)) for table in ("states", "responsibilities", "deadlines")] == [[], [], []]
    assert stopped.after.state is None


def test_a_moment_of_the_past_is_exported_as_it_was(book: Casebook) -> None:
    """As of 20 January the intake was under way, and nothing is said of what came later."""
    book.closed()
    then = contents(book, as_of=on(20, 1))
    assert [row[1] for row in then.rows("states")][-1] == "INTAKE"
    assert [row for row in then.rows("states") if in_utc(row[2]) > in_utc(on(20, 1))] == []  # type: ignore[arg-type]
    assert then.basis.at == on(20, 1)
    assert contents(book).basis.at == on(6, 8)
