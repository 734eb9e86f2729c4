"""What is sent to a witness to have a checkpoint cosigned, as https://c2sp.org/tlog-witness has it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from services.chassis.transparency.base64_text import decoded, encoded
from services.chassis.transparency.checkpoints import Checkpoint, read_number
from services.chassis.transparency.merkle import EMPTY_ROOT, HASH_BYTES
from services.chassis.transparency.notes import Note
from services.chassis.transparency.proofs import Unproven, check_consistency

LONGEST_PROOF: Final = 63
"""Hashes of a consistency proof."""
LARGEST_REQUEST: Final = 262_144
"""Bytes of a request: room for its proof, and for sixteen signatures of the largest kind that there is."""
SIZE_TYPE: Final = "text/x.tlog.size"
"""The media type of the answer that names the size of the checkpoint that the witness cosigned last."""
_OLD: Final = "old "


def origin_hash(origin: str) -> str:
    """What the path begins with under which a witness serves its newest checkpoint of a log: SHA-256 in hexadecimal."""
    return sha256(origin.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A checkpoint, and the proof that its tree begins with one of `old` leaves, which the witness cosigned last."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    @property
    def content(self) -> bytes:
        """The request as it is sent."""
        lines = [f"{_OLD}{self.old}", *map(encoded, self.proof), "", ""]
        return "\n".join(lines).encode() + self.note.content

    @classmethod
    def read(cls, content: bytes) -> AddCheckpoint:
        """Raises ValueError."""
        if len(content) > LARGEST_REQUEST:
            raise ValueError(f"a request has at most {LARGEST_REQUEST:,} bytes")
        head, empty_line, note = content.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise ValueError("the lines before the checkpoint are ASCII") from None
        if not empty_line or not first.startswith(_OLD):
            raise ValueError("a request begins with an old size, and has its checkpoint behind an empty line")
        if len(lines) > LONGEST_PROOF:
            raise ValueError(f"a consistency proof has at most {LONGEST_PROOF} hashes")
        proof = tuple(decoded(line) for line in lines)
        if any(len(each) != HASH_BYTES for each in proof):
            raise ValueError(f"a hash has {HASH_BYTES} bytes")
        return cls(read_number(first.removeprefix(_OLD)), proof, Note.read(note))


def check_extends(before: Checkpoint | None, now: Checkpoint, proof: tuple[bytes, ...]) -> None:
    """That the tree of `now` begins with that of `before` (None: nothing is known of it). Raises Unproven.

    Of an empty tree there is nothing to prove, but that it is empty: no proof may be given then.
    """
    if now.size == 0 and now.root != EMPTY_ROOT:
        raise Unproven("the root of an empty tree is the hash of nothing")
    if before is None or before.size == 0:
        if proof:
            raise Unproven("of an empty tree there is no proof")
        return
    check_consistency(before.size, now.size, proof, before.root, now.root)
