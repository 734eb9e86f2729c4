"""What became of people: counted by hand by point, code, source and level."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from services.casefile.domain.closing import CaseReopened
from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.outcomes import OutcomeRecorded, OutcomeWaived
from services.casefile.domain.report_facts import Reported
from services.casefile.reports.outcomes import REPORT
from services.casefile.reports.report import History, Period, Row
from tests.casefile.casebook import Casebook
from tests.casefile.reports.histories import Entry, history, opened, rows_of
from tests.casefile.stories import OUTCOME, POINTS, settled
from tests.support.dates import on

LEFT = on(30, 6)
WORK: dict[str, Any] = {"code": "EMPLOYED_STABLE", "source": "REGISTER", "level_match": True}


def outcome(point: str, at: datetime, code: str, source: str, *, level_match: bool | None = None) -> Entry:
    """An outcome, as it is recorded."""
    return at, OutcomeRecorded(
        point=point,
        code=code,
        source=source,
        level_match=level_match,
        progress={},
        happened_at=at,
        finalise_at=None,
    )


def case(number: int, *entries: Entry) -> History:
    """A case with these outcomes."""
    return history(f"c{number}", (on(12, 1), opened(f"c{number}", on(12, 1))), *entries)


def only(*told: History) -> Row:
    """The one row that is no total."""
    (row,) = [row for row in rows_of(REPORT, *told) if row["organisation"] != "ALL"]
    return row


def test_outcomes_are_counted_by_source_and_level() -> None:
    """Eleven are in stable work at the exit: six by the register, and it suits their level; five by their own word."""
    told = [
        case(n, outcome("EXIT", on(6, 7), level_match=True, code="EMPLOYED_STABLE", source="REGISTER"))
        for n in range(6)
    ]
    told += [case(n, outcome("EXIT", on(7, 7), "EMPLOYED_STABLE", "DECLARED")) for n in range(6, 11)]
    assert only(*told) == {
        "quarter": "2026-Q3",
        "agency": "vdab-gent",
        "programme": "mtw-be-2026",
        "organisation": None,
        "point": "EXIT",
        "code": "EMPLOYED_STABLE",
        "people": 11,
        "fromRegister": 6,
        "declared": 5,
        "fromEmployer": 0,
        "noSource": 0,
        "levelMatch": 6,
        "noLevelMatch": 0,
        "levelUnknown": 5,
    }


def test_each_point_and_code_has_a_row() -> None:
    """Five in training after four weeks, and the same five employed after six months."""
    told = [
        case(
            n, outcome("W4", on(28, 7), "TRAINING", "DECLARED"), outcome("M6", on(30, 12), "SELF_EMPLOYED", "REGISTER")
        )
        for n in range(5)
    ]
    found = [(row["quarter"], row["point"], row["code"], row["people"]) for row in rows_of(REPORT, *told)]
    assert found == [
        ("2026-Q3", "W4", "TRAINING", 5),
        ("2026-Q3", "W4", "TRAINING", 5),
        ("2026-Q4", "M6", "SELF_EMPLOYED", 5),
        ("2026-Q4", "M6", "SELF_EMPLOYED", 5),
    ]


def test_a_follow_up_that_was_not_taken_is_counted_as_such() -> None:
    """Five could not be reached after twelve months."""
    waived = OutcomeWaived(point="M12", reason="CONTACT_LOST", finalise_at=None)
    row = only(*(case(n, (on(1, 7, 2027), waived)) for n in range(5)))
    assert (row["point"], row["code"], row["people"], row["noSource"], row["levelUnknown"]) == (
        "M12",
        "WAIVED",
        5,
        5,
        5,
    )


def test_what_was_corrected_counts_as_it_reads_now() -> None:
    """Five were recorded as in stable work, and it is training."""
    told = []
    for n in range(5):
        was = Reported(
            kind="OutcomeRecorded",
            happened_at=LEFT,
            facts={
                "point": "EXIT",
                "code": "EMPLOYED_STABLE",
                "source": "REGISTER",
                "level_match": None,
                "progress": {},
            },
        )
        holds = Reported(kind="OutcomeRecorded", happened_at=LEFT, facts={**was.facts, "code": "TRAINING"})
        corrected = CorrectionRecorded(
            corrects=f"case-c{n}-2",
            corrected="OutcomeRecorded",
            reason_ref="vault-1",
            referral=None,
            was=was,
            holds=holds,
        )
        told.append(case(n, outcome("EXIT", LEFT, "EMPLOYED_STABLE", "REGISTER"), (on(8, 7), corrected)))
    assert only(*told)["code"] == "TRAINING"


def test_after_a_reopening_only_the_last_closing_counts() -> None:
    """Five had no work at their first exit and four weeks after it; of the second exit only that is known."""
    told = [
        case(
            n,
            outcome("EXIT", on(6, 7), "NO_CHANGE", "DECLARED"),
            outcome("W4", on(7, 8), "NO_CHANGE", "DECLARED"),
            (on(8, 7), CaseReopened()),
            outcome("EXIT", on(1, 12), "EMPLOYED_SHORT", "REGISTER"),
        )
        for n in range(5)
    ]
    assert (only(*told)["point"], only(*told)["code"]) == ("EXIT", "EMPLOYED_SHORT")


def test_few_people_are_hidden_and_so_is_the_source_that_would_tell_them() -> None:
    """Of nine, four are known by their own word: neither they nor the five of the register are shown."""
    told = [case(n, outcome("EXIT", LEFT, "TRAINING", "REGISTER" if n < 5 else "DECLARED")) for n in range(9)]
    row = only(*told)
    assert (row["people"], row["fromRegister"], row["declared"]) == (9, None, None)


def test_outcomes_belong_to_the_organisation_that_had_the_case() -> None:
    """Told by the rules themselves: the year that follows a closing, of five people like Samira."""
    book: Casebook = settled().book
    told = [History(f"case-{n}", book.history) for n in range(5)]
    rows = [row for row in rows_of(REPORT, *told) if row["organisation"] != "ALL"]
    assert {row["organisation"] for row in rows} == {"brugwerk"}
    assert sorted(row["point"] for row in rows) == sorted(POINTS)
    assert {(row["code"], row["people"]) for row in rows} == {(OUTCOME["code"], 5)}


def test_only_quarters_that_the_days_touch_are_shown() -> None:
    """Outcomes of July, asked for in October."""
    told = [case(n, outcome("EXIT", on(6, 7), "TRAINING", "REGISTER")) for n in range(5)]
    assert rows_of(REPORT, *told, period=Period(date(2026, 10, 1), None)) == []
    assert len(rows_of(REPORT, *told, period=Period(date(2026, 8, 1), None))) == 2
