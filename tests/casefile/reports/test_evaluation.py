"""What researchers get: codes under pseudonyms, the same bytes from the same log."""

from __future__ import annotations

import json
import re
from datetime import date

from pydantic_core import to_json

from services.casefile.domain.mentoring import RecordCheckIn, RecordMeeting, RecordPulse
from services.casefile.domain.outcomes import OutcomeRecorded
from services.casefile.domain.trajectory_end import CompleteTrajectory
from services.casefile.reports.evaluation import REPORT, key_of, pseudonym
from services.casefile.reports.report import History, Period, Row
from services.casefile.reports.spreadsheet import as_csv
from services.chassis.log.epochs import Epoch, Epochs
from tests.casefile.casebook import ACCEPT, HAND_BACK, Casebook
from tests.casefile.messages import CASE_ID
from tests.casefile.reports.entries import entry, offered_to_several
from tests.casefile.reports.histories import history, opened, rows_of
from tests.casefile.situations import STORIES
from tests.support.actors import LOTTE
from tests.support.dates import on

KEYED = Period(key=b"k" * 32)
A_CODE = re.compile(r"[A-Z0-9_]+(:[A-Z0-9_]+)*")


def samira() -> Casebook:
    """The happy path, with two meetings, a check-in and a pulse of each side."""
    book = Casebook().mentoring()
    book.act(RecordMeeting(at=on(26, 2), by=LOTTE, minutes=90))
    book.act(RecordMeeting(at=on(5, 3), by=LOTTE, minutes=60))
    book.act(RecordCheckIn(at=on(5, 3, hour=12), by=LOTTE))
    book.act(RecordPulse(at=on(6, 3), by=LOTTE, side="MENTOR", score=4, reasons=("PROGRESS_SEEN",)))
    book.act(RecordPulse(at=on(7, 3), by=LOTTE, side="MENTEE", score=5))
    book.act(CompleteTrajectory(at=on(30, 6), by=LOTTE, reason="EMPLOYMENT", closure_talk=True))
    book.act(HAND_BACK)
    book.act(ACCEPT)
    return book


def row(*told: History, period: Period = KEYED) -> Row:
    """The one row."""
    (one,) = rows_of(REPORT, *told, period=period)
    return one


def test_a_case_is_a_row_of_codes_counts_and_days() -> None:
    """Opened on 12 January, accepted on the 16th, 4 days; signed on 19 February, 34 later; ended on 30 June, 131."""
    told = json.loads(to_json(row(History(f"case-{CASE_ID}", samira().history))))
    assert told == {
        "pseudonym": pseudonym(KEYED.key, CASE_ID),
        "quarter": "2026-Q1",
        "agency": "vdab-gent",
        "programme": "mtw-be-2026",
        "organisation": "brugwerk",
        "offers": 1,
        "daysToAcceptance": 4,
        "daysToAgreement": 34,
        "daysMentored": 131,
        "meetings": 2,
        "meetingMinutes": 150,
        "checkIns": 1,
        "mentorScores": [4],
        "menteeScores": [5],
        "declineReasons": [],
        "supportNeeds": [],
        "goals": ["SOCIAL", "CULTURAL"],
        "mentorKinds": ["VOLUNTEER"],
        "pulseReasons": ["PROGRESS_SEEN"],
        "tasks": [],
        "exceptions": [],
        "gaps": [],
        "escalations": [],
        "endReasons": ["EMPLOYMENT"],
        "outcomes": [],
    }


def test_an_outcome_has_its_point_code_source_and_level() -> None:
    """In stable work that suits the level, by the register."""
    found = OutcomeRecorded(
        point="M6", code="EMPLOYED_STABLE", source="REGISTER", level_match=True, progress={}, happened_at=on(30, 12),
        finalise_at=None,
    )  # fmt: skip
    told = row(history("c1", (on(12, 1), opened("c1", on(12, 1))), (on(30, 12), found)))
    assert list(told["outcomes"]) == ["M6:EMPLOYED_STABLE:REGISTER:LEVEL_MATCH"]


def test_each_of_several_offers_is_one() -> None:
    """Asked three organisations at once, and one before them, which said no."""
    told = row(
        history(
            "c1",
            (on(12, 1), opened("c1", on(12, 1))),
            entry("ReferralSubmitted", "R-0", "duo", on(12, 1)),
            entry("ReferralDeclined", "R-0", "duo", on(13, 1), "CAPACITY_FULL"),
            *offered_to_several("B-1", on(14, 1), a="brugwerk", b="samenstap", c="duo"),
        )
    )
    assert (told["offers"], list(told["declineReasons"])) == (4, ["CAPACITY_FULL"])


def test_nothing_in_a_row_is_a_text_or_an_exact_day() -> None:
    """Over every story of a case: codes, numbers, the quarter, ids of organisations, and the pseudonym."""
    ids = {"agency", "programme", "organisation"}
    told = [History(f"case-{n}", story.book.history) for n, story in enumerate(make() for make in STORIES)]
    found = rows_of(REPORT, *told, period=KEYED)
    assert len(found) > 60
    for each in found:
        assert re.fullmatch(r"[0-9a-f]{32}", each["pseudonym"])
        assert re.fullmatch(r"\d{4}-Q[1-4]", each["quarter"])
        for name, value in each.items():
            if name in ids | {"pseudonym", "quarter"}:
                continue
            for one in value if isinstance(value, list | tuple) else [value]:
                assert one is None or isinstance(one, int) or A_CODE.fullmatch(one), (name, one)
        assert CASE_ID not in json.dumps(each)
        assert "CL-7F3A" not in json.dumps(each)


def test_the_same_log_gives_the_same_bytes() -> None:
    """In whatever order the histories are read: as JSON and as CSV."""
    told = [History(f"case-{n}", story.book.history) for n, story in enumerate(make() for make in STORIES)]
    once, again = rows_of(REPORT, *told, period=KEYED), rows_of(REPORT, *reversed(told), period=KEYED)

    def written(rows: list[Row]) -> tuple[bytes, str]:
        return to_json(REPORT.document(KEYED, rows)), as_csv(REPORT.columns, rows)

    assert written(once) == written(again)


def test_what_is_recorded_of_others_changes_no_row() -> None:
    """A row is about its case alone, and does not depend on when it is asked for."""
    told = History(f"case-{CASE_ID}", samira().history)
    other = history("c9", (on(1, 9), opened("c9", on(1, 9))))
    later = Period(now=on(1, 12), key=KEYED.key)
    assert row(told) in rows_of(REPORT, told, other, period=later)


def test_a_pseudonym_is_the_same_under_its_key_and_another_under_another() -> None:
    """Without the key nobody makes the pseudonym of a case whose id they know."""
    assert pseudonym(b"a" * 32, CASE_ID) == pseudonym(b"a" * 32, CASE_ID)
    made = {pseudonym(key, CASE_ID) for key in (b"a" * 32, b"b" * 32, b"")}
    assert len(made) == 3
    assert pseudonym(b"a" * 32, "c1") != pseudonym(b"a" * 32, "c2")


def test_the_key_of_pseudonyms_is_kept_with_the_log_and_tells_nothing_of_the_cursors() -> None:
    """It stays when another epoch begins, and is not the key that it is made of."""
    first = Epochs(b"s" * 64, (Epoch("one", 0),))
    restored = Epochs(b"s" * 64, (Epoch("one", 0), Epoch("two", 12)))
    assert key_of(first) == key_of(restored)
    assert key_of(first) not in first.key
    assert key_of(Epochs(b"t" * 64, (Epoch("one", 0),))) != key_of(first)


def test_only_cases_of_quarters_that_the_days_touch_are_shown() -> None:
    """Opened in January, asked for in April."""
    told = history("c1", (on(12, 1), opened("c1", on(12, 1))))
    assert rows_of(REPORT, told, period=Period(date(2026, 4, 1), None)) == []
    assert row(told, period=Period(date(2026, 3, 1), None))["quarter"] == "2026-Q1"
