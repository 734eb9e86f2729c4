"""Which keys of a log have signed up to a checkpoint, for what else is signed of the log as it stood then."""

from __future__ import annotations

from services.chassis.audit.refusals import as_stored
from services.chassis.audit.store import AuditStore, Standing
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.notes import Note


async def signers_of(store: AuditStore, standing: Standing) -> list[SignerKey]:
    """The private keys of its origin, the newest first: the one that signed the checkpoint, and those before.

    Raises Contradicted where none of them has.

    A key that was drawn since signs from the next checkpoint on: what is made of this one stays as it is until then.
    """
    kept = await store.keys(standing.origin)
    with as_stored("no key of the log has signed the checkpoint that is stored"):
        by = {(line.name, line.id) for line in Note.read(standing.note).signatures}
        keys = [SignerKey.read(key) for key in kept]
        newest = [(key.verifier.name, key.verifier.id) in by for key in keys].index(True)
    return keys[newest:]
