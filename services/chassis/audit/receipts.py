"""Issues receipts: what some events of a stream say, with all that proves it to somebody who asks nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from services.chassis.audit.entries import read_entry, salt_of
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.receipt_form import KIND, NOTE, Json, read_json, signed_text, statement_of, value_at
from services.chassis.audit.refusals import Contradicted
from services.chassis.audit.store import AuditStore
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.chassis.transparency.base64_text import encoded
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.notes import Note

EVENT: Final = "/0/meta/event_id"


class Receipts:
    """Of events in one log."""

    def __init__(self, log: EventLog, store: AuditStore, reader: AuditReader) -> None:
        self._log = log
        self._store = store
        self._reader = reader

    async def issue(
        self, events: Sequence[Recorded], where: Mapping[str, str], beside: Mapping[str, Any]
    ) -> Json | None:
        """A receipt of events of one stream, the first of which is what it is for; None while they are not signed.

        `where` says what stands in their stored bytes, member by member of the receipt, in places as `value_at` has
        them; `beside` is what only the signature vouches for. Raises Contradicted where the bytes are not those that
        were signed.
        """
        standing = await self._reader.signed()
        if standing is None:
            return None
        stored = [read_json(recorded.state) for recorded in events]
        shown: list[Json] = []
        for recorded in events:
            if (each := await self._proven(recorded, standing.origin)) is None:
                return None
            shown.append(each)
        keys = [SignerKey.read(key) for key in await self._store.keys(standing.origin)]
        stream = events[0].stream
        receipt: Json = {
            "receipt": KIND,
            **beside,
            **{name: value_at(stored, place) for name, place in where.items()},
            "event": value_at(stored, EVENT),
            "where": {**where, "event": EVENT},
            "log": self._log.name,
            "origin": standing.origin,
            "keys": [key.verifier.text for key in keys],
            "stream": stream,
            "salt": encoded(salt_of(standing.secret, stream)),
            "events": shown,
        }
        note = Note(signed_text(statement_of(receipt)), ()).signed_by(keys[0])
        return {**receipt, NOTE: note.content.decode()}

    async def _proven(self, recorded: Recorded, origin: str) -> Json | None:
        proven = await self._reader.proof(recorded.meta.event_id)
        # Another epoch may have begun since its name was read.
        if proven is None or Checkpoint.read(proven.proof.checkpoint.text).origin != origin:
            return None
        if read_entry(proven.entry).sha256 != recorded.digest:
            raise Contradicted("the bytes of an event are others than those that were signed")
        proof = proven.proof.content
        return {
            "event": recorded.meta.event_id,
            "entry": proven.entry.decode(),
            "proofSha256": sha256(proof).hexdigest(),
            "stored": encoded(recorded.state),
            "proof": proof.decode(),
        }
