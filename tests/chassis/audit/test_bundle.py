"""A bundle proves its events offline, and whatever is changed in it is found: on every engine."""

from __future__ import annotations

import base64
import io
import json
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.audit.beginning import begin_next, new_key
from services.chassis.audit.bundle.manifest import MANIFEST
from services.chassis.audit.bundle.writing import Choice, NothingSigned, Source, write_bundle
from services.chassis.http.bundle import bundle_answer
from services.chassis.service import NotCoveredYet
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignatureType, SignerKey
from services.chassis.transparency.notes import Note
from services.chassis.transparency.tiles import ENTRIES, Tile, entries_of
from services.chassis.transparency.tlog_proofs import TlogProof
from tests.chassis.audit.auditing import EPOCH, ORIGIN, Auditing
from tests.chassis.audit.bundling import (
    OF_A_PARTY,
    STREAM,
    SUBJECT,
    a_bundle,
    bundled,
    encoded,
    found,
    key_of,
    members_of,
    names,
    policy_of,
    put_together,
    signed_again,
    source_of,
    verified,
)

LISTED = "counters/streams.json"
WITNESS = SignerKey("witness.example/one", bytes(range(32)), SignatureType.COSIGNATURE_V1)
OTHER_WITNESS = SignerKey("witness.example/two", bytes(32), SignatureType.COSIGNATURE_V1)


async def test_a_bundle_holds_what_was_chosen_and_proves_it(auditing: Auditing) -> None:
    """Three events of five, as they are stored; without a policy who signed is asked of the file itself."""
    bundle = await a_bundle(auditing)
    members = members_of(bundle)
    assert [name.partition(".")[0][-1] for name in names(members, "entry")] == ["1", "2", "5"]
    stored = [row[4] for position in (1, 2, 5) for row in await auditing.log.stored(position, 1)]
    assert [members[name] for name in names(members, "json") if "/events/" in name] == stored
    (listed,) = json.loads(members[LISTED])
    assert (listed["stream"], listed["whole"], sorted(listed["salts"])) == (STREAM, True, ["1", "2", "3"])
    assert members["counters/checkpoint"] == (await auditing.standing()).note
    assert "counters/schemas/counter.counted.v1.json" in members
    came = verified(bundle)
    assert (came.ok, came.checked, came.subject, came.keys_from_file) == (True, {"counters": 3}, STREAM, True)


async def test_it_is_the_same_while_nothing_is_appended(auditing: Auditing) -> None:
    """Also after another key was drawn, which signs from the next checkpoint on; one more event makes another."""
    bundle = await a_bundle(auditing)
    same = await bundled(auditing, {STREAM: None}) == bundle
    assert same, "another one the second time"
    await auditing.store.add_key(new_key(f"{ORIGIN}/counters"))
    same = await bundled(auditing, {STREAM: None}) == bundle
    assert same, "another one after a key was drawn that has signed nothing yet"
    await auditing.count("counter-b", 1)
    await auditing.builder().grow()
    after = await bundled(auditing, {STREAM: None})
    differs = after != bundle
    assert differs
    assert found(after) == set()


async def test_it_holds_nothing_that_was_not_signed_yet(auditing: Auditing) -> None:
    """What comes behind the checkpoint is left out; of a log of which nothing was signed there is no bundle."""
    await auditing.count(STREAM, 1)
    with pytest.raises(NothingSigned):
        await bundled(auditing, {STREAM: None})
    with pytest.raises(NotCoveredYet):
        await bundle_answer(SUBJECT, [source_of(auditing, {STREAM: None})], "a.zip")
    await auditing.builder().grow()
    await auditing.count(STREAM, 1)
    bundle = await bundled(auditing, {STREAM: None})
    assert len(names(members_of(bundle), "entry")) == 1
    assert found(bundle) == set()


async def test_an_epoch_that_begins_meanwhile_makes_no_bundle(auditing: Auditing) -> None:
    """Its tree proves nothing of what was signed before it."""
    await a_bundle(auditing)

    async def choose(_: int) -> Choice:
        assert await begin_next(auditing.store, await auditing.standing(), "counters", EPOCH, ORIGIN, "restored")
        return Choice({STREAM: None})

    with pytest.raises(NothingSigned):
        await write_bundle(io.BytesIO(), SUBJECT, [Source(auditing.log, auditing.store, auditing.reader, choose)])


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_a_bundle_of_many_members_is_verified_too(auditing: Auditing) -> None:
    """Its manifest has a line for each, and so more than a checkpoint may ever have."""
    await auditing.count(STREAM, 1)
    await auditing.builder().grow()

    async def choose(_: int) -> Choice:
        return Choice({STREAM: None}, {f"more/{number:05}.txt": b"" for number in range(12_000)})

    file = io.BytesIO()
    await write_bundle(file, SUBJECT, [Source(auditing.log, auditing.store, auditing.reader, choose)])
    assert len(members_of(file.getvalue())[MANIFEST]) > 1_000_000
    assert found(file.getvalue()) == set()


async def test_a_part_of_a_stream_is_no_gap(auditing: Auditing) -> None:
    """Some versions alone, for somebody who sees no more; as the bundle of who sees everything it would lack some."""
    await a_bundle(auditing)
    bundle = await bundled(auditing, {STREAM: frozenset({1, 3})}, OF_A_PARTY)
    assert [name[-7] for name in names(members_of(bundle), "entry")] == ["1", "5"]
    assert found(bundle) == set()
    assert found(await bundled(auditing, {STREAM: frozenset({1, 3})})) == {("counters", 0, "MISSING")}


async def test_it_opens_the_entries_that_it_holds_and_no_other(auditing: Auditing) -> None:
    """Who keeps a part of a stream finds neither the rest of it in the log nor what follows, by all that is in it."""
    await a_bundle(auditing)
    (listed,) = json.loads(members_of(await bundled(auditing, {STREAM: frozenset({1, 3})}, OF_A_PARTY))[LISTED])
    await auditing.count(STREAM, 4, 5)
    await auditing.builder().grow()
    opens = {sha256(base64.b64decode(salt) + STREAM.encode()).hexdigest() for salt in listed["salts"].values()}
    entries = [json.loads(entry) for entry in entries_of(await auditing.reader.tile(Tile(ENTRIES, 0, 7)) or b"")]
    assert [entry["position"] for entry in entries if entry["stream"] in opens] == [1, 5]


async def test_a_changed_byte_of_any_member_is_found(auditing: Auditing) -> None:
    """In front, in the middle and at the end of each, although the archive is put together again."""
    members = members_of(await a_bundle(auditing))
    for name, content in members.items():
        for place in {0, len(content) // 2, len(content) - 1}:
            changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            assert found(put_together({**members, name: changed})), (name, place)


async def test_any_changed_byte_of_the_file_is_found(auditing: Auditing) -> None:
    """Whether it belongs to a member or to the archive around them."""
    bundle = await a_bundle(auditing)

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.integers(0, len(bundle) - 1), st.integers(0, 7))
    def changed(place: int, bit: int) -> None:
        assert found(bundle[:place] + bytes([bundle[place] ^ 1 << bit]) + bundle[place + 1 :])

    changed()
    assert found(bundle + b" ")
    assert found(bundle[:-1])


async def test_what_is_wrong_is_named(auditing: Auditing) -> None:
    """Changed, taken out, slipped in; with the position where it is an event."""
    members = members_of(await a_bundle(auditing))
    event = "counters/events/0000000000000000002"
    assert found(put_together({**members, f"{event}.json": b"{}"})) == {("counters", 2, "CHANGED")}
    dropped = {name: content for name, content in members.items() if not name.startswith(event)}
    assert found(put_together(dropped)) == {("counters", 2, "MISSING")}
    assert found(put_together({**members, "counters/more.txt": b""})) == {("counters", 0, "ADDED")}
    assert found(put_together({**members, "elsewhere/more.txt": b""})) == {("", 0, "ADDED")}
    unsigned = {name: content for name, content in members.items() if name != MANIFEST}
    assert found(put_together(unsigned)) == {("", 0, "MALFORMED")}


async def test_who_has_the_key_cannot_prove_what_is_not_so(auditing: Auditing) -> None:
    """With a manifest that is signed again: an event dropped, changed, of another stream, or put in another place."""
    members, key = members_of(await a_bundle(auditing)), await key_of(auditing)
    second, fifth = (f"counters/events/000000000000000000{n}" for n in (2, 5))
    dropped = {name: content for name, content in members.items() if not name.startswith(second)}
    assert found(signed_again(dropped, key)) == {("counters", 0, "MISSING")}
    changed = {**members, f"{second}.json": members[f"{second}.json"].replace(b'"by":2', b'"by":3')}
    assert found(signed_again(changed, key)) == {("counters", 2, "CHANGED")}
    swapped = {
        **members,
        **{f"{second}.{kind}": members[f"{fifth}.{kind}"] for kind in ("json", "entry", "tlog-proof")},
    }
    assert found(signed_again(swapped, key)) == {("counters", 2, "MOVED")}
    unproven = {**members, f"{second}.tlog-proof": members[f"{fifth}.tlog-proof"]}
    assert found(signed_again(unproven, key)) == {("counters", 2, "NOT_INCLUDED")}
    halved = {name: content for name, content in members.items() if name != f"{second}.tlog-proof"}
    assert found(signed_again(halved, key)) == {("counters", 2, "MISSING")}
    assert found(signed_again(members, key)) == set()


NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("entry", b'{"x":' + NESTED + b"}"),
        ("json", b'{"x":' + NESTED + b"}"),
        ("streams.json", b'[{"x":' + NESTED + b"}]"),
        ("entry", b'{"position":' + b"9" * 100_000 + b"}"),
        ("json", b'{"meta":{"recorded_at":"2026-03-02T09:30:00Z","recorded_at":1e999}}'),
        ("entry", b"\0"),
        ("streams.json", b'[{"stream":"\\ud800","salts":{"1":""},"whole":true}]'),
        ("tlog-proof", b"c2sp.org/tlog-proof@v1\nindex " + b"9" * 100_000 + b"\n\n"),
        ("checkpoint", b"\xc2\x9b31m\n1\n\n\n\xe2\x80\x94 a AAAA\n"),
    ],
)
async def test_a_crafted_member_is_a_mismatch_like_others(auditing: Auditing, kind: str, content: bytes) -> None:
    """Also where somebody signed for it: who looks does not stumble, and is shown nothing of it but text."""
    members, key = members_of(await a_bundle(auditing)), await key_of(auditing)
    name = f"counters/{kind}" if f"counters/{kind}" in members else f"counters/events/0000000000000000002.{kind}"
    came = verified(signed_again({**members, name: content}, key))
    assert came.mismatches
    assert all(each.detail.isprintable() for each in came.mismatches)


async def test_a_salt_opens_an_entry_for_one_name_alone(auditing: Auditing) -> None:
    """Not for the end of it, with the rest in the salt; nor for the event of another version."""
    members, key = members_of(await a_bundle(auditing)), await key_of(auditing)
    (listed,) = json.loads(members[LISTED])
    longer = {version: encoded(base64.b64decode(salt) + b"counter-") for version, salt in listed["salts"].items()}
    of_an_end = json.dumps([{**listed, "stream": "a", "salts": longer}]).encode()
    assert ("counters", 0, "MALFORMED") in found(signed_again({**members, LISTED: of_an_end}, key))
    swapped = {**listed["salts"], "1": listed["salts"]["2"], "2": listed["salts"]["1"]}
    mislabelled = json.dumps([{**listed, "salts": swapped}]).encode()
    moved = {("counters", 1, "MOVED"), ("counters", 2, "MOVED")}
    assert found(signed_again({**members, LISTED: mislabelled}, key)) == moved


async def test_an_event_of_another_stream_is_found(auditing: Auditing) -> None:
    """One that was signed for, with a proof of its own, and is not of what the bundle is about."""
    members, key = members_of(await a_bundle(auditing)), await key_of(auditing)
    other = members_of(await bundled(auditing, {"counter-b": None}))
    slipped = {name: content for name, content in other.items() if "/events/" in name}
    assert found(signed_again({**slipped, **members}, key)) == {("counters", 3, "MOVED"), ("counters", 4, "MOVED")}
    about_another = {**members, LISTED: other[LISTED]}
    assert {what for _, _, what in found(signed_again(about_another, key))} == {"MOVED"}
    without_its_own = members_of(await bundled(auditing, {"counter-b": None}))
    assert found(put_together(without_its_own)) == {("counters", 0, "MISSING")}


async def test_a_manifest_of_another_bundle_fits_nothing(auditing: Auditing) -> None:
    """Its digests are those of other members, though the same key signed it."""
    members = members_of(await a_bundle(auditing))
    other = members_of(await bundled(auditing, {"counter-b": None}))
    whats = {what for _, _, what in found(put_together({**members, MANIFEST: other[MANIFEST]}))}
    assert {"ADDED", "MISSING", "CHANGED"} <= whats


async def test_a_foreign_key_is_found_by_a_policy_and_by_nothing_else(auditing: Auditing) -> None:
    """Somebody makes a whole bundle under the log's name with a key of their own."""
    bundle = await a_bundle(auditing)
    ours, theirs = await key_of(auditing), SignerKey.read(new_key(f"{ORIGIN}/counters"))
    members = members_of(bundle)
    before = Note.read(members["counters/checkpoint"])
    forged = Note(before.text, ()).signed_by(theirs)
    for name in names(members, "tlog-proof"):
        proof = TlogProof.read(members[name])
        members[name] = TlogProof(proof.index, proof.inclusion, forged).content
    members |= {"counters/checkpoint": forged.content, "counters/keys": f"{theirs.verifier.text}\n".encode()}
    forgery = signed_again(members, theirs)
    policy = policy_of(f"log {ours.verifier.text}")
    assert found(forgery) == set()
    assert verified(forgery).keys_from_file
    assert found(forgery, policy) == {("counters", 0, "DISTRUSTED")}
    assert found(bundle, policy) == set()
    assert not verified(bundle, policy).keys_from_file
    elsewhere = policy_of(f"log {SignerKey.read(new_key('elsewhere.example/counters')).verifier.text}")
    assert found(bundle, elsewhere) == {("counters", 0, "DISTRUSTED")}


async def test_a_manifest_that_the_key_did_not_sign_is_found(auditing: Auditing) -> None:
    """Signed by another key, by none of the log's, or by one more."""
    members, key = members_of(await a_bundle(auditing)), await key_of(auditing)
    theirs = SignerKey.read(new_key(f"{ORIGIN}/counters"))
    assert found(signed_again(members, theirs)) == {("counters", 0, "NOT_SIGNED")}
    assert found(signed_again(members, key, theirs)) == {("", 0, "NOT_SIGNED")}


async def test_a_policy_asks_for_witnesses(auditing: Auditing) -> None:
    """One of two cosigned: enough for any, not for both; a wrong cosignature is none."""
    await a_bundle(auditing)
    key, standing = await key_of(auditing), await auditing.standing()
    cosigned = Note.read(standing.note).signed_by(WITNESS, at=1_700_000_000)
    members = members_of(await bundled(auditing, {STREAM: None}))
    for name in names(members, "tlog-proof"):
        proof = TlogProof.read(members[name])
        members[name] = TlogProof(proof.index, proof.inclusion, cosigned).content
    bundle = signed_again({**members, "counters/checkpoint": cosigned.content}, key)
    lines = (
        f"log {key.verifier.text}",
        f"witness one {WITNESS.verifier.text}",
        f"witness two {OTHER_WITNESS.verifier.text}",
    )
    assert found(bundle, policy_of(*lines, "group some any one two", quorum="some")) == set()
    assert found(bundle, policy_of(*lines, "group both all one two", quorum="both")) == {("counters", 0, "DISTRUSTED")}
    # A policy without logs trusts the log that the caller names: here the file itself.
    assert found(bundle, policy_of(*lines[1:], quorum="one")) == set()
    assert verified(bundle, policy_of(*lines[1:], quorum="one")).keys_from_file
    assert Checkpoint.read(cosigned.text).size == standing.size
