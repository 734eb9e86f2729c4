"""Checkpoints of a transparency log with the cosignatures that are kept of them."""

from __future__ import annotations

from services.chassis.audit.refusals import as_stored
from services.chassis.audit.store import AuditStore
from services.chassis.transparency.notes import Note
from services.chassis.transparency.trust_policy import Distrusted, TrustPolicy


def cosigned_by(note: Note, further: Note) -> Note:
    """A note with those signatures of another of the same text that it does not bear yet."""
    borne = {(signature.name, signature.id) for signature in note.signatures}
    more = (signature for signature in further.signatures if (signature.name, signature.id) not in borne)
    return Note(note.text, (*note.signatures, *more))


async def newest_with(store: AuditStore, note: bytes) -> bytes:
    """A checkpoint of a log with all cosignatures that it has by now. Raises Contradicted where one is none."""
    kept = await store.cosigned()
    with as_stored("a checkpoint that was signed is not there as it was written"):
        signed = Note.read(note)
        for further in map(Note.read, kept):
            if further.text == signed.text:
                signed = cosigned_by(signed, further)
    return signed.content


async def newest_trusted(store: AuditStore, policy: TrustPolicy | None) -> bytes | None:
    """The newest checkpoint that enough witnesses have cosigned, with all its signatures; None while there is none.

    Without a policy, the one that was signed last.
    """
    standing = await store.standing()
    if standing is None or not standing.note:
        return None
    newest = [await newest_with(store, standing.note), *await store.cosigned()]
    return next((note for note in newest if policy is None or has_quorum(policy, Note.read(note))), None)


def has_quorum(policy: TrustPolicy, note: Note) -> bool:
    """Whether enough witnesses have cosigned a checkpoint, and none of them wrongly."""
    try:
        policy.cosigned(note)
    except Distrusted:
        return False
    return True
