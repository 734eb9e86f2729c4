"""Logs that a witness of the tests is asked about: honest ones, and such as sign whatever they like."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from services.chassis.transparency.add_checkpoint import AddCheckpoint
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.notes import Note
from tests.chassis.transparency.naive_tree import leaves_of, mth, proof

ORIGIN = "audit.example/caserelay/referral"


@dataclass
class Log:
    """A log with a key, and as many leaves as anybody asks for."""

    key: SignerKey = field(default_factory=lambda: SignerKey(ORIGIN, bytes([1]) * 32))
    leaves: list[bytes] = field(default_factory=lambda: leaves_of(300))

    @property
    def vkey(self) -> str:
        """The public key."""
        return self.key.verifier.text

    def split_at(self, size: int) -> Log:
        """Another history of the same log, which is the same up to a size."""
        other = [sha256(b"other" + leaf).digest() for leaf in self.leaves[size:]]
        return Log(self.key, self.leaves[:size] + other)

    def checkpoint(self, size: int) -> Note:
        """Its checkpoint at a size, signed."""
        text = Checkpoint(self.key.verifier.name, size, mth(self.leaves[:size])).text
        return Note(text, ()).signed_by(self.key)

    def asks(self, old: int, size: int) -> bytes:
        """A request for a checkpoint behind one of `old` leaves, with its proof."""
        hashes = proof(old, self.leaves[:size]) if 0 < old < size else []
        return AddCheckpoint(old, tuple(hashes), self.checkpoint(size)).content
