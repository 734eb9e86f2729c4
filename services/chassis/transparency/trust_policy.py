"""Whom somebody trusts, in a file as https://c2sp.org/tlog-policy has it: logs, witnesses, and how many must agree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignatureType, VerifierKey
from services.chassis.transparency.notes import Note, NotSigned, Verified

NOBODY: Final = "none"
LARGEST_POLICY: Final = 1_000_000
"""Bytes of a policy."""
_COUNT: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_BLANKS: Final = re.compile(r"[ \t]+")
ML_DSA_44: Final = 6
"""The type of cosignatures that cannot be checked here; a witness of this kind counts as one that did not sign."""


class Distrusted(ValueError):  # noqa: N818 - reads as what the policy finds
    """A checkpoint that a policy does not take; the message says why."""


class NoPolicy(ValueError):  # noqa: N818 - reads as what it is
    """A text that is no policy; the message names the line."""


@dataclass(frozen=True, slots=True)
class Party:
    """A log or a witness: its key, and where it is reached if the policy says so."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A number of witnesses or other groups of which at least `least` must have cosigned."""

    least: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trusted:
    """What a policy found right of a checkpoint: who signed for the log, and which witnesses cosigned, by name."""

    checkpoint: Checkpoint
    log: VerifierKey
    cosigned: Mapping[str, Verified]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """`quorum` is the name of a witness or a group, or NOBODY. Without logs the caller knows the right one."""

    logs: tuple[Party, ...] = ()
    witnesses: Mapping[str, Party] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NOBODY

    @classmethod
    def read(cls, content: bytes) -> TrustPolicy:
        """Raises NoPolicy."""
        if len(content) > LARGEST_POLICY:
            raise NoPolicy(f"a policy has at most {LARGEST_POLICY:,} bytes")
        if bad := {*content} & {*range(0x20), 0x7F} - {0x09, 0x0A}:
            raise NoPolicy(f"a policy has no control characters but tabs and ends of lines, and not 0x{min(bad):02x}")
        reader = _Reader()
        # What is not ASCII is opaque: every byte stays the one that it is, whether or not it is UTF-8.
        for number, line in enumerate(content.decode("utf-8", "surrogateescape").split("\n"), start=1):
            words = _BLANKS.split(line.strip(" \t"))
            if words != [""] and not words[0].startswith("#"):
                try:
                    reader.take(*words)
                except ValueError as failure:
                    raise NoPolicy(f"line {number}: {failure}") from None
                except TypeError:
                    raise NoPolicy(
                        f"line {number}: a line that begins with {words[0]} has more words, or fewer"
                    ) from None
        if reader.quorum is None:
            raise NoPolicy("a policy has a line that begins with quorum")
        return cls(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum)

    def check(self, note: Note) -> Trusted:
        """That a listed log has signed the checkpoint, and enough witnesses with it. Raises Distrusted, ValueError."""
        checkpoint = Checkpoint.read(note.text)
        keys = [log.key for log in self.logs if log.key.name == checkpoint.origin]
        if not keys:
            raise Distrusted(f"the policy has no key of the log {checkpoint.origin}")
        try:
            signed = note.verified(keys)
        except NotSigned as failure:
            raise Distrusted(f"the log's signature: {failure}") from None
        return Trusted(checkpoint, signed[0].key, self.cosigned(note))

    def cosigned(self, note: Note) -> dict[str, Verified]:
        """The witnesses that have cosigned, if that is enough for the quorum. Raises Distrusted."""
        found: dict[str, Verified] = {}
        wrong: list[str] = []
        for name, witness in self.witnesses.items():
            bears = any((line.name, line.id) == (witness.key.name, witness.key.id) for line in note.signatures)
            if not bears or witness.key.kind != SignatureType.COSIGNATURE_V1:
                continue
            try:
                (found[name],) = note.verified([witness.key])
            except NotSigned:
                wrong.append(name)
        if wrong:
            raise Distrusted(f"the cosignature of {', '.join(wrong)} is wrong")
        if not self._holds(self.quorum, found):
            have = ", ".join(found) or "no witness"
            raise Distrusted(f"the quorum {self.quorum} is missed: cosigned by {have}")
        return found

    def _holds(self, name: str, cosigned: Mapping[str, Verified]) -> bool:
        if name == NOBODY:
            return True
        if (group := self.groups.get(name)) is None:
            return name in cosigned
        return sum(self._holds(member, cosigned) for member in group.members) >= group.least


class _Reader:
    """Takes the lines of a policy one after the other."""

    def __init__(self) -> None:
        self.logs: list[Party] = []
        self.witnesses: dict[str, Party] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._members: set[str] = set()

    def take(self, word: str, *words: str) -> None:
        """Raises ValueError, and TypeError for a number of words that no line of its kind has."""
        match word:
            case "log":
                self._log(*words)
            case "witness":
                self._witness(*words)
            case "group":
                self._group(*words)
            case "quorum":
                self._quorum(*words)
            case _:
                raise ValueError("a line begins with log, witness, group, quorum or #")

    def _log(self, vkey: str, url: str | None = None, /) -> None:
        key = VerifierKey.read(vkey)
        if key.kind not in (SignatureType.ED25519, ML_DSA_44):
            raise ValueError("the key is of no kind that signs for a log")
        if any(log.key.public == key.public for log in self.logs):
            raise ValueError("the key of this log stands in a line before")
        self.logs.append(Party(key, url))

    def _witness(self, name: str, vkey: str, url: str | None = None, /) -> None:
        self._new(name)
        key = VerifierKey.read(vkey)
        if key.kind not in (SignatureType.COSIGNATURE_V1, ML_DSA_44):
            raise ValueError("the key is of no kind that cosigns")
        if any(witness.key.public == key.public for witness in self.witnesses.values()):
            raise ValueError("the key of this witness stands in a line before")
        self.witnesses[name] = Party(key, url)

    def _group(self, name: str, least: str, /, *members: str) -> None:
        self._new(name)
        for member in members:
            self._known(member)
        if len({*members}) < len(members) or self._members & {*members}:
            raise ValueError("each name is a member once")
        if least in ("any", "all"):
            count = 1 if least == "any" else len(members)
        else:
            count = int(least) if _COUNT.fullmatch(least) else 0
        if not 1 <= count <= len(members):
            raise ValueError("a group asks for any, all, or a number from 1 to that of its members")
        self._members |= {*members}
        self.groups[name] = Group(count, members)

    def _quorum(self, name: str, /) -> None:
        if self.quorum is not None:
            raise ValueError("there is one quorum")
        if name != NOBODY:
            self._known(name)
        self.quorum = name

    def _new(self, name: str) -> None:
        if name == NOBODY or name in self.witnesses or name in self.groups:
            raise ValueError("the name is taken")

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise ValueError("a name stands in a line before those that refer to it")
