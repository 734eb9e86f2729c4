"""Writes a bundle: of each log the events that were chosen, as they are stored, with their proofs, and the manifest."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import IO, Final, NamedTuple

from msgspec.json import Encoder

from services.chassis.audit.bundle.archive import ArchiveWriter
from services.chassis.audit.bundle.manifest import (
    ENTRY,
    MANIFEST,
    PROOF,
    STATE,
    Digest,
    Manifest,
    digest_of,
    event_member,
    receipt_document,
)
from services.chassis.audit.entries import salt_of
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.receipts import Receipts, Statement
from services.chassis.audit.refusals import Contradicted
from services.chassis.audit.signers import signers_of
from services.chassis.audit.store import AuditStore, Standing
from services.chassis.log.event_log import EventLog
from services.chassis.log.pages import pages
from services.chassis.transparency.base64_text import encoded
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.notes import Note
from services.chassis.transparency.tlog_proofs import TlogProof

AT_ONCE: Final = 64
"""Events that are in memory at once, with their proofs."""
_JSON: Final = Encoder(order="deterministic")
Versions = frozenset[int] | None
"""Those of a stream that a bundle holds; None: all."""


class NothingSigned(Exception):  # noqa: N818 - reads as what stands in the way
    """Nothing of a log, or of the epoch that has just begun, was signed yet, so nothing of it can be proven."""


class Choice(NamedTuple):
    """What a bundle holds of one log: events of streams, and documents beside them, by names without that of the log.

    The documents are made of these events alone, and so is what receipts say.
    """

    streams: Mapping[str, Versions]
    documents: Mapping[str, bytes] = {}
    receipts: Sequence[Statement] = ()


Choose = Callable[[int], Awaitable[Choice]]
"""Chooses among the events up to a position, which is that of the last one that was signed."""


class Source(NamedTuple):
    """A log, and what chooses of it. `store` is that of its transparency log, which `reader` reads."""

    log: EventLog
    store: AuditStore
    reader: AuditReader
    choose: Choose


class Subject(NamedTuple):
    """What a bundle is about: a stream of a log; `view` says whose view it is."""

    log: str
    stream: str
    view: str


def as_member(document: object) -> bytes:
    """A document of plain data as a member: JSON, spelt one way, with an end of its line."""
    return _JSON.encode(document) + b"\n"


async def write_bundle(file: IO[bytes], subject: Subject, sources: Sequence[Source]) -> None:
    """Writes a bundle of some logs to a file; the same while nothing is appended to them.

    A log of which nothing is chosen is left out. Raises NothingSigned, TooLarge for more than a bundle may hold, and
    Contradicted where a transparency log is not there as it was stored.
    """
    writing = _Writing(file)
    origins: dict[str, str] = {}
    signers: list[SignerKey] = []
    for source in sorted(sources, key=lambda each: each.log.name):
        if (standing := await source.reader.cosigned()) is None:
            raise NothingSigned(source.log.name)
        choice = await source.choose(standing.through)
        if choice.streams:
            await writing.take(source, standing, choice)
            origins[source.log.name] = standing.origin
            signers.append((await signers_of(source.store, standing))[0])
    note = Note(Manifest(*subject, origins, writing.files).text, ())
    for signer in signers:
        note = note.signed_by(signer)
    writing.add(MANIFEST, note.content)
    writing.end()


class _Event(NamedTuple):
    """Where an event stands, and what it is known by."""

    position: int
    id: str
    topic: str
    stream: str
    version: int


async def _events_of(log: EventLog, standing: Standing, streams: Mapping[str, Versions]) -> list[_Event]:
    """The chosen events that were signed, in the order of their positions."""
    events: list[_Event] = []
    for stream, versions in streams.items():
        async for page in pages(log, stream):
            events += (
                _Event(recorded.position, recorded.meta.event_id, recorded.topic, stream, recorded.version)
                for recorded in page
                if recorded.position <= standing.through and (versions is None or recorded.version in versions)
            )
    return sorted(events)


def _documents(
    log: EventLog, standing: Standing, streams: Mapping[str, Versions], events: Sequence[_Event]
) -> dict[str, bytes]:
    """What opens the commitments of these events to their streams, and the schemas of their stored bytes."""
    salts: dict[str, dict[str, str]] = defaultdict(dict)
    for event in events:
        salt = salt_of(standing.secret, event.stream, event.version)
        salts[event.stream][str(event.version)] = encoded(salt)
    listed = [{"stream": stream, "salts": salts[stream], "whole": streams[stream] is None} for stream in sorted(salts)]
    documents = {"streams.json": as_member(listed)}
    for topic in {event.topic for event in events}:
        if (schema := log.types.schema_of(topic)) is not None:
            documents[f"schemas/{topic}.json"] = as_member(schema)
    return documents


async def _receipts(source: Source, standing: Standing, statements: Sequence[Statement]) -> dict[str, bytes]:
    """The receipts that say so, by the names of their members."""
    receipts, issued = Receipts(source.log, source.store, source.reader), dict[str, bytes]()
    for statement in statements:
        try:
            receipt = await receipts.issue(standing, statement)
        except Contradicted:
            # The events that nobody vouches for are in the bundle, and who verifies it hears of them there.
            continue
        if receipt is not None:
            issued[receipt_document(statement.events[0].position)] = as_member(receipt)
    return issued


class _Writing:
    """Adds members, and keeps their digests."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = ArchiveWriter(file)
        self.end = self._archive.end
        self.files: dict[str, Digest] = {}

    def add(self, name: str, content: bytes) -> None:
        """Adds a member behind those before."""
        self._archive.add(name, content)
        self.files[name] = digest_of(content)

    async def take(self, source: Source, standing: Standing, choice: Choice) -> None:
        """Adds what was chosen of a log."""
        log, events = source.log.name, await _events_of(source.log, standing, choice.streams)
        documents = {**choice.documents, **_documents(source.log, standing, choice.streams, events)}
        documents |= await _receipts(source, standing, choice.receipts)
        keys = [key.verifier.text for key in await signers_of(source.store, standing)]
        documents |= {"checkpoint": standing.note, "keys": "".join(f"{key}\n" for key in keys).encode()}
        beside = {f"{log}/{name}": content for name, content in documents.items()}
        between = event_member(log, 0, ENTRY)
        for name in sorted(each for each in beside if each < between):
            self.add(name, beside[name])
        for first in range(0, len(events), AT_ONCE):
            await self._add_events(source, standing, events[first : first + AT_ONCE])
            await asyncio.sleep(0)
        for name in sorted(each for each in beside if each > between):
            self.add(name, beside[name])
        await self._require_same_epoch(source, standing)

    async def _require_same_epoch(self, source: Source, standing: Standing) -> None:
        now = await source.store.standing()
        if now is None or now.epoch != standing.epoch:
            # Proofs are made of the newest tree, which is no longer the one that was begun with.
            raise NothingSigned(source.log.name)

    async def _add_events(self, source: Source, standing: Standing, events: Sequence[_Event]) -> None:
        leaves = [await source.store.leaf_of(event.id) for event in events]
        indexes = [leaf[0] for leaf in leaves if leaf is not None and leaf[0] < standing.size]
        try:
            proofs = {proof.index: proof for proof in await source.reader.proofs(standing, indexes)}
        except (KeyError, ValueError):
            await self._require_same_epoch(source, standing)
            raise Contradicted("a part of the tree that was signed is not there as it was stored") from None
        for event, leaf in zip(events, leaves, strict=True):
            await self._add_event(source, event.position, proofs.get(leaf[0]) if leaf is not None else None)

    async def _add_event(self, source: Source, position: int, proof: TlogProof | None) -> None:
        """One that nobody signed is taken along without a proof, so that who verifies the bundle hears of it."""
        entries = await source.store.entries(proof.index, 1) if proof is not None else []
        if entries:
            self.add(event_member(source.log.name, position, ENTRY), entries[0])
        for row in await source.log.stored(position, 1):
            self.add(event_member(source.log.name, position, STATE), bytes(row[4]))
        if entries and proof is not None:
            self.add(event_member(source.log.name, position, PROOF), proof.content)
