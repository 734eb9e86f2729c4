"""Exports from the log alone: of one case, or of all, case by case. No running service is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from services.casefile.access import CONSENT_WITHDRAWN
from services.casefile.events import EVENT_TYPES
from services.casefile.exports.contents import Basis, Contents, contents_of
from services.casefile.exports.formats import Format
from services.casefile.exports.parts import Order, Parts, appearing, failures, parts_of, refuse_existing, write_manifest
from services.casefile.exports.pulse import steady
from services.casefile.exports.tables import Table
from services.casefile.history import fold, known
from services.casefile.questions.replayed import Moments, When, programme_of
from services.casefile.replay import UnknownCase, read_case
from services.casefile.reports.kept import newest
from services.casefile.reports.replayed import NoLog
from services.casefile.reports.report import CASE_PREFIX
from services.casefile.time_machine import standing_in_place_of
from services.chassis.log.event_log import EventLog
from services.chassis.modelling.days import in_utc
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.progress import Progress, Say

NAME: Final = "casefile"
STREAMS_IN_PART: Final = 200
"""How much is written again at most by who was killed."""


class Wanted(NamedTuple):
    """What somebody asks for."""

    kind: Format
    table: Table
    as_of: When = None
    known_at: When = None


@dataclass(frozen=True)
class Written:
    """What was written: the file, its digest, and how many cases and events are in it."""

    file: Path
    sha256: str
    cases: int
    events: int

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        manifest = str(self.file.with_name(f"{self.file.name}.sha256"))
        counts = {"cases": self.cases, "events": self.events}
        return {"file": str(self.file), "manifest": manifest, "sha256": self.sha256, **counts}


class _Opened(NamedTuple):
    log: EventLog
    epoch: str
    basis: Basis


async def export_case(settings: Settings, case_id: str, wanted: Wanted, viewer: str | None, file: Path) -> Written:
    """One case, as an auditor reads it, or as an organisation (`viewer`) does. Raises UnknownCase and NotWritten."""
    wanted.kind.require()
    read = await read_case(settings, case_id)
    as_of, known_at = read.instant(wanted.as_of), read.instant(wanted.known_at)
    records, seer, stopped = read.records, None, False
    if viewer is not None:
        records = list(known(records, as_of, known_at))
        if (stands := standing_in_place_of(viewer, records)) is None:
            raise UnknownCase(f"{viewer} does not read case {case_id} at that moment")
        stopped = CONSENT_WITHDRAWN in stands[1]
        seer = viewer if viewer != fold(records).agency else None
    async with _opened(settings) as opened:
        basis = replace(opened.basis, as_of=as_of, known_at=known_at)
    contents = contents_of(case_id, records, basis, seen_by=seer, stopped=stopped)
    with failures(file, resumable=False):
        refuse_existing(file)
        with appearing(file) as written:
            wanted.kind.write(contents, wanted.table, written, steady)
            written.flush()
            # Another one may have written it meanwhile: nothing is overwritten, its manifest neither.
            refuse_existing(file)
            digest = write_manifest(file, written, _about(f"case {case_id}", wanted, basis))
    return Written(file, digest, 1, len(contents.records))


async def export_all(
    settings: Settings, wanted: Wanted, file: Path, say: Say, *, streams_in_part: int = STREAMS_IN_PART
) -> Written:
    """All cases, one after another, and as much in memory as the largest of them. Raises NoLog and NotWritten.

    Where it was interrupted, the same call goes on.
    """
    wanted.kind.require()
    async with _opened(settings) as opened:
        order = Order(
            wanted.kind.name,
            wanted.table.name,
            _written(wanted.as_of),
            _written(wanted.known_at),
            opened.epoch,
            version("caserelay"),
        )
        with failures(file, resumable=True), parts_of(file, order, lambda: opened.basis) as parts:
            if parts.through:
                say(f"{file}: going on behind {parts.through:,} of {parts.plan.basis.through:,} events of the log")
            moments = Moments(opened.log, wanted.as_of, wanted.known_at)
            writing = _Writing(opened.log, parts, wanted, moments)
            await writing.all(say, streams_in_part)
            say(f"{file}: putting {len(parts.complete)} parts together")
            about = _about("all cases", wanted, parts.plan.basis)
            counts = parts.counts
            digest = parts.finish(file, writing.join, about)
    return Written(file, digest, *counts)


class _Writing:
    """Writes the parts that are missing."""

    def __init__(self, log: EventLog, parts: Parts, wanted: Wanted, moments: Moments) -> None:
        self._log = log
        self._parts = parts
        self._wanted = wanted
        self._moments = moments

    async def all(self, say: Say, at_once: int) -> None:
        """Part after part, until all that the plan has is written."""
        progress = Progress("exported", say, lambda count: f"{count:,} events of the log")
        after, through = self._parts.through, self._parts.plan.basis.through
        while after < through and (begun := await self._log.beginnings(after, at_once)):
            streams = [stream for at, stream in begun if at <= through and stream.startswith(CASE_PREFIX)]
            after = begun[-1][0]
            if streams:
                await self._part(min(after, through), streams)
            progress.report(min(after, through), through)

    async def _part(self, number: int, streams: Sequence[str]) -> None:
        basis, kind = self._parts.plan.basis, self._wanted.kind
        with self._parts.part(number) as piece:
            part = kind.part(self._wanted.table, basis, piece.file)
            try:
                for stream in streams:
                    contents = await self._contents(stream)
                    if contents.records:
                        part.add(contents, steady)
                        piece.cases += 1
                        piece.events += len(contents.records)
            finally:
                part.close()

    async def _contents(self, stream: str) -> Contents:
        records = await self._log.read(stream)
        as_of, known_at = await self._moments.of(programme_of(records), records[0].meta.recorded_at)
        basis = replace(self._parts.plan.basis, as_of=as_of, known_at=known_at)
        return contents_of(stream.removeprefix(CASE_PREFIX), records, basis)

    def join(self, parts: Sequence[Path], file: Any) -> None:
        """See `Format.join`."""
        self._wanted.kind.join(self._wanted.table, self._parts.plan.basis, parts, file, steady)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[_Opened]:
    stores = Stores.of(settings)
    if not stores.holds(NAME):
        raise NoLog(f"there is no casefile log under {settings.data}: set CASERELAY_DATA to the data directory")
    log, audit = stores.event_log(NAME, EVENT_TYPES), stores.audit(NAME)
    try:
        standing = await audit.standing()
        checkpoint = standing.note.decode() if standing is not None else ""
        head = await log.head()
        basis = Basis(head, await newest(log, head), checkpoint)
        yield _Opened(log, stores.epochs(NAME).current.name, basis)
    finally:
        await audit.close()
        await log.close()


def _about(what: str, wanted: Wanted, basis: Basis) -> str:
    """What a manifest says of a file, in comments."""
    table = f", table {wanted.table.name}" if wanted.kind.tabular and wanted.kind.name != "ndjson" else ""
    given = (("as of", wanted.as_of), ("as known at", wanted.known_at))
    moments = "".join(f", {name} {_written(at)}" for name, at in given if at is not None)
    return (
        f"caserelay export of {what} as {wanted.kind.name}{table}{moments}\n"
        f"events of the casefile log up to position {basis.through}, the last one of {in_utc(basis.newest)}\n"
        f"{basis.checkpoint or 'nothing was signed yet'}"
    )


def _written(when: datetime | date | None) -> str | None:
    if when is None:
        return None
    return in_utc(when) if isinstance(when, datetime) else str(when)
