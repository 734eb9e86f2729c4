"""What the index knows of gaps in services."""

from __future__ import annotations

from typing import Final

from contracts.staff import MENTORS
from services.casefile.access import reads_gap
from services.casefile.domain.state import Case
from services.chassis.index.index import Changes, Table
from services.chassis.time.scheduler import sortable

GAPS: Final = Table(
    "gaps",
    columns=("agency", "reader", "mentor", "state", "due", "case_id"),
    orders=(
        ("due",),
        ("state", "due"),
        ("agency", "state", "due"),
        ("reader", "state", "due"),
        ("reader", "agency", "state", "due"),
        ("mentor", "state", "due"),
    ),
)
"""One row per gap in services, by its id; `due` is when its answer is, and orders lists as it never changes.

`reader` is the organisation that it was reported with, and `mentor` the mentor who reported it (`mentor_key`), both
as long as that organisation reads it.
"""


def index_gaps(case: Case, seq: int, changes: Changes) -> None:
    """Writes the rows of the gaps of a case, whose place in lists is `seq`."""
    for gap in case.gaps:
        reporter = gap.reported_by
        reads = reads_gap(case, gap)
        changes.put(
            GAPS.name,
            gap.gap,
            seq,
            agency=case.agency,
            reader=gap.organisation if reads else None,
            mentor=mentor_key(reporter.org, reporter.sub) if reads and reporter.role in MENTORS else None,
            state=gap.state.value,
            due=sortable(gap.due_at),
            case_id=case.case,
        )


def mentor_key(organisation: str, mentor: str) -> str:
    """A mentor in GAPS."""
    return f"{organisation}:{mentor}"
