"""The transparency log is what the event log says, signed; and never contradicts what was signed before."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.chassis.audit.beginning import begin_next, new_key
from services.chassis.audit.entries import commitment, salt_of
from services.chassis.audit.refusals import Contradicted, Renamed, Restored, RolledBack
from services.chassis.audit.store import Growth
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey, VerifierKey
from services.chassis.transparency.merkle import EMPTY_ROOT, leaf_hash
from services.chassis.transparency.notes import Note
from services.chassis.transparency.proofs import check_consistency, check_inclusion
from services.chassis.transparency.tiles import ENTRIES, Tile, entries_of, split
from services.chassis.transparency.tlog_proofs import TlogProof
from tests.chassis.audit.auditing import EPOCH, ORIGIN, Auditing
from tests.chassis.transparency.naive_tree import mth


async def test_a_log_without_events_is_signed_as_the_empty_tree(auditing: Auditing) -> None:
    """Under the origin of the settings and the log's name."""
    await auditing.builder().round()
    assert await auditing.signed() == Checkpoint(f"{ORIGIN}/counters", 0, EMPTY_ROOT)


async def test_without_a_setting_the_origin_is_the_installations_own(auditing: Auditing) -> None:
    """Drawn once: it stays the same."""
    await auditing.builder(origin=None).grow()
    origin = (await auditing.signed()).origin
    assert origin.startswith("caserelay.invalid/")
    assert origin.endswith("/counters")
    await auditing.count("counter-a", 1)
    await auditing.builder(origin=None).grow()
    assert (await auditing.signed()).origin == origin


async def test_an_entry_says_where_an_event_stands_and_what_its_bytes_are(auditing: Auditing) -> None:
    """One line of JSON; the stream's name is not in it, and who has its salt can tell which stream it is of."""
    await auditing.count("counter-secret-name", 1, 2)
    await auditing.builder().grow()
    bundle = await auditing.reader.tile(Tile(ENTRIES, 0, 2))
    assert bundle is not None
    assert b"secret-name" not in bundle
    assert b"\n" not in bundle
    recorded = await auditing.log.read_all(0, 10)
    secret = (await auditing.standing()).secret
    salts = {event.version: salt_of(secret, "counter-secret-name", event.version) for event in recorded}
    assert [json.loads(entry) for entry in entries_of(bundle)] == [
        {
            "position": event.position,
            "stream": hashlib.sha256(salts[event.version] + b"counter-secret-name").hexdigest(),
            "version": event.version,
            "topic": "counter.counted.v1",
            "recordedAt": "2026-03-02T09:30:00Z",
            "sha256": hashlib.sha256(event.state).hexdigest(),
        }
        for event in recorded
    ]
    assert commitment(salts[1], "counter-a") != commitment(salts[1], "counter-b")


async def test_entries_of_one_stream_have_nothing_in_common(auditing: Auditing) -> None:
    """Who reads entries is not told which are of one stream, and who has the salt of one opens no other with it."""
    await auditing.count("counter-a", 1, 2)
    await auditing.count("counter-b", 1, 2)
    await auditing.builder().grow()
    bundle = await auditing.reader.tile(Tile(ENTRIES, 0, 4))
    assert bundle is not None
    streams = [json.loads(entry)["stream"] for entry in entries_of(bundle)]
    assert len(set(streams)) == 4
    salt = salt_of((await auditing.standing()).secret, "counter-a", 1)
    opened = [hashlib.sha256(salt + name).hexdigest() for name in (b"counter-a", b"counter-b")]
    assert [stream in opened for stream in streams] == [True, False, False, False]


async def test_the_signed_tree_is_that_of_the_entries(auditing: Auditing) -> None:
    """However the log grew, over more than one tile; all proofs hold, from each checkpoint to the next one too."""
    builder = auditing.builder()
    signed: list[Checkpoint] = []
    for count in (1, 255, 1, 300, 40):
        await auditing.count("counter-a", *range(count))
        await builder.grow()
        signed.append(await auditing.signed())
    assert [checkpoint.size for checkpoint in signed] == [1, 256, 257, 557, 597]
    bundles = [await auditing.reader.tile(tile) for tile in (Tile(ENTRIES, 0), Tile(ENTRIES, 1), Tile(ENTRIES, 2, 85))]
    leaves = [leaf_hash(entry) for bundle in bundles for entry in entries_of(bundle or b"")]
    assert signed[-1].root == mth(leaves)
    tiles = [await auditing.reader.tile(tile) for tile in (Tile(0, 0), Tile(0, 1), Tile(0, 2, 85))]
    assert [each for tile in tiles for each in split(tile or b"")] == leaves
    assert split(await auditing.reader.tile(Tile(1, 0, 2)) or b"") == [mth(leaves[:256]), mth(leaves[256:512])]
    for first, second in pairwise(signed):
        proof = await auditing.reader.consistency(first.size, second.size)
        assert proof is not None
        check_consistency(first.size, second.size, proof, first.root, second.root)
    for index in (0, 255, 256, 596):
        proven = await auditing.reader.proof(f"counter-a-{index + 1}")
        assert proven is not None
        assert proven.position == index + 1
        assert proven.proof.index == index
        check_inclusion(index, 597, leaf_hash(proven.entry), proven.proof.inclusion, signed[-1].root)
        assert TlogProof.read(proven.proof.content) == proven.proof


async def test_what_the_log_does_not_have_is_not_there(auditing: Auditing) -> None:
    """Tiles beyond its end, trees that it never was, events of others."""
    await auditing.count("counter-a", 1, 2, 3)
    await auditing.builder().grow()
    for tile in (Tile(0, 0), Tile(0, 0, 4), Tile(0, 1, 1), Tile(1, 0, 1), Tile(ENTRIES, 0, 4)):
        assert await auditing.reader.tile(tile) is None
    assert await auditing.reader.consistency(2, 4) is None
    assert await auditing.reader.consistency(3, 2) is None
    assert await auditing.reader.proof("counter-b-1") is None
    assert len(split(await auditing.reader.tile(Tile(0, 0, 2)) or b"")) == 2


async def test_another_builder_goes_on_where_one_has_ended(auditing: Auditing) -> None:
    """As after a crash, which may have come at any moment."""
    for size in (3, 256, 300, 512):
        await auditing.count("counter-a", *range(size - len(await auditing.log.read("counter-a"))))
        await auditing.builder().grow()
        assert (await auditing.signed()).size == size


async def test_a_round_without_news_signs_nothing(auditing: Auditing) -> None:
    """The log stands as it did."""
    await auditing.count("counter-a", 1)
    builder = auditing.builder()
    await builder.grow()
    before = await auditing.standing()
    await builder.grow()
    assert await auditing.standing() == before


async def test_of_two_that_build_at_once_one_signs(auditing: Auditing) -> None:
    """One that was stopped and wakes up finds that another has taken over; later it may take over in its turn."""
    await auditing.count("counter-a", 1)
    stopped, leader = auditing.builder(), auditing.builder()
    await stopped.grow()
    await auditing.count("counter-a", 2)
    await leader.grow()
    after = await auditing.standing()
    await auditing.count("counter-a", 3)
    await stopped.grow()
    assert await auditing.standing() == after
    await leader.grow()
    assert (await auditing.signed()).size == 3


async def test_nothing_is_signed_for_one_that_no_longer_may(auditing: Auditing) -> None:
    """The check and the checkpoint are one transaction: the signature is not even made."""
    await auditing.count("counter-a", 1)
    await auditing.builder().grow()
    standing = await auditing.standing()
    await auditing.store.take_over(standing.epoch, "somebody else")

    def sign() -> bytes:
        raise AssertionError("it was to be signed")

    for stale in (standing, replace(standing, signer="somebody else", size=0)):
        assert not await auditing.store.extend(stale, Growth([], {}), sign)
    assert (await auditing.signed()).size == 1


async def test_what_fails_while_signing_leaves_everything_as_it_was(auditing: Auditing) -> None:
    """Neither entries nor tiles of it are there."""
    await auditing.count("counter-a", 1)
    await auditing.builder().grow()
    standing = await auditing.standing()

    def sign() -> bytes:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - nothing is known of it
        await auditing.store.extend(standing, Growth([], {(0, 7): bytes(32)}), sign)
    assert await auditing.standing() == standing
    assert await auditing.store.tiles([Tile(0, 7, 1)]) == {}


async def test_a_new_key_signs_and_the_old_one_is_kept(auditing: Auditing) -> None:
    """The newest first; a checkpoint of before is still verified by the key that signed it."""
    builder = auditing.builder()
    await auditing.count("counter-a", 1)
    await builder.grow()
    old = Note.read((await auditing.standing()).note)
    key = new_key(f"{ORIGIN}/counters")
    await auditing.store.add_key(key)
    await auditing.count("counter-a", 2)
    await builder.grow()
    newest, oldest = await auditing.reader.keys()
    assert newest == SignerKey.read(key).verifier.text
    assert [found.key.text for found in old.verified([VerifierKey.read(newest), VerifierKey.read(oldest)])] == [oldest]
    note = Note.read((await auditing.standing()).note)
    assert [found.key.text for found in note.verified([SignerKey.read(key).verifier])] == [newest]


async def test_what_was_signed_last_is_remembered(remembering: Auditing) -> None:
    """Byte for byte, in a file that its owner alone can get at."""
    await remembering.count("counter-a", 1)
    await remembering.builder().grow()
    assert remembering.remembered is not None
    assert remembering.remembered.read() == (await remembering.standing()).note
    assert remembering.remembered.path.parent.stat().st_mode & 0o077 == 0


async def test_one_that_remembers_for_the_first_time_writes_it_down(remembering: Auditing) -> None:
    """Also where nothing is new."""
    remembered, remembering.remembered = remembering.remembered, None
    await remembering.count("counter-a", 1)
    await remembering.builder().grow()
    remembering.remembered = remembered
    await remembering.builder().grow()
    assert remembered is not None
    assert remembered.read() == (await remembering.standing()).note


async def test_what_was_remembered_before_a_crash_is_signed_again(remembering: Auditing) -> None:
    """The file comes first: the store may lack what it says, and has it once the same events are taken in."""
    await remembering.count("counter-a", 1)
    builder = remembering.builder()
    await builder.grow()
    standing = await remembering.standing()
    await remembering.count("counter-a", *range(600))
    elsewhere = await remembering.would_sign(standing.size + 600)
    assert remembering.remembered is not None
    remembering.remembered.write(elsewhere)
    await remembering.builder().grow()
    assert (await remembering.signed()).size == 601


@pytest.mark.parametrize("size", [2, 1])
async def test_a_log_that_was_rolled_back_is_not_signed(remembering: Auditing, size: int) -> None:
    """It has fewer events than were signed, or as many and others; appends go on, and the refusal has its own name."""
    await remembering.count("counter-a", 1)
    await remembering.builder().grow()
    standing, remembered = await remembering.standing(), remembering.remembered
    assert remembered is not None
    (key,) = await remembering.store.keys()
    other = Checkpoint(standing.origin, size, bytes(32))
    remembered.write(Note(other.text, ()).signed_by(SignerKey.read(key)).content)
    expected = {2: RolledBack, 1: Contradicted}[size]
    with pytest.raises(expected):
        await remembering.builder().grow()
    await remembering.count("counter-b", 1)
    with pytest.raises((RolledBack, Contradicted)):
        await remembering.builder().grow()
    assert await remembering.standing() == replace(standing, signer=(await remembering.standing()).signer)


async def test_a_damaged_memory_is_not_taken_for_none(remembering: Auditing) -> None:
    """Nor is one of another log."""
    await remembering.count("counter-a", 1)
    await remembering.builder().grow()
    assert remembering.remembered is not None
    key = SignerKey("example.com/other", bytes(32))
    for note in (b"nothing", Note(Checkpoint("example.com/other", 1, bytes(32)).text, ()).signed_by(key).content):
        remembering.remembered.write(note)
        with pytest.raises(Contradicted):
            await remembering.builder().grow()


async def test_a_restored_log_is_signed_again_only_in_another_epoch(
    remembering: Auditing, caplog: pytest.LogCaptureFixture
) -> None:
    """Which has an origin, a key and a tree of its own; what was signed in the one before stays readable."""
    await remembering.count("counter-a", 1, 2)
    await remembering.builder().grow()
    before = await remembering.standing()
    restored = remembering.builder(epoch="second-epoch")
    with pytest.raises(Restored):
        await restored.grow()
    origin = await begin_next(remembering.store, before, "counters", "second-epoch", ORIGIN, "a backup was put back")
    assert origin == f"{ORIGIN}/counters/2"
    await restored.grow()
    signed = await remembering.signed()
    assert (signed.origin, signed.size) == (origin, 2)
    assert Checkpoint.read(Note.read(before.note).text).origin == f"{ORIGIN}/counters"
    assert len(await remembering.reader.keys()) == 2
    assert remembering.remembered is not None
    # Another machine, which has not led since.
    remembering.remembered.write(before.note)
    await remembering.count("counter-a", 3)
    await remembering.builder(epoch="second-epoch").grow()
    assert [line.message for line in caplog.records] == ["another epoch was begun since this machine signed last"] * 2
    assert (await remembering.signed()).size == 3
    assert remembering.remembered.read() == (await remembering.standing()).note
    assert await begin_next(remembering.store, before, "counters", "x", ORIGIN, "twice") is None
    with pytest.raises(Restored):
        await remembering.builder(epoch=EPOCH).grow()


async def test_another_origin_in_the_settings_is_not_signed_under(auditing: Auditing) -> None:
    """Somebody may have configured the wrong one."""
    await auditing.builder().grow()
    with pytest.raises(Renamed):
        await auditing.builder(origin="audit.example/other").grow()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_tampering_with_what_is_stored_is_noticed_before_anything_is_signed(
    remembering: Auditing, tmp_path: Path
) -> None:
    """A tile that was changed leads to another root than the one that was signed."""
    await remembering.count("counter-a", *range(300))
    await remembering.builder().grow()
    with sqlite3.connect(tmp_path / "counters-audit.db") as db:
        db.execute("UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE level = 0 AND number = 0")
        db.execute("UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE level = 1")
    db.close()
    with pytest.raises(Contradicted):
        await remembering.builder().grow()
