"""What the casefile service's index knows: by what cases are found, who must act on which step, what is pending."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic_core import from_json, to_json

from contracts.identifiers import one_person
from services.casefile.access import ADDRESSED_ORGANISATION, CONSENT_WITHDRAWN, FORMER_ORGANISATION, standing_of
from services.casefile.domain.absence import SubstituteNamed
from services.casefile.domain.case import CASE
from services.casefile.domain.charter import CharterWritten
from services.casefile.domain.deadlines import running
from services.casefile.domain.known_organisation import OrganisationLearnt
from services.casefile.domain.known_programme import KNOWN_PROGRAMME, KnownProgramme, ProgrammeLearnt
from services.casefile.domain.ladder import late_terms
from services.casefile.domain.mentor import MentorDescribed
from services.casefile.domain.state import Case
from services.casefile.events import Event
from services.casefile.gap_rows import GAPS, index_gaps
from services.casefile.history import fold
from services.casefile.timeline import history_of, sight_of, version_seen
from services.casefile.views import stopped_view, summary_of
from services.casefile.worklist import Work, work_of_mentor, work_of_staff
from services.chassis.deciding.folded import Folded
from services.chassis.deciding.streams import Streams
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import Changes, IndexReader, Row, Table, Value
from services.chassis.log.metadata import Recorded
from services.chassis.mail.postbox import LETTERS, LetterPosted, LetterTaken, note_letter
from services.chassis.time.scheduler import DEADLINES, Pending, set_pending, sortable

CASES: Final = Table(
    "cases",
    columns=("agency", "state", "due", "client_ref", "programme", "summary", "work"),
    # By state, but for a list of all cases: one of all states is made of a dozen short looks, and half as many indexes
    # are kept.
    indexes=((), ("state",), ("agency", "state"), ("client_ref",)),
    orders=(("due",), ("state", "due"), ("agency", "state", "due")),
    wide=True,
)
"""One row per case; `due` is when the first of its steps is, NO_TERM where none has a term.

`client_ref` is the pseudonym in the form in which persons are compared, `programme` the one that the case runs under,
`summary` what lists show of the case, as JSON (`services.casefile.views.summary_of`). `work` is a JSON array of the
`work` of its rows in STEPS, by their numbers; null for a number that has none.
"""
PARTS: Final = Table(
    "parts",
    columns=(
        "organisation",
        "case_id",
        "agency",
        "state",
        "due",
        "reader",
        "standing",
        "seen_state",
        "seen_due",
        "seen",
        "holder",
    ),
    indexes=(("organisation", "state"), ("organisation", "agency", "state"), ("reader", "seen_state")),
    orders=(
        ("organisation", "state", "due"),
        ("organisation", "agency", "state", "due"),
        ("reader", "seen_state", "seen_due"),
        ("holder", "agency", "due"),
    ),
)
"""One row per case and organisation that has, or had, a part in it; `seq` is the case's.

`agency`, `state` and `due` are the case's, as in CASES. `reader` is the organisation as long as it may read the case,
`standing` how it then stands to the case (`services.casefile.access`), and `seen_state` and `seen_due` are what it
reads: a former party reads an earlier state, of which `seen` is the summary; None where it reads the case as it is.
`holder` is the organisation as long as the case is offered to it, or with it.
"""
STEPS: Final = Table(
    "steps",
    columns=("actor", "person", "case_id", "work", "due", "item"),
    orders=(("actor", "due"), ("actor", "person", "due")),
    wide=True,
)
"""One row for all that staff and mentors must act on now (`services.casefile.worklist`).

A mentee's work is found by the person's cases. `due` is NO_TERM for one without a term.
`item` is what staff are shown of it (`services.casefile.work_items`), as JSON; None for a mentor.
"""
STOPPED: Final = "STOPPED"
"""The state of a case of which an organisation reads only the stop."""
NO_TERM: Final = "9999-12-31"
"""Behind every instant that is due."""
MENTORS: Final = Table("mentors", columns=("organisation", "mentor"), indexes=((), ("organisation",)))
ABSENCES: Final = Table("absences", columns=("organisation", "absent"), indexes=((), ("organisation",)))
CHARTERS: Final = Table("charters", columns=("version",), indexes=((),))
KNOWN: Final = Table("organisations", columns=("kind", "suspended"), indexes=(("kind",), ("suspended",)))
"""One row per organisation that is known, by its id; `suspended` is 1 as long as the operator has suspended it."""
TABLES: Final = (CASES, PARTS, STEPS, MENTORS, ABSENCES, CHARTERS, KNOWN, GAPS, DEADLINES, LETTERS)
INDEX_VERSION: Final = 18
"""Raised whenever the meaning of a table changes: the index is then rebuilt from the log."""
CASE_PREFIX: Final = "case-"
CHARTER: Final = "CHARTER"
"""The kind of what is pending of a programme: its running matches may come under another charter."""
_SHORTLY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an organisation reads of a case, and how it stands to it; `summary` is None for the case as it is."""

    standing: str
    case: Case
    summary: Json | None = None


_Listed = tuple[Work, str | None]
"""Some work, and its item."""


@dataclass(frozen=True, slots=True)
class Known:
    """A case as it is, and as each organisation with a part in it reads it; None: not at all any more.

    `seq` is its place in lists; None for a case that is in none yet. `work` is what its rows in STEPS are about, by
    their numbers, each with its item; `held` the keys of what they were about before.
    """

    case: Case
    summary: Json
    seen: Mapping[str, Seen | None]
    work: Sequence[_Listed | None]
    held: Sequence[str | None]
    seq: int | None


class Listing:
    """Keeps the index abreast of the log. `look` folds the cases that a batch is about, `project` writes their rows.

    A case may be folded further than the event at hand: the later event then writes the same rows again.
    """

    def __init__(
        self, streams: Streams, index: IndexReader, items: Callable[[Case], Awaitable[Mapping[str, str]]]
    ) -> None:
        """`items` makes what the worklist shows of all work of staff in a case, by the work's key."""
        self._streams = streams
        self._index = index
        self._items = items
        self._cases: dict[str, Known] = {}
        self._programmes: dict[str, KnownProgramme] = {}

    async def look(self, batch: Sequence[Recorded]) -> None:
        """Folds the cases of a batch, and the programmes."""
        learnt = list({recorded.stream for recorded in batch if isinstance(recorded.event, ProgrammeLearnt)})
        known = await self._streams.fold_together([(stream, KNOWN_PROGRAMME) for stream in learnt]) if learnt else []
        self._programmes = {stream: folded.state for stream, folded in zip(learnt, known, strict=True)}
        # A case whose first event is in the batch is in no list yet.
        cases = (recorded for recorded in reversed(batch) if recorded.stream.startswith(CASE_PREFIX))
        firsts = {recorded.stream: recorded.version for recorded in cases}
        folds = dict(zip(firsts, await self._streams.fold_together([(stream, CASE) for stream in firsts]), strict=True))
        listed = [folds[stream].state.case for stream, first in firsts.items() if first > 1]
        rows = await self._index.rows(CASES.name, listed) if listed else {}
        records = await self._records(folds)
        self._cases = {
            stream: await self._known(folded, rows.get(folded.state.case), records.get(stream, ()))
            for stream, folded in folds.items()
        }

    async def _records(self, folds: Mapping[str, Folded[Case]]) -> Mapping[str, Sequence[Recorded]]:
        """The events of those cases of which somebody reads an earlier state, or the stop alone."""
        earlier = {FORMER_ORGANISATION, CONSENT_WITHDRAWN}
        former = [stream for stream, folded in folds.items() if earlier & set(_standing(folded.state).values())]
        # Side by side: streams that are asked for at once come in one answer of the database.
        read = (self._streams.log.read(stream, through=folds[stream].version) for stream in former)
        return dict(zip(former, await asyncio.gather(*read), strict=True)) if former else {}

    async def _known(self, folded: Folded[Case], row: Row | None, records: Sequence[Recorded]) -> Known:
        case = folded.state
        held = from_json(str(row.columns["work"])) if row is not None else ()
        works = {work.key: work for work in (*work_of_staff(case), *work_of_mentor(case))}
        return Known(
            case,
            summary_of(case, folded.etag),
            _seen(case, records),
            _numbered(works, await self._items(case), held),
            held,
            row.seq if row is not None else None,
        )

    def project(self, recorded: Recorded, changes: Changes) -> None:
        """What one event changes in the index."""
        if recorded.stream.startswith(CASE_PREFIX):
            # The rows follow from the fold of the case and not from the event, so a new one needs nothing here; and
            # once a batch, for the case was folded to its end already.
            known = self._cases.pop(recorded.stream, None)
            if known is not None and known.case.state is not None:
                _index_case(known, recorded, changes)
            return
        event: Event = recorded.event
        match event:
            case LetterTaken() | LetterPosted():
                note_letter(recorded, event, changes)
            case MentorDescribed():
                mentor = {"organisation": event.organisation, "mentor": event.mentor}
                changes.put(MENTORS.name, recorded.stream, recorded.position, **mentor)
            case OrganisationLearnt():
                suspended = 1 if event.suspended else None
                changes.put(KNOWN.name, event.organisation, recorded.position, kind=event.kind, suspended=suspended)
            case SubstituteNamed():
                away = {"organisation": event.organisation, "absent": event.absent}
                changes.put(ABSENCES.name, recorded.stream, recorded.position, **away)
            case ProgrammeLearnt():
                pending = _charters_of(self._programmes[recorded.stream], recorded.meta.recorded_at)
                set_pending(changes, recorded.stream, recorded, pending)
            case CharterWritten():
                changes.put(CHARTERS.name, recorded.stream, recorded.position, version=event.version)
            case _:
                # No list shows which places are taken; who signed a charter its stream says, and how many exceptions a
                # month had.
                pass


def _standing(case: Case) -> dict[str, str | None]:
    return {access.organisation: standing_of(access.organisation, case) for access in case.accesses}


def _seen(case: Case, records: Sequence[Recorded]) -> dict[str, Seen | None]:
    seen: dict[str, Seen | None] = {}
    for organisation, how in _standing(case).items():
        if how == FORMER_ORGANISATION:
            earlier = fold(history := history_of(records, sight_of(records, organisation)))
            seen[organisation] = Seen(how, earlier, summary_of(earlier, history[-1].version if history else 0))
        elif how == ADDRESSED_ORGANISATION:
            seen[organisation] = Seen(how, case)
        elif how == CONSENT_WITHDRAWN:
            # After the stop it reads neither state nor term.
            seen[organisation] = Seen(how, Case(), stopped_view(case.case, version_seen(records, organisation)))
        else:
            seen[organisation] = None
    return seen


def _index_case(known: Known, recorded: Recorded, changes: Changes) -> None:
    case = known.case
    seq = known.seq if known.seq is not None else recorded.position
    own = {"agency": case.agency, "state": _state(case), "due": _due(case)}
    shown = {"summary": _json(known.summary), "work": _json([listed and listed[0].key for listed in known.work])}
    found_by = {"client_ref": one_person(case.client_ref), "programme": case.programme}
    changes.put(CASES.name, case.case, seq, **own, **found_by, **shown)
    for organisation, seen in known.seen.items():
        changes.put(
            PARTS.name,
            part_key(case.case, organisation),
            seq,
            organisation=organisation,
            case_id=case.case,
            **own,
            reader=organisation if seen is not None else None,
            standing=seen.standing if seen is not None else None,
            seen_state=_state(seen.case) or STOPPED if seen is not None else None,
            seen_due=_due(seen.case) if seen is not None else None,
            seen=_json(seen.summary) if seen is not None and seen.summary is not None else None,
            holder=organisation if organisation == case.organisation else None,
        )
    _index_steps(known, seq, changes)
    index_gaps(case, seq, changes)
    set_pending(changes, recorded.stream, recorded, _pending(case))


def _json(shown: Json | list[str | None]) -> str:
    return to_json(shown).decode()


def _state(case: Case) -> str | None:
    return case.state.value if case.state is not None else None


def _due(case: Case) -> str:
    dues = [due for step in case.steps if (due := step.due_at) is not None]
    return sortable(min(dues)) if dues else NO_TERM


def part_key(case_id: str, organisation: str) -> str:
    """The key in PARTS."""
    return f"{case_id}:{organisation}"


def _numbered(
    work: Mapping[str, Work], items: Mapping[str, str], held: Sequence[str | None]
) -> Sequence[_Listed | None]:
    """The work of a case by numbers: what is held keeps its own, the rest gets those of what is done, or others.

    So a step that gives way to the next one is a row that changes, and not two in every index.
    """
    numbered: list[Work | None] = [work.get(key) if key is not None else None for key in held]
    free = sorted((n for n, kept in enumerate(numbered) if kept is None), key=lambda n: held[n] is None)
    new = [added for key, added in work.items() if key not in held]
    for number, added in zip(free, new, strict=False):
        numbered[number] = added
    numbered += new[len(free) :]
    return [(act, items.get(act.key)) if act is not None else None for act in numbered]


def _index_steps(known: Known, seq: int, changes: Changes) -> None:
    case_id = known.case.case
    for number, key in enumerate(known.held):
        if key is not None and known.work[number] is None:
            changes.delete(STEPS.name, _step_key(case_id, number))
    for number, listed in enumerate(known.work):
        if listed is not None:
            changes.put(STEPS.name, _step_key(case_id, number), seq, **step_columns(case_id, *listed))


def step_columns(case_id: str, work: Work, item: str | None = None) -> dict[str, Value]:
    """The columns of some work of a case in STEPS."""
    due = sortable(work.due_at) if work.due_at is not None else NO_TERM
    columns = {"actor": work.actor, "person": work.person, "case_id": case_id, "work": work.key, "due": due}
    return {**columns, "item": item}


def _step_key(case_id: str, number: int) -> str:
    return f"{case_id}:{number}"


def _charters_of(known: KnownProgramme, now: datetime) -> Iterator[Pending]:
    """When the matches of a programme are looked at: each version as it begins, and at once what has begun already.

    Once more a little later: an agreement may be stored a moment after the day on which it was decided.
    """
    if len(known.versions) > 1:
        begin = {learnt.begins for learnt in known.versions.values() if learnt.begins > now}
        for at in sorted({now, *begin, *(begins + _SHORTLY for begins in begin)}):
            yield Pending(sortable(at), "0", CHARTER, sortable(at))


def _pending(case: Case) -> Iterator[Pending]:
    for deadline in running(case):
        due = sortable(deadline.due_at)
        if deadline.remind_at is not None:
            yield Pending(sortable(deadline.remind_at), deadline.name, "REMIND", due)
        yield Pending(due, deadline.name, "PASS", due)
    for late in late_terms(case):
        yield from (Pending(sortable(due.at), late.name, due.level, sortable(late.due_at)) for due in late.to_come)
