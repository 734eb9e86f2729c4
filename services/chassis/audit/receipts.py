"""Issues receipts: what some events of a stream say, with all that proves it to somebody who asks nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from services.chassis.audit.entries import read_entry, salt_of
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.receipt_form import KIND, NOTE, Json, read_json, signed_text, statement_of, value_at
from services.chassis.audit.refusals import Contradicted
from services.chassis.audit.signers import signers_of
from services.chassis.audit.store import AuditStore, Standing
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.chassis.transparency.base64_text import encoded
from services.chassis.transparency.merkle import leaf_hash
from services.chassis.transparency.notes import Note

EVENT: Final = "/0/meta/event_id"


class Statement(NamedTuple):
    """What a receipt says of events of one stream, the first of which is what it is for.

    `where` says what stands in their stored bytes, member by member of the receipt, in places as `value_at` has them;
    `beside` is what only the signature vouches for.
    """

    events: Sequence[Recorded]
    where: Mapping[str, str]
    beside: Mapping[str, Any]


class Receipts:
    """Of events in one log."""

    def __init__(self, log: EventLog, store: AuditStore, reader: AuditReader) -> None:
        self._log = log
        self._store = store
        self._reader = reader

    async def standing(self) -> Standing | None:
        """How the log stands, for receipts of what was recorded by now; None while nothing of it is signed."""
        return await self._reader.cosigned()

    async def issue(self, standing: Standing, statement: Statement) -> Json | None:
        """A receipt that says so, proven by the checkpoint of `standing`; None for events that this does not cover.

        The same each time. Raises Contradicted where the bytes of an event are not those that were signed.
        """
        events, where = statement.events, statement.where
        shown: list[Json] = []
        for recorded in events:
            if (each := await self._proven(recorded, standing)) is None:
                return None
            shown.append(each)
        stored = [read_json(recorded.state) for recorded in events]
        signers = await signers_of(self._store, standing)
        receipt: Json = {
            "receipt": KIND,
            **statement.beside,
            **{name: value_at(stored, place) for name, place in where.items()},
            "event": value_at(stored, EVENT),
            "where": {**where, "event": EVENT},
            "log": self._log.name,
            "origin": standing.origin,
            "keys": [key.verifier.text for key in signers],
            "stream": events[0].stream,
            "events": shown,
        }
        note = Note(signed_text(statement_of(receipt)), ()).signed_by(signers[0])
        return {**receipt, NOTE: note.content.decode()}

    async def _proven(self, recorded: Recorded, standing: Standing) -> Json | None:
        leaf = await self._store.leaf_of(recorded.meta.event_id)
        if leaf is None or leaf[0] >= standing.size:
            return None
        try:
            (entry,) = await self._store.entries(leaf[0], 1)
            (proof,) = await self._reader.proofs(standing, [leaf[0]])
            proof.check(leaf_hash(entry))
        except (KeyError, ValueError):
            now = await self._store.standing()
            if now is None or now.epoch != standing.epoch:
                # Another epoch has begun meanwhile, and has another tree.
                return None
            raise Contradicted("an entry is no longer in the tree that was signed") from None
        if read_entry(entry).sha256 != recorded.digest:
            raise Contradicted("the bytes of an event are others than those that were signed")
        return {
            "event": recorded.meta.event_id,
            "entry": entry.decode(),
            "proofSha256": sha256(proof.content).hexdigest(),
            "salt": encoded(salt_of(standing.secret, recorded.stream, recorded.version)),
            "stored": encoded(recorded.state),
            "proof": proof.content.decode(),
        }
