"""Checkpoints, as https://c2sp.org/tlog-checkpoint has them: what a log says, signed, of its tree at a size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from services.chassis.transparency.base64_text import decoded, encoded
from services.chassis.transparency.merkle import HASH_BYTES, LARGEST_TREE

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of `size` leaves of the log that is called `origin` has this root.

    `extensions` are further lines that others may have written; this log writes none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of the note that is signed."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, encoded(self.root), *self.extensions))

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        """Of the text of a note. Raises ValueError."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise ValueError("a checkpoint has three lines or more, and none is empty")
        origin, size, root, *extensions = lines
        checkpoint = cls(origin, read_number(size), decoded(root), tuple(extensions))
        if len(checkpoint.root) != HASH_BYTES:
            raise ValueError(f"the root of a tree has {HASH_BYTES} bytes")
        return checkpoint


def read_number(text: str) -> int:
    """A number of leaves in decimal digits, without zeros in front. Raises ValueError."""
    if not _DECIMAL.fullmatch(text) or int(text) > LARGEST_TREE:
        raise ValueError(f"a number of leaves is written in decimal digits, and is at most {LARGEST_TREE}")
    return int(text)
