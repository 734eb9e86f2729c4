"""Q15: whether the record is complete and unaltered, as far as its own numbers show it."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from services.casefile.questions.question import Answer, Facts, Inquiry, Question, counted, listed, proofs

SOURCES: Final = ("every event of the case",)
VERIFY: Final = "caserelay audit verify"


def find(inquiry: Inquiry) -> Answer:
    """Versions without a hole, in the order of the log: of all that is stored, whatever moment is asked about."""
    records = inquiry.stored
    versions = [recorded.version for recorded in records]
    missing = sorted({*range(1, max(versions) + 1)} - {*versions})
    repeated = sorted({version for version in versions if versions.count(version) > 1})
    positions = [recorded.position for recorded in sorted(records, key=lambda recorded: recorded.version)]
    moved = [after for before, after in pairwise(positions) if after <= before]
    facts: Facts = {
        "events": len(records),
        "lastVersion": max(versions),
        "missingVersions": missing,
        "repeatedVersions": repeated,
        "outOfOrder": moved,
        "verifiedBy": VERIFY,
    }
    shown = proofs(*records)
    wrong = [
        *([f"versions {listed(map(str, missing))} are missing"] if missing else []),
        *([f"versions {listed(map(str, repeated))} are there twice"] if repeated else []),
        *([f"the events at positions {listed(map(str, moved))} are out of order"] if moved else []),
    ]
    if wrong:
        return Answer(f"No: {listed(wrong)}.", facts, shown, clear=False)
    text = (
        f"It is complete: {counted(len(records), 'event')}, numbered from 1 to {max(versions)} without a hole, in the "
        f"order of the log. That none was altered is proven by {VERIFY}, against what was signed."
    )
    return Answer(text, facts, shown)


QUESTION: Final = Question("Q15", "Is the record complete, without missing numbers, and unaltered?", SOURCES, find)
