"""What an export says of a case: what its reader sees of the record, table by table. Personal data is in none of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from services.casefile.domain.state import Case
from services.casefile.domain.steps import Party
from services.casefile.exports.spells import CaseSpells
from services.casefile.exports.tables import DEADLINES, EVENTS, RESPONSIBILITIES, STATES, TIMELINE, Row
from services.casefile.history import known, occurred_at
from services.casefile.timeline import Item, followed, sight_of, timeline
from services.chassis.http.response.rendering import recorded_view
from services.chassis.log.metadata import Recorded


class Basis(Struct, frozen=True):
    """What exports are made of, apart from the cases.

    `through` is the position of the last event of the log that is taken into account, and `checkpoint` the signed one
    that was newest then: a note, empty where nothing was signed yet. `as_of` and `known_at` are the moments that were
    asked for; without the first it is `newest`, when the newest event of the log was recorded.
    """

    through: int
    newest: datetime
    checkpoint: str = ""
    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def at(self) -> datetime:
        """The moment that an export is about."""
        return self.as_of or self.newest


class Contents(Struct, frozen=True):
    """A case as its reader sees it; `seen_by` is the organisation whose sight bounds it, None where nothing does."""

    case: str
    basis: Basis
    seen_by: str | None
    items: Sequence[Item]
    records: Sequence[Recorded]
    spells: CaseSpells
    after: Case

    @property
    def digest(self) -> str:
        """The SHA-256 of the digests of its events, in their order, a line each."""
        lines = "".join(f"{recorded.digest}\n" for recorded in self.records)
        return hashlib.sha256(lines.encode()).hexdigest()

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of a table, in order."""
        return _ROWS[table](self)

    def raw(self) -> Iterator[dict[str, Any]]:
        """The events as the raw record shows them, each with its case, and without the chain over what is not here."""
        return ({"case": self.case, **recorded_view(recorded)} for recorded in self.records)


def contents_of(
    case_id: str,
    records: Sequence[Recorded],
    basis: Basis,
    *,
    seen_by: str | None = None,
    stopped: bool = False,
) -> Contents:
    """The contents of a case, of all its records or of those that its reader knew of.

    After a stop (`stopped`) nothing is said of who is responsible, and until when.
    """
    records = [recorded for recorded in records if recorded.position <= basis.through]
    as_of, known_at = basis.as_of, basis.known_at
    items = timeline(records, as_of=as_of, known_at=known_at, seen_by=seen_by)
    sight = sight_of(records, seen_by) if seen_by is not None else None
    seen: list[Recorded] = []
    spells, after = CaseSpells(), Case()
    for recorded, then in followed(known(records, as_of, known_at), sight):
        seen.append(recorded)
        if not stopped:
            spells.take(recorded, then)
            after = then
    return Contents(case_id, basis, seen_by, items, seen, spells, after)


def _timeline(contents: Contents) -> Iterator[Row]:
    for item in contents.items:
        yield (
            contents.case,
            item.position,
            item.event,
            item.type,
            item.occurred_at,
            item.recorded_at,
            item.text,
            *_named(item.actor),
            item.on_behalf_of,
            item.substitute_for,
            *_named(item.responsible),
            item.step,
            item.due_at,
            item.level,
            item.count,
            item.corrects,
            " ".join(item.corrected_by) or None,
            item.digest,
        )


def _states(contents: Contents) -> Iterator[Row]:
    for spell in contents.spells.states:
        yield contents.case, spell.what, spell.begin, spell.end, spell.begun_by, spell.ended_by


def _responsibilities(contents: Contents) -> Iterator[Row]:
    for spell in contents.spells.charges:
        step, about, party = spell.what
        times = spell.begin, spell.end, spell.begun_by, spell.ended_by
        yield contents.case, step, about, *_named(party), *times


def _deadlines(contents: Contents) -> Iterator[Row]:
    for spell in contents.spells.terms:
        term = spell.what
        whose = term.sub, term.role, term.organisation
        times = spell.begin, term.due_at, spell.end, contents.spells.missed_at(term)
        yield contents.case, term.step, term.about, term.deadline, *whose, *times, spell.begun_by, spell.ended_by


def _events(contents: Contents) -> Iterator[Row]:
    for recorded in contents.records:
        meta = recorded.meta
        yield (
            contents.case,
            recorded.version,
            recorded.position,
            meta.event_id,
            type(recorded.event).__name__,
            recorded.topic,
            occurred_at(recorded),
            meta.recorded_at,
            meta.actor.sub,
            meta.actor.role,
            meta.actor.org,
            meta.causation_id,
            recorded.digest,
        )


def _named(party: Party | None) -> tuple[str | None, str | None, str | None]:
    return (party.sub, party.role, party.org) if party is not None else (None, None, None)


_ROWS: Final[dict[str, Callable[[Contents], Iterator[Row]]]] = {
    TIMELINE: _timeline,
    STATES: _states,
    RESPONSIBILITIES: _responsibilities,
    DEADLINES: _deadlines,
    EVENTS: _events,
}
