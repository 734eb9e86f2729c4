"""Bundles of counters for tests: written, taken apart, tampered with, and put together again."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from services.chassis.audit.bundle.archive import ArchiveWriter, read_archive
from services.chassis.audit.bundle.manifest import MANIFEST, WHOLE, Digest, Manifest, view_of
from services.chassis.audit.bundle.writing import Choice, Source, Subject, Versions, write_bundle
from services.chassis.audit.offline.files import verify_file
from services.chassis.audit.offline.findings import Findings
from services.chassis.audit.receipts import Statement
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.notes import Note
from services.chassis.transparency.trust_policy import TrustPolicy
from tests.chassis.audit.auditing import Auditing

STREAM = "counter-a"
SUBJECT = Subject("counters", STREAM, WHOLE)
OF_A_PARTY = Subject("counters", STREAM, view_of("north"))


async def bundled(
    auditing: Auditing,
    streams: Mapping[str, Versions],
    subject: Subject = SUBJECT,
    receipts: Sequence[Statement] = (),
) -> bytes:
    """The bundle of some streams, with a document beside them."""
    file = io.BytesIO()
    await write_bundle(file, subject, [source_of(auditing, streams, receipts)])
    return file.getvalue()


def source_of(auditing: Auditing, streams: Mapping[str, Versions], receipts: Sequence[Statement] = ()) -> Source:
    """What such a bundle is made of."""

    async def choose(_: int) -> Choice:
        return Choice(streams, {"about.txt": b"counted by hand\n"}, receipts)

    return Source(auditing.log, auditing.store, auditing.reader, choose)


async def a_bundle(auditing: Auditing) -> bytes:
    """The bundle of a stream of three events, with others between them."""
    await auditing.count(STREAM, 1, 2)
    await auditing.count("counter-b", 5, 5)
    await auditing.count(STREAM, 3)
    await auditing.builder().grow()
    return await bundled(auditing, {STREAM: None})


def members_of(bundle: bytes) -> dict[str, bytes]:
    """What is in a bundle, by name."""
    return {member.name: member.content for member in read_archive(io.BytesIO(bundle))}


def put_together(members: Mapping[str, bytes]) -> bytes:
    """An archive of members, as it is always written."""
    file = io.BytesIO()
    writer = ArchiveWriter(file)
    for name, content in sorted(members.items()):
        writer.add(name, content)
    writer.end()
    return file.getvalue()


def signed_again(members: Mapping[str, bytes], *keys: SignerKey) -> bytes:
    """The same, with a manifest of these members that the keys signed: what somebody can do who has them."""
    before = Manifest.read(Note.read(members[MANIFEST]).text)
    files = {name: Digest(sha256(each).hexdigest(), len(each)) for name, each in members.items() if name != MANIFEST}
    note = Note(Manifest(before.log, before.stream, before.view, before.origins, files).text, ())
    for key in keys:
        note = note.signed_by(key)
    return put_together({**members, MANIFEST: note.content})


async def key_of(auditing: Auditing) -> SignerKey:
    """The private key of the log."""
    return SignerKey.read((await auditing.store.keys())[0])


def verified(bundle: bytes, policy: str | None = None) -> Findings:
    """What comes of it as a file, by the policy if there is one."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(bundle)
        file.flush()
        return verify_file(Path(file.name), TrustPolicy.read(policy.encode()) if policy is not None else None)


def found(bundle: bytes, policy: str | None = None) -> set[tuple[str, int, str]]:
    """The mismatches of a bundle: log, position and what."""
    return {(each.log, each.position, each.what.value) for each in verified(bundle, policy).mismatches}


def policy_of(*lines: str, quorum: str = "none") -> str:
    """The text of a policy."""
    return "\n".join((*lines, f"quorum {quorum}", ""))


def encoded(content: bytes) -> str:
    """Base64."""
    return base64.b64encode(content).decode()


def names(members: Mapping[str, bytes], kind: str) -> Sequence[str]:
    """The names of members of a kind, in their order."""
    return sorted(name for name in members if name.endswith(f".{kind}"))
