"""The manifest of a bundle: what it is about, of which logs, and the digest of every other member; a signed note.

Its first line is that of no checkpoint, so that a key that signs both cannot be made to sign the one for the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from services.chassis.audit.bundle.archive import NAME

MANIFEST: Final = "signed-manifest"
"""The name of the member that holds it, behind all others."""
FIRST_LINE: Final = "caserelay-bundle/v1"
WHOLE: Final = "whole"
"""In the place of `of` and an organisation, for those who read everything."""


def view_of(organisation: str | None) -> str:
    """How a manifest says whose view a bundle is; None: that of those who read everything."""
    return WHOLE if organisation is None else f"of {organisation}"


_LINES: Final = {
    "about": re.compile(r"about ([a-z]+) (.+)"),
    "view": re.compile(r"view (.+)"),
    "log": re.compile(r"log ([a-z]+) (.+)"),
    "file": re.compile(rf"file ([0-9a-f]{{64}}) (0|[1-9][0-9]{{0,9}}) ({NAME.pattern})", re.ASCII),
}


class NoManifest(ValueError):  # noqa: N818 - reads as what it is
    """A text that is no manifest; the message names the line."""


class Digest(NamedTuple):
    """SHA-256 in hexadecimal, and the number of bytes."""

    sha256: str
    size: int


def digest_of(content: bytes) -> Digest:
    """That of a member."""
    return Digest(sha256(content).hexdigest(), len(content))


@dataclass(frozen=True, slots=True)
class Manifest:
    """`stream`, of `log`, is what the bundle is about; `view` says whose view it is (`view_of`).

    `origins`: of each log that it has events of. `files`: every other member.
    """

    log: str
    stream: str
    view: str
    origins: Mapping[str, str]
    files: Mapping[str, Digest]

    @property
    def text(self) -> str:
        """The text of the note that is signed."""
        lines = [FIRST_LINE, f"about {self.log} {self.stream}", f"view {self.view}"]
        lines += (f"log {log} {origin}" for log, origin in sorted(self.origins.items()))
        lines += (f"file {digest.sha256} {digest.size} {name}" for name, digest in sorted(self.files.items()))
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def read(cls, text: str) -> Manifest:
        """Of the text of a note; one that it would not write so is none. Raises NoManifest."""
        first, *lines = text.removesuffix("\n").split("\n")
        if first != FIRST_LINE:
            raise NoManifest(f"a manifest begins with the line {FIRST_LINE}")
        found: dict[str, list[tuple[str, ...]]] = {kind: [] for kind in _LINES}
        for number, line in enumerate(lines, start=2):
            kind = line.partition(" ")[0]
            read = _LINES[kind].fullmatch(line) if kind in _LINES else None
            if read is None:
                raise NoManifest(f"line {number} is none of a manifest")
            found[kind].append(read.groups())
        if [len(found["about"]), len(found["view"])] != [1, 1] or not found["log"]:
            raise NoManifest("a manifest says what it is about, for whom, and of which logs")
        (about,), (view,) = found["about"], found["view"]
        files = {name: Digest(sha256, int(size)) for sha256, size, name in found["file"]}
        manifest = cls(about[0], about[1], view[0], {each[0]: each[1] for each in found["log"]}, files)
        if manifest.text != text:
            raise NoManifest("its lines are in another order, or one stands there twice")
        if about[0] not in manifest.origins or any(log_of(name) not in manifest.origins for name in files):
            raise NoManifest("it has files of a log that it does not name")
        return manifest


def log_of(name: str) -> str:
    """The log that a member belongs to."""
    return name.partition("/")[0]


_EVENT: Final = re.compile(r"[a-z]+/events/([0-9]{19})\.(?:entry|json|tlog-proof)", re.ASCII)
ENTRY: Final = "entry"
STATE: Final = "json"
PROOF: Final = "tlog-proof"


def event_member(log: str, position: int, kind: str) -> str:
    """The name of what a bundle has of an event: its ENTRY, the PROOF of that, or the STATE, its bytes as stored."""
    return f"{log}/events/{position:019}.{kind}"


_RECEIPT: Final = re.compile(r"[a-z]+/receipts/([0-9]{19})\.json", re.ASCII)


def receipt_document(position: int) -> str:
    """The name of the receipt for an event, without that of its log."""
    return f"receipts/{position:019}.json"


def receipt_position(name: str) -> int:
    """The position of the event that a member is the receipt for; 0 for a member that is none."""
    found = _RECEIPT.fullmatch(name)
    return int(found[1]) if found is not None else 0


def position_of(name: str) -> int:
    """The position of the event that a member belongs to; 0 for a member that belongs to none."""
    found = _EVENT.fullmatch(name)
    return int(found[1]) if found is not None else 0
