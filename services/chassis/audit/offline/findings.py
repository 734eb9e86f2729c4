"""What came of verifying a file: what was checked, and every place where it does not hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class What(StrEnum):
    """In which way a file does not hold. The first words are those of `caserelay audit verify` without a file."""

    CHANGED = "CHANGED"
    """Bytes are others than those that were signed for."""
    MISSING = "MISSING"
    ADDED = "ADDED"
    MOVED = "MOVED"
    """An event is of none of the streams that the file is about."""
    NOT_SIGNED = "NOT_SIGNED"
    """No key of the log has signed it, or a signature is wrong."""
    NOT_INCLUDED = "NOT_INCLUDED"
    """The proof does not lead to the signed root."""
    DISTRUSTED = "DISTRUSTED"
    """The policy does not take it: a foreign key, or too few witnesses."""
    MALFORMED = "MALFORMED"
    """It is not written as such a file is."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A place where a file does not hold; position 0 stands for the log as a whole, no log for the whole file."""

    what: What
    detail: str
    log: str = ""
    position: int = 0


@dataclass
class Findings:
    """What came of one file.

    `subject` is the stream that it is about, empty where that is not known. `checked` counts events by their log.
    `keys_from_file`: who signed was asked of the file itself, and of nobody else.
    """

    subject: str = ""
    checked: dict[str, int] = field(default_factory=dict)
    mismatches: list[Mismatch] = field(default_factory=list)
    keys_from_file: bool = True

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.mismatches

    def found(self, what: What, detail: str, log: str = "", position: int = 0) -> None:
        """Notes a mismatch. Where `detail` quotes the file, no terminal takes anything of that for a command."""
        shown = "".join(letter if letter.isprintable() else "?" for letter in detail)
        self.mismatches.append(Mismatch(what, shown, log, position))
