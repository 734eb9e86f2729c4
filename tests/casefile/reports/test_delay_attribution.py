"""Missed terms, laid at the door of who had to act: counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.casefile.domain.deadlines import DeadlineMissed
from services.casefile.domain.handback import HandbackAccepted
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.steps import Awaiting, OpenStep, Party
from services.casefile.reports.delay_attribution import REPORT
from services.casefile.reports.report import History, Period
from services.chassis.modelling.deadline import Deadline
from tests.casefile.reports.histories import INES, LOTTE, Entry, history, opened, rows_of
from tests.support import actors
from tests.support.dates import end_of, on

DUE = end_of(9, 7)


def missed(step: str, owner: Party, awaited: str, due: datetime = DUE, deadline: str | None = None) -> Entry:
    """A term passed."""
    event = DeadlineMissed(deadline=deadline or step, step=step, due_at=due, owner=owner, awaited=awaited)
    return due + timedelta(seconds=1), event, actors.CLOCK


def waiting(case: str, step: str, owner: Party, awaits: str | None, due: datetime = DUE) -> Entry:
    """A case in which a step is due."""
    at = on(1, 7)
    awaiting = Awaiting(org=awaits, action="accept-handback") if awaits else None
    deadlines = (Deadline(name=step, remind_at=at, due_at=due),)
    return at, opened(case, at, OpenStep(step=step, owner=owner, since=at, deadlines=deadlines, awaiting=awaiting))


def unacknowledged(number: int, *later: Entry) -> History:
    """The organisation owns the step, and the agency that it waits for did not answer."""
    step = "HANDBACK_ACKNOWLEDGEMENT"
    return history(
        f"a{number}", waiting(f"a{number}", step, LOTTE, "vdab-gent"), missed(step, LOTTE, "vdab-gent"), *later
    )


def unreported(number: int) -> History:
    """The organisation did not report."""
    step = "HANDBACK_REPORT"
    return history(f"o{number}", waiting(f"o{number}", step, LOTTE, None), missed(step, LOTTE, "brugwerk"))


def accepted(days: int) -> Entry:
    """The agency answers so many days late."""
    at = DUE + timedelta(days=days, hours=1)
    done = HandbackAccepted(
        referral="R-1", decision="CLOSE", next_service=None, answers={}, closes=("HANDBACK_ACKNOWLEDGEMENT",)
    )
    return at, done, actors.INES


def test_a_miss_is_laid_at_the_door_of_who_was_awaited() -> None:
    """Of ten handbacks the agency answered five late, and five it has not answered for ten days.

    The five were one, two, three, four and five days late. The organisation owns the step, and is not to blame.
    """
    told = [unacknowledged(n, accepted(n)) for n in range(1, 6)] + [unacknowledged(n) for n in range(6, 11)]
    now = DUE + timedelta(days=10, hours=1)
    total, own = rows_of(REPORT, *told, period=Period(now=now))
    assert own == {
        "quarter": "2026-Q3",
        "agency": "vdab-gent",
        "programme": "mtw-be-2026",
        "organisation": None,
        "side": "AGENCY",
        "term": "HANDBACK_ACKNOWLEDGEMENT",
        "missed": 10,
        "madeUp": 5,
        "goesOn": 5,
        "daysLate": 1 + 2 + 3 + 4 + 5 + 5 * 10,
    }
    assert total == {**own, "organisation": "ALL"}


def test_what_the_organisation_missed_is_its_own() -> None:
    """Six reports are missing; the days are those until the newest event of the log."""
    told = [unreported(n) for n in range(6)]
    (_, row) = rows_of(REPORT, *told, period=Period(now=DUE + timedelta(days=2, hours=1)))
    assert (row["side"], row["term"], row["missed"], row["daysLate"]) == ("ORGANISATION", "HANDBACK_REPORT", 6, 12)


@pytest.mark.parametrize(
    ("term", "side", "meanwhile", "answer"),
    [
        ("RECEIPT", "ORGANISATION", (), "ReferralReceived"),
        ("DECISION", "ORGANISATION", ("ReferralReceived", "InformationRequested"), "ReferralDeclined"),
        ("INFORMATION", "AGENCY", (), "InformationProvided"),
    ],
)
def test_terms_of_an_offer_count_until_it_is_answered(
    term: str, side: str, meanwhile: tuple[str, ...], answer: str
) -> None:
    """Five offers on which a term passed, and which are answered three days later; that leads are told is no answer."""

    def entry(number: int, name: str, at: datetime, *codes: str, due: datetime | None = None) -> Entry:
        told = ReferralEntryTaken(
            name=name,  # type: ignore[arg-type]
            referral=f"R-{number}",
            agency="vdab-gent",
            organisation="brugwerk",
            source_position=1,
            source_event_id=f"{name}-{number}",
            digest="0" * 64,
            occurred_at=at,
            recorded_at=at,
            actor=LOTTE,
            codes=codes,
            due_at=due,
        )
        return at, told

    late = DUE + timedelta(days=3, hours=1)
    told = [
        history(
            f"r{n}",
            waiting(f"r{n}", "REFERRAL_ANSWER", INES, "brugwerk"),
            entry(n, "DeadlineMissed", DUE, term, due=DUE),
            entry(n, "DeadlineReminded", DUE + timedelta(days=1), term),
            entry(n, "DeadlineEscalated", DUE + timedelta(days=1), term),
            *(entry(n, name, DUE + timedelta(days=1)) for name in meanwhile),
            entry(n, answer, late),
        )
        for n in range(5)
    ]
    (_, row) = rows_of(REPORT, *told, period=Period(now=datetime(2027, 1, 1, tzinfo=UTC)))
    assert (row["side"], row["term"], row["organisation"]) == (side, term, "brugwerk")
    assert (row["missed"], row["madeUp"], row["goesOn"], row["daysLate"]) == (5, 5, 0, 15)


def test_four_misses_are_too_few_to_name_an_organisation_by() -> None:
    """Neither how many, nor how late."""
    rows = rows_of(REPORT, *(unreported(n) for n in range(4)), period=Period(now=on(1, 12)))
    assert [(row["missed"], row["goesOn"], row["daysLate"]) for row in rows] == [(None, None, None)] * 2
