"""Decides whether a checkpoint is cosigned: it is signed by its log, and continues what was cosigned before.

A cosignature leaves here only once the checkpoint is on the disk.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Final

from services.chassis.refused_start import RefusedStart
from services.chassis.transparency.add_checkpoint import AddCheckpoint, check_extends
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignatureType, SignerKey, VerifierKey
from services.chassis.transparency.notes import Note, NotSigned, signature_of
from services.chassis.transparency.proofs import Unproven
from services.witness.records import Records
from services.witness.refusals import AnotherSize, Inconsistent, Malformed, NotKept, NotSignedByLog, UnknownLog

SPLIT_VIEW: Final = "SPLIT VIEW: two trees of one size were signed of one log"
ROLLED_BACK: Final = "ROLLED BACK: the log shows less than was signed of it before"
INCONSISTENT: Final = "INCONSISTENT: the log does not prove that it continues what was signed of it before"


class RefusedKey(RefusedStart):
    """A key that a witness is given cannot be used; the message says why."""


def log_keys(vkeys: Iterable[str]) -> list[VerifierKey]:
    """The keys of logs, of their texts. Raises RefusedKey."""
    keys: list[VerifierKey] = []
    for vkey in vkeys:
        try:
            key = VerifierKey.read(vkey)
        except ValueError as failure:
            raise RefusedKey(f"--log: {failure}") from None
        if key.kind != SignatureType.ED25519:
            raise RefusedKey("--log: the key is none that signs for a log")
        keys.append(key)
    return keys


class Cosigner:
    """The witness of some logs. It may be asked from several threads: what concerns one log goes one after another."""

    def __init__(
        self,
        key: SignerKey,
        logs: Iterable[VerifierKey],
        records: Records,
        clock: Callable[[], float] = time.time,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`key` is one of cosignatures, `clock` the seconds since 1970; `say` hears of each finding."""
        self._key = key
        self._records = records
        self._clock = clock
        self._say = say
        self._logs: defaultdict[str, list[VerifierKey]] = defaultdict(list)
        for log in logs:
            self._logs[log.name].append(log)
        self._turns = {origin: Lock() for origin in self._logs}

    @property
    def origins(self) -> list[str]:
        """The logs that it is the witness of."""
        return [*self._logs]

    def newest(self, origin: str) -> Note | None:
        """The checkpoint of a log that was cosigned last, as everybody may have it. Raises NotKept."""
        return self._records.newest(origin) if origin in self._logs else None

    def add(self, content: bytes) -> str:
        """The cosignature of what a request asks for, a line. Raises RefusesToCosign."""
        try:
            request = AddCheckpoint.read(content)
            checkpoint = Checkpoint.read(request.note.text)
        except ValueError as failure:
            raise Malformed(str(failure)) from None
        signed = self.signed_by_log(checkpoint, request.note)
        if request.old > checkpoint.size:
            raise Malformed("the old size is larger than that of the checkpoint")
        # One after the other: otherwise the one that is decided first could be written down last.
        with self._turns[checkpoint.origin]:
            return self._cosign(request, checkpoint, signed)

    def signed_by_log(self, checkpoint: Checkpoint, note: Note) -> Note:
        """The note with nothing but the signatures of its log, which are right. Raises UnknownLog, NotSignedByLog."""
        if (keys := self._logs.get(checkpoint.origin)) is None:
            raise UnknownLog("no key of this log is known here")
        try:
            return Note(note.text, tuple(found.signature for found in note.verified(keys)))
        except NotSigned as failure:
            raise NotSignedByLog(str(failure)) from None

    def _cosign(self, request: AddCheckpoint, checkpoint: Checkpoint, signed: Note) -> str:
        known = self._records.newest(checkpoint.origin)
        before = Checkpoint.read(known.text) if known is not None else None
        if known is not None and before is not None and _split(before, checkpoint):
            self.report(SPLIT_VIEW, known, signed)
        latest = before.size if before is not None else 0
        if request.old != latest:
            raise AnotherSize(latest)
        try:
            check_extends(before, checkpoint, request.proof)
        except Unproven as failure:
            raise Inconsistent(str(failure)) from None
        line = signature_of(signed.text, self._key, int(self._clock()))
        self._records.keep(checkpoint.origin, Note(signed.text, (*signed.signatures, line)))
        return line.line

    def report(self, why: str, known: Note, shown: Note, proof: str = "") -> None:
        """Writes a finding down and says it with both checkpoints, once; where the disk is full, each time."""
        origin = Checkpoint.read(shown.text).origin
        where = "nothing can be written down, so keep this"
        with contextlib.suppress(NotKept):
            if (file := self._records.report(origin, why, known, shown, proof)) is None:
                return
            where = f"the proof is in {file}"
        self._say(f"{why}: {origin}; {where}\n\n{known.content.decode()}\n{shown.content.decode()}")

    def findings(self, origin: str) -> list[str]:
        """The files that prove a log wrong."""
        return [str(file) for file in self._records.findings(origin)]


def _split(before: Checkpoint, now: Checkpoint) -> bool:
    return before.size == now.size and before.root != now.root
