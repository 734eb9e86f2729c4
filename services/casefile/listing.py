"""What the casefile service's index knows: by what cases are found, who must act on which step, what is pending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.casefile.domain.case import Case
from services.casefile.domain.deadlines import running
from services.casefile.domain.mentor import MentorDescribed
from services.casefile.domain.transitions import CASE
from services.chassis.index import IndexWriter, Table
from services.chassis.metadata import Recorded
from services.chassis.scheduler import DEADLINES, sortable
from services.chassis.streams import Streams

CASES: Final = Table("cases", columns=("agency", "state", "due"), indexes=(("agency",), ("state",)))
PARTS: Final = Table("parts", columns=("organisation", "case_id"), indexes=(("organisation",), ("case_id",)))
"""One row per case and organisation that has, or had, a part in it; `seq` is the case's."""
STEPS: Final = Table(
    "steps",
    columns=("actor", "case_id", "step", "due"),
    indexes=(("actor", "due"), ("case_id",)),
)
"""One row per open step: `actor` is the organisation that must act on it now, `due` is NO_TERM for one without."""
NO_TERM: Final = "9999-12-31"
"""Behind every instant that is due."""
MENTORS: Final = Table("mentors", columns=("organisation", "mentor"), indexes=(("organisation",),))
TABLES: Final = (CASES, PARTS, STEPS, MENTORS, DEADLINES)
VERSION: Final = 2
"""Raised whenever the meaning of a table changes: the index is then rebuilt from the log."""
CASE_PREFIX: Final = "case-"


class Listing:
    """Keeps the index abreast of the log. `look` folds the cases that a batch is about, `project` writes their rows.

    A case may be folded further than the event at hand: the later event then writes the same rows again.
    """

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._cases: dict[str, Case] = {}

    async def look(self, batch: Sequence[Recorded]) -> None:
        """Folds the cases of a batch."""
        names = {recorded.stream for recorded in batch if recorded.stream.startswith(CASE_PREFIX)}
        self._cases = {name: (await self._streams.fold(name, CASE)).state for name in names}

    def project(self, recorded: Recorded, index: IndexWriter) -> None:
        """What one event changes in the index."""
        if isinstance(recorded.event, MentorDescribed):
            described = recorded.event
            index.put(
                MENTORS.name,
                recorded.stream,
                recorded.position,
                organisation=described.organisation,
                mentor=described.mentor,
            )
        case = self._cases.pop(recorded.stream, None)
        # Once a batch: the case was folded to its end already.
        if case is not None and case.state is not None:
            _index_case(case, recorded, index)


def _index_case(case: Case, recorded: Recorded, index: IndexWriter) -> None:
    row = index.get(CASES.name, case.case)
    seq = row.seq if row is not None else recorded.position
    dues = [due for step in case.steps if (due := step.due_at) is not None]
    state = case.state.value if case.state is not None else None
    nearest = sortable(min(dues)) if dues else None
    index.put(CASES.name, case.case, seq, agency=case.agency, state=state, due=nearest)
    for organisation in {access.organisation for access in case.accesses}:
        index.put(PARTS.name, f"{case.case}:{organisation}", seq, organisation=organisation, case_id=case.case)
    index.delete_where(STEPS.name, case_id=case.case)
    for step in case.steps:
        index.put(
            STEPS.name,
            f"{case.case}:{step.step}",
            seq,
            actor=step.awaiting.org if step.awaiting is not None else step.owner.org,
            case_id=case.case,
            step=step.step,
            due=sortable(step.due_at) if step.due_at is not None else NO_TERM,
        )
    index.delete_where(DEADLINES.name, stream=recorded.stream)
    for pending in running(case):
        for kind, at in (("REMIND", pending.remind_at), ("PASS", pending.due_at)):
            if at is not None:
                index.put(
                    DEADLINES.name,
                    f"{case.case}:{pending.name}:{kind}",
                    recorded.position,
                    stream=recorded.stream,
                    name=pending.name,
                    kind=kind,
                    at=sortable(at),
                    due=sortable(pending.due_at),
                )
