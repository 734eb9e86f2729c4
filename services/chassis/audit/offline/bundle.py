"""Verifies a bundle: every byte of every member against its signed manifest, and every event against its log."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from services.chassis.audit.bundle.archive import LARGEST_MEMBER, Member, NoArchive, read_archive
from services.chassis.audit.bundle.manifest import (
    ENTRY,
    MANIFEST,
    PROOF,
    STATE,
    WHOLE,
    Digest,
    Manifest,
    NoManifest,
    digest_of,
    event_member,
    log_of,
    position_of,
    receipt_position,
)
from services.chassis.audit.entries import read_entry
from services.chassis.audit.offline import receipts
from services.chassis.audit.offline.events import Events
from services.chassis.audit.offline.findings import Findings, What
from services.chassis.audit.offline.signatures import Signatures
from services.chassis.audit.receipt_form import read_json
from services.chassis.transparency.base64_text import decoded
from services.chassis.transparency.notes import NoNote, Note
from services.chassis.transparency.trust_policy import TrustPolicy

_KEPT: Final = ("checkpoint", "keys", "streams.json")
"""Members of a log that are read before its events are."""


def verify(file: IO[bytes], policy: TrustPolicy | None) -> Findings:
    """See `services.chassis.audit.offline.files.Verify`. The file is read a member at a time, at most three times."""
    findings = Findings()
    read = _Read()
    try:
        for member in read_archive(file):
            read.take(member)
        # It has a line for each member, so it may be as long as a member is.
        note = Note.read(read.kept.get(MANIFEST, b""), LARGEST_MEMBER)
        manifest = Manifest.read(note.text)
    except (NoArchive, NoNote, NoManifest) as failure:
        findings.found(What.MALFORMED, str(failure))
        return findings
    findings.subject = manifest.stream
    read.hold(manifest, findings)
    signatures = Signatures(policy, findings)
    for log, origin in manifest.origins.items():
        signatures.check(log, origin, read.kept, note)
    if len(note.signatures) != len(manifest.origins):
        findings.found(What.NOT_SIGNED, f"{MANIFEST} is not signed by its logs, each once")
    findings.keys_from_file = signatures.from_file
    _walk(file, manifest, read.kept, findings)
    _check_receipts(file, manifest, policy, findings)
    return findings


class _Read:
    """The digests of all members, and those members that are needed before the events are."""

    def __init__(self) -> None:
        self.digests: dict[str, Digest] = {}
        self.kept: dict[str, bytes] = {}
        self._unsound: list[str] = []

    def take(self, member: Member) -> None:
        """One member, in its order."""
        self.digests[member.name] = digest_of(member.content)
        if member.name == MANIFEST or member.name in {f"{log_of(member.name)}/{name}" for name in _KEPT}:
            self.kept[member.name] = member.content
        if not member.sound:
            self._unsound.append(member.name)

    def hold(self, manifest: Manifest, findings: Findings) -> None:
        """Every member against the manifest."""
        for name in sorted({*manifest.files, *self.digests} - {MANIFEST}):
            log = log_of(name) if log_of(name) in manifest.origins else ""
            where = log, (position_of(name) or receipt_position(name)) if log else 0
            if name not in self.digests:
                findings.found(What.MISSING, f"{name} is not there", *where)
            elif name not in manifest.files:
                findings.found(What.ADDED, f"{name} was not signed for", *where)
            elif self.digests[name] != manifest.files[name]:
                findings.found(What.CHANGED, f"{name} is another than was signed for", *where)
            elif name in self._unsound:
                findings.found(What.MALFORMED, f"the archive has another checksum of {name}", *where)
        if MANIFEST in self._unsound:
            findings.found(What.MALFORMED, f"the archive has another checksum of {MANIFEST}")


def _walk(file: IO[bytes], manifest: Manifest, kept: Mapping[str, bytes], findings: Findings) -> None:
    """Every event against the checkpoint of its log; of those that are others than was signed for, all is known."""
    wrong = {(each.log, each.position) for each in findings.mismatches}
    events = {
        log: Events(log, kept.get(f"{log}/streams.json", b""), kept.get(f"{log}/checkpoint", b""), findings)
        for log in manifest.origins
    }
    for (log, position), parts in _by_event(file):
        if log not in events or (log, position) in wrong:
            continue
        if lacks := sorted({ENTRY, STATE, PROOF} - parts.keys()):
            names = ", ".join(event_member(log, position, kind) for kind in lacks)
            findings.found(What.MISSING, f"{names} was never there: nobody signed the event", log, position)
        else:
            events[log].check(position, parts[ENTRY], parts[STATE], parts[PROOF])
    for log, of_log in events.items():
        # Where something is wrong already, what follows from that is not told once more.
        every = all(each.log != log for each in findings.mismatches)
        subject = manifest.stream if log == manifest.log else None
        of_log.end(subject, whole=manifest.view == WHOLE, every=every)


def _by_event(file: IO[bytes]) -> Iterator[tuple[tuple[str, int], dict[str, bytes]]]:
    """What the bundle has of each event, by log and position; the three members of one stand side by side."""
    file.seek(0)
    at: tuple[str, int] = ("", 0)
    parts: dict[str, bytes] = {}
    for member in read_archive(file):
        where = log_of(member.name), position_of(member.name)
        if where != at:
            if parts:
                yield at, parts
            at, parts = where, {}
        if where[1]:
            parts[member.name.rpartition(".")[2]] = member.content
    if parts:
        yield at, parts


def _check_receipts(file: IO[bytes], manifest: Manifest, policy: TrustPolicy | None, findings: Findings) -> None:
    """Every receipt by itself, and that its events are those of the bundle; of logs in which nothing is wrong yet."""
    wrong = {each.log for each in findings.mismatches}
    if "" in wrong or not any(map(receipt_position, manifest.files)):
        return
    file.seek(0)
    for member in read_archive(file):
        log, position = log_of(member.name), receipt_position(member.name)
        if not position or log in wrong:
            continue
        came = receipts.verify(io.BytesIO(member.content), policy)
        for each in came.mismatches:
            findings.found(each.what, f"the receipt: {each.detail}", log, position)
        if came.ok and not _is_of_events(read_json(member.content), log, position, manifest):
            findings.found(What.MOVED, "the receipt is of other events than those of the bundle", log, position)


def _is_of_events(receipt: Any, log: str, position: int, manifest: Manifest) -> bool:
    """Whether a receipt is for the event at a position, and has of each of its events what the bundle has."""
    events = receipt["events"] if receipt.get("log") == log else []
    entries = [each["entry"].encode() for each in events]
    positions = [read_entry(entry).position for entry in entries]
    return positions[:1] == [position] and all(
        manifest.files.get(event_member(log, at, kind)) == digest_of(content)
        for at, entry, each in zip(positions, entries, events, strict=True)
        for kind, content in ((ENTRY, entry), (STATE, decoded(each["stored"])), (PROOF, each["proof"].encode()))
    )
