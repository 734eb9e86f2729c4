"""Proofs in a file of their own, as https://c2sp.org/tlog-proof has them, by convention `*.tlog-proof`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.chassis.transparency.base64_text import decoded, encoded
from services.chassis.transparency.checkpoints import Checkpoint, read_number
from services.chassis.transparency.merkle import HASH_BYTES
from services.chassis.transparency.notes import Note
from services.chassis.transparency.proofs import check_inclusion

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_EXTRA: Final = "extra "
_INDEX: Final = "index "
LONGEST_PROOF: Final = 63
"""Hashes of the inclusion proof in the largest tree."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """That an entry stands at `index` of the log whose checkpoint is given, with all of its signatures.

    `extra` is whatever the application adds, which nothing proves; None where it adds nothing.
    """

    index: int
    inclusion: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes | None = None

    @property
    def content(self) -> bytes:
        """The proof as it is written."""
        lines = [_FIRST_LINE]
        if self.extra is not None:
            lines.append(f"{_EXTRA}{encoded(self.extra)}")
        lines += (f"{_INDEX}{self.index}", *map(encoded, self.inclusion), "", "")
        return "\n".join(lines).encode() + self.checkpoint.content

    @classmethod
    def read(cls, content: bytes) -> TlogProof:
        """Raises ValueError."""
        head, empty_line, checkpoint = content.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise ValueError("the lines of a proof before its checkpoint are ASCII") from None
        if first != _FIRST_LINE or not empty_line:
            raise ValueError(f"a proof begins with the line {_FIRST_LINE}, and has its checkpoint behind an empty line")
        extra = decoded(lines.pop(0).removeprefix(_EXTRA)) if lines and lines[0].startswith(_EXTRA) else None
        if not lines or not lines[0].startswith(_INDEX):
            raise ValueError("a proof says at which index the entry stands")
        inclusion = tuple(decoded(line) for line in lines[1:])
        if len(inclusion) > LONGEST_PROOF or any(len(each) != HASH_BYTES for each in inclusion):
            raise ValueError(f"an inclusion proof is at most {LONGEST_PROOF} hashes of {HASH_BYTES} bytes")
        return cls(read_number(lines[0].removeprefix(_INDEX)), inclusion, Note.read(checkpoint), extra)

    def check(self, leaf: bytes) -> Checkpoint:
        """That a leaf with this hash is in the tree of the checkpoint, which is returned. Raises ValueError.

        By whom the checkpoint is signed is not asked here: `TrustPolicy.check` does.
        """
        checkpoint = Checkpoint.read(self.checkpoint.text)
        check_inclusion(self.index, checkpoint.size, leaf, self.inclusion, checkpoint.root)
        return checkpoint
