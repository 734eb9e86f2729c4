"""Offers and their answers: counted by hand over three organisations, alone and asked together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

import pytest

from services.casefile.reports.acceptance import ASIDE, COUNTS, REPORT, SUMS
from services.casefile.reports.report import History, Period, Row, Wanted
from services.casefile.reports.suppression import published
from tests.casefile.reports.entries import answer_of_one, entry, offered_to_several
from tests.casefile.reports.histories import Entry, history, opened, rows_of
from tests.support.dates import on

OFFERED = on(12, 1)


def case(number: int, organisation: str, answer: str | None = None, at: datetime = OFFERED, *codes: str) -> History:
    """A case that was offered to one organisation on 12 January, and its answer."""
    name, referral = f"{organisation}-{number}", f"R-{organisation}-{number}"
    told: list[Entry] = [(OFFERED, opened(name, OFFERED)), entry("ReferralSubmitted", referral, organisation, OFFERED)]
    if answer is not None:
        told.append(entry(answer, referral, organisation, at, *codes))
    return history(name, *told)


def brugwerk() -> list[History]:
    """Twenty-one offers: six accepted after 1 to 6 days, ten declined after 2, five lapsed."""
    return [
        *(case(n, "brugwerk", "ReferralAccepted", on(12 + n, 1)) for n in range(1, 7)),
        *(case(n, "brugwerk", "ReferralDeclined", on(14, 1), "CAPACITY_FULL") for n in range(7, 12)),
        *(case(n, "brugwerk", "ReferralDeclined", on(14, 1), "LANGUAGE_INSUFFICIENT") for n in range(12, 17)),
        *(case(n, "brugwerk", "ReferralExpired", on(11, 2)) for n in range(17, 22)),
    ]


def together(first: int, many: int, winner: str | None, loser: str) -> list[History]:
    """Cases that were offered to two at once; the winner took them after three days."""
    told = []
    for n in range(first, first + many):
        name, wins, loses = f"b{n}", f"R-{n}-w", f"R-{n}-l"
        entries: list[Entry] = [(OFFERED, opened(name, OFFERED))]
        entries += offered_to_several(f"B-{n}", OFFERED, **{wins: winner or "duo", loses: loser})
        if winner is not None:
            entries += [
                entry("OfferWon", wins, winner, on(15, 1)),
                answer_of_one("ReferralWithdrawn", loses, loser, on(15, 1), "OTHER_ORGANISATION_CHOSEN"),
                entry("ReferralAccepted", wins, winner, on(15, 1)),
            ]
        told.append(history(name, *entries))
    return told


def only(organisation: str, *told: History) -> Row:
    """The row of an organisation."""
    (row,) = rows_of(REPORT, *told, wanted=Wanted(organisation=organisation))
    return row


def test_offers_are_counted_by_what_became_of_them() -> None:
    """Of 16 decisions six are yes, 37.5 %; they took 1 to 6 days, and ten times 2, of which the middle is 2."""
    row = only("brugwerk", *brugwerk())
    assert {name: row[name] for name in ("offers", "accepted", "declined", "undecided", "expired")} == {
        "offers": 21,
        "accepted": 6,
        "declined": 10,
        "undecided": 5,
        "expired": 5,
    }
    assert row["declineReasons"] == ["CAPACITY_FULL:5", "LANGUAGE_INSUFFICIENT:5"]
    assert (row["acceptedPercent"], row["medianDays"]) == (37.5, 2)
    assert (row["askedTogether"], row["won"], row["notWon"], row["quarter"]) == (0, 0, 0, "2026-Q1")
    total = only("ALL", *brugwerk())
    assert total == row | {"organisation": "ALL", "declineReasons": None}


def test_the_middle_of_two_days_is_between_them() -> None:
    """Three after 1 day and three after 4: 2.5."""
    told = [case(n, "duo", "ReferralAccepted", on(13 if n < 3 else 16, 1)) for n in range(6)]
    assert only("duo", *told)["medianDays"] == 2.5


def test_who_was_asked_together_with_others_and_who_won() -> None:
    """Twelve cases were offered to brugwerk and samenstap at once: brugwerk won seven, samenstap five."""
    told = [*together(1, 7, "brugwerk", "samenstap"), *together(8, 5, "samenstap", "brugwerk")]
    for organisation, won, lost in (("brugwerk", 7, 5), ("samenstap", 5, 7)):
        row = only(organisation, *told)
        assert (row["askedTogether"], row["won"], row["notWon"], row["accepted"]) == (12, won, lost, won)
        assert row["medianDays"] == 3
    assert only("ALL", *told)["offers"] == 24


def test_offers_that_nobody_has_answered_are_open() -> None:
    """Six cases at two organisations that still think: twelve offers."""
    row = only("ALL", *together(1, 6, None, "samenstap"))
    assert (row["offers"], row["undecided"], row["expired"], row["acceptedPercent"]) == (12, 12, 0, None)


def test_an_offer_that_was_entered_in_error_was_none() -> None:
    """Five offers, and one by mistake."""
    wrong = history(
        "wrong",
        (OFFERED, opened("wrong", OFFERED)),
        entry("ReferralSubmitted", "R-x", "brugwerk", OFFERED),
        entry("ReferralEnteredInError", "R-x", "brugwerk", on(13, 1)),
    )
    assert only("brugwerk", wrong, *(case(n, "brugwerk") for n in range(5)))["offers"] == 5


def test_the_first_answer_stands() -> None:
    """Accepted, and completed or withdrawn from months later: it was accepted."""
    told = []
    for n in range(5):
        accepted = case(n, "brugwerk", "ReferralAccepted", on(13, 1))
        later = entry("LegalBasisWithdrawn", f"R-brugwerk-{n}", "brugwerk", on(1, 3))
        told.append(history(f"c{n}", *((one.meta.recorded_at, one.event) for one in accepted.records), later))
    assert (only("brugwerk", *told)["accepted"], only("brugwerk", *told)["undecided"]) == (5, 0)


def declined(*reasons: tuple[str, int]) -> list[History]:
    """Cases that brugwerk declined, so many for each reason."""
    codes = [reason for reason, many in reasons for _ in range(many)]
    return [case(n, "brugwerk", "ReferralDeclined", on(14, 1), code) for n, code in enumerate(codes)]


@pytest.mark.parametrize(
    ("reasons", "shown"),
    [
        ([("CAPACITY_FULL", 7), ("NO_SHOW", 5)], ["CAPACITY_FULL:7", "NO_SHOW:5"]),
        ([("CAPACITY_FULL", 7), ("NO_SHOW", 3), ("DUPLICATE", 2)], ["CAPACITY_FULL:7"]),
        ([("CAPACITY_FULL", 7), ("NO_SHOW", 6), ("DUPLICATE", 4)], ["CAPACITY_FULL:7"]),
        ([("CAPACITY_FULL", 7), ("NO_SHOW", 3)], []),
        ([("NO_SHOW", 3), ("DUPLICATE", 2)], []),
    ],
)
def test_few_that_gave_a_reason_are_not_told_by_the_others(reasons: list[tuple[str, int]], shown: list[str]) -> None:
    """Of ten declined seven had no place: shown, they would tell that three did not come."""
    row = only("brugwerk", *declined(*reasons))
    assert row["declined"] == sum(many for _, many in reasons)
    assert row["declineReasons"] == shown


def test_few_that_decided_are_hidden_with_all_that_would_tell_them() -> None:
    """Three accepted and eight declined: neither is shown, nor share, median or reasons; that eleven were asked is."""
    told = [
        *declined(("CAPACITY_FULL", 8)),
        *(case(n, "brugwerk", "ReferralAccepted", on(13, 1)) for n in (20, 21, 22)),
    ]
    row = only("brugwerk", *told)
    assert row["offers"] == 11
    hidden = ("accepted", "declined", "undecided", "acceptedPercent", "medianDays", "declineReasons")
    assert [row[name] for name in hidden] == [None] * 6


def test_few_that_were_won_are_hidden_with_those_that_were_not() -> None:
    """Samenstap was asked twelve times together with others, and won three: neither three nor nine is shown."""
    told = [*together(1, 3, "samenstap", "duo"), *together(4, 9, "brugwerk", "samenstap")]
    told += together(13, 2, "brugwerk", "duo")
    row = only("samenstap", *told)
    assert (row["askedTogether"], row["won"], row["notWon"], row["accepted"]) == (12, None, None, None)


def test_one_that_has_not_lapsed_is_not_told_by_those_that_have() -> None:
    """Six that nobody decided, of which five lapsed: shown, the five would tell that one is open."""
    row = only("brugwerk", *(case(n, "brugwerk", "ReferralExpired", on(11, 2)) for n in range(5)), case(5, "brugwerk"))
    assert (row["undecided"], row["expired"]) == (6, None)


def counted(*cells: int) -> Row:
    """A row of so many offers: accepted, declined, lapsed and open, of those to several at once, and of the others."""
    won, *lost, accepted, declined, lapsed, left = cells
    together, alone, undecided = won + sum(lost), accepted + declined + lapsed + left, sum(lost[1:]) + lapsed + left
    whole = (
        together + alone,
        won + accepted,
        lost[0] + declined,
        undecided,
        lost[1] + lapsed,
        together,
        won,
        sum(lost),
    )
    aside = (alone, accepted, alone - accepted, lost[2] + left)
    return {"organisation": "brugwerk", **dict(zip((*COUNTS, *ASIDE), (*whole, *aside), strict=True))}


def divided(offers: int, among: int) -> Iterator[tuple[int, ...]]:
    """Every way to divide so many offers among so many kinds."""
    if among == 1:
        yield (offers,)
        return
    for first in range(offers + 1):
        yield from ((first, *others) for others in divided(offers - first, among - 1))


def test_no_few_follow_from_the_columns_of_a_row_together() -> None:
    """By brute force over all rows of up to twelve offers: neither a count nor a kind of offers, and none aside."""
    could_be: defaultdict[str, list[tuple[int, ...]]] = defaultdict(list)
    seen: dict[tuple[int, ...], str] = {}
    for cells in (cells for offers in range(13) for cells in divided(offers, 8)):
        row = counted(*cells)
        values = tuple(value for column, value in row.items() if column != "organisation")
        if values not in seen:
            made = published([row], counts=(*COUNTS, *ASIDE), over="organisation", sums=SUMS)
            seen[values] = str([{column: each[column] for column in COUNTS} for each in made])
        could_be[seen[values]].append((*values, *cells))
    for shown, could in could_be.items():
        for values in zip(*could, strict=True):
            assert len({*values}) > 1 or values[0] not in range(1, 5), shown


@pytest.mark.parametrize(("first", "last", "shown"), [(date(2026, 1, 20), None, 2), (date(2026, 4, 1), None, 0)])
def test_whole_quarters_are_shown(first: date, last: date | None, shown: int) -> None:
    """A question about some days of a quarter has the same cells as any other about it."""
    assert len(rows_of(REPORT, *brugwerk(), period=Period(first, last))) == shown
