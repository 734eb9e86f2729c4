"""Checks the events of a bundle, one after the other: stored bytes, entry, stream, and the proof of the entry."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256

from msgspec import Struct
from msgspec.json import Decoder

from services.chassis.audit.entries import Entry, commitment, read_entry, recorded_at_of, written
from services.chassis.audit.offline.findings import Findings, What
from services.chassis.transparency.base64_text import decoded
from services.chassis.transparency.merkle import leaf_hash
from services.chassis.transparency.tlog_proofs import TlogProof


class Salted(Struct, frozen=True):
    """A stream of a bundle; `salts` open the commitments of its events, by version; `whole`: none is left out."""

    stream: str
    salts: dict[int, str]
    whole: bool


_STREAMS = Decoder(list[Salted])


class Events:
    """The events of one log in a bundle, in the order of their positions."""

    def __init__(self, log: str, streams: bytes, checkpoint: bytes, findings: Findings) -> None:
        """`streams` is the member that lists them, `checkpoint` the one that all proofs have to lead to."""
        self._log = log
        self._checkpoint = checkpoint
        self._findings = findings
        self._listed: list[Salted] = []
        self._streams: dict[tuple[str, int], str] = {}
        """The name of each event's stream, by what its entry has for that, and its version."""
        self._versions: dict[str, list[int]] = defaultdict(list)
        try:
            for each in _STREAMS.decode(streams):
                self._listed.append(each)
                for version, salt in each.salts.items():
                    self._streams[commitment(decoded(salt), each.stream), version] = each.stream
        except (ValueError, RecursionError):
            findings.found(What.MALFORMED, f"{log}/streams.json lists no streams", log)

    def check(self, position: int, entry: bytes, state: bytes, proof: bytes) -> None:
        """One event."""
        self._findings.checked[self._log] = self._findings.checked.get(self._log, 0) + 1
        try:
            logged = read_entry(entry)
        except ValueError:
            self._found(What.MALFORMED, "the entry is none", position)
            return
        if logged.position != position:
            self._found(What.MOVED, f"the entry is that of position {logged.position}", position)
        elif (stream := self._streams.get((logged.stream, logged.version))) is None:
            self._found(What.MOVED, "the event is of none of the streams that are listed", position)
        elif not _is_of(logged, entry, state):
            self._found(What.CHANGED, "the stored bytes are others than those of the entry", position)
        elif (why := self._unproven(entry, proof)) is not None:
            self._found(What.NOT_INCLUDED, why, position)
        else:
            self._versions[stream].append(logged.version)

    def end(self, subject: str | None, *, whole: bool, every: bool) -> None:
        """Behind the last one: that what the bundle is about is there, and without gaps, if `every` event was seen.

        `whole`: the bundle says that nothing is left out of what it is about, so its list of streams has to as well.
        """
        for each in self._listed:
            versions = self._versions.get(each.stream, [])
            if every and each.whole and versions != list(range(1, len(versions) + 1)):
                self._found(What.MISSING, "a stream has gaps, or its events stand in another order")
        if every and subject is not None and subject not in self._versions:
            self._found(What.MISSING, "it has no event of what it is about")
        if whole and any(each.stream == subject and not each.whole for each in self._listed):
            self._found(What.MISSING, "a part is left out of what it says that it has the whole of")

    def _unproven(self, entry: bytes, proof: bytes) -> str | None:
        """Why a proof does not prove an entry; None where it does."""
        try:
            read = TlogProof.read(proof)
            read.check(leaf_hash(entry))
        except ValueError as failure:
            return f"the proof: {failure}"
        if read.checkpoint.content != self._checkpoint:
            return "the proof is of another checkpoint than the one of the bundle"
        return None

    def _found(self, what: What, detail: str, position: int = 0) -> None:
        self._findings.found(what, detail, self._log, position)


def _is_of(logged: Entry, entry: bytes, state: bytes) -> bool:
    """Whether an entry is the one of stored bytes, spelt as entries are."""
    try:
        recorded_at = recorded_at_of(state)
    except ValueError:
        return False
    return (sha256(state).hexdigest(), recorded_at) == (logged.sha256, logged.recorded_at) and written(logged) == entry
