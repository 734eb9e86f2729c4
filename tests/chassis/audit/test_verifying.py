"""Whatever is tampered with directly in the database is found, with its position; an untouched log is not accused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import FrameType

import pytest

from services.chassis.audit.beginning import begin_next
from services.chassis.audit.entries import committed
from services.chassis.audit.mismatches import What
from services.chassis.audit.pacing import PAGE, Pace
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.verifying import verify
from services.chassis.log.event_log import Write
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.merkle import leaf_hash
from services.chassis.transparency.notes import Note
from services.chassis.transparency.tiles import WIDTH, Tile
from tests.chassis.audit.auditing import EPOCH, ORIGIN, Auditing
from tests.chassis.audit.tampering import TAMPERINGS, TAMPERINGS_OF_FILES, tamper
from tests.chassis.conftest import needs_processes
from tests.chassis.counters import Counted, metadata


async def recorded(auditing: Auditing) -> None:
    """Seven events in two streams, taken in and signed."""
    await auditing.count("counter-a", 1, 2, 3, 4)
    await auditing.count("counter-b", 1, 2, 3)
    await auditing.builder().grow()


async def test_an_untouched_log_is_not_accused(auditing: Auditing) -> None:
    """Nor is what was recorded since, and is not taken in yet."""
    await recorded(auditing)
    result = await verify(auditing.log, auditing.store)
    assert (result.ok, result.checked) == (True, 7)
    await auditing.count("counter-c", 1)
    result = await verify(auditing.log, auditing.store)
    assert (result.ok, result.checked) == (True, 7)


async def test_a_log_of_several_pages_is_gone_through_to_its_end(auditing: Auditing) -> None:
    """It says how far it has come."""
    size, heard = 2 * PAGE + 300, list[tuple[int, int]]()
    await auditing.count("counter-a", *range(size))
    builder = auditing.builder()
    while (standing := await auditing.store.standing()) is None or standing.size < size:
        await builder.grow()
    result = await verify(auditing.log, auditing.store, b"", lambda done, of: heard.append((done, of)))
    assert (result.ok, result.checked) == (True, size)
    assert heard == [(PAGE, size), (2 * PAGE, size), (size, size)]


async def test_a_log_that_was_never_signed_is_named(auditing: Auditing) -> None:
    """Unless it is empty."""
    assert (await verify(auditing.log, auditing.store)).ok
    await auditing.count("counter-a", 1)
    result = await verify(auditing.log, auditing.store)
    assert [(found.position, found.what) for found in result.mismatches] == [(0, What.NOT_SIGNED)]


@needs_processes
@pytest.mark.parametrize("name", TAMPERINGS)
async def test_tampering_is_found(auditing: Auditing, tmp_path: Path, name: str) -> None:
    """All of it, and nothing else."""
    await recorded(auditing)
    statements, expected = TAMPERINGS[name]
    tamper(tmp_path, statements)
    result = await verify(auditing.log, auditing.store)
    assert {(found.position, found.what.value) for found in result.mismatches} == expected
    assert len(result.mismatches) == len(expected)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", TAMPERINGS_OF_FILES)
async def test_what_no_column_should_hold_is_found(auditing: Auditing, tmp_path: Path, name: str) -> None:
    """A file takes any bytes and any type; it ends in a word for each place, and not in an error."""
    await recorded(auditing)
    statements, expected = TAMPERINGS_OF_FILES[name]
    tamper(tmp_path, statements)
    result = await verify(auditing.log, auditing.store)
    assert {(found.position, found.what.value) for found in result.mismatches} == expected
    assert len(result.mismatches) == len(expected)


async def test_what_is_remembered_and_not_stored_yet_is_no_tampering(remembering: Auditing) -> None:
    """A process that is killed in between leaves it so."""
    await recorded(remembering)
    await remembering.count("counter-a", *range(3))
    for size in (8, 9, 10):
        result = await verify(remembering.log, remembering.store, await remembering.would_sign(size))
        assert (result.ok, result.checked) == (True, 7), size


@needs_processes
async def test_a_redated_event_is_told_from_one_that_was_otherwise_changed(auditing: Auditing, tmp_path: Path) -> None:
    """Its recorded time stands in its entry."""
    await recorded(auditing)
    (event,) = await auditing.log.read("counter-b", after=1, through=2)
    changed = json.loads(event.state)
    changed["meta"]["recorded_at"] = "2020-01-01T00:00:00Z"
    tamper(tmp_path, [("UPDATE {events} SET state = ? WHERE {position} = 6", (json.dumps(changed).encode(),))])
    (found,) = (await verify(auditing.log, auditing.store)).mismatches
    assert (found.position, found.what, found.stream) == (6, What.REDATED, "counter-b")


@needs_processes
async def test_a_missing_event_is_named_by_its_stream(auditing: Auditing, tmp_path: Path) -> None:
    """As far as others of it are there, though its entry holds only what commits to the name."""
    await recorded(auditing)
    tamper(tmp_path, [("DELETE FROM {events} WHERE {position} IN (2, 7)", ())])
    found = (await verify(auditing.log, auditing.store)).mismatches
    assert [(each.position, each.what, each.stream) for each in found] == [
        (2, What.MISSING, "counter-a"),
        (7, What.TRUNCATED, "counter-b"),
    ]


async def test_a_log_that_was_rolled_back_as_a_whole_is_found_by_what_is_remembered(remembering: Auditing) -> None:
    """Rows, hashes and checkpoint agree with each other, and not with what was signed before."""
    await recorded(remembering)
    standing = await remembering.standing()
    (key,) = await remembering.store.keys()
    signer = SignerKey.read(key)
    for checkpoint, what in (
        (Checkpoint(standing.origin, 9, bytes(32)), What.TRUNCATED),
        (Checkpoint(standing.origin, 7, bytes(32)), What.REPLACED),
        (Checkpoint(standing.origin, 5, bytes(32)), What.REPLACED),
        (Checkpoint("audit.example/other", 7, bytes(32)), What.REPLACED),
    ):
        note = Note(checkpoint.text, ()).signed_by(signer).content
        result = await verify(remembering.log, remembering.store, note)
        assert [(found.position, found.what) for found in result.mismatches] == [(0, what)]
    assert (await verify(remembering.log, remembering.store, standing.note)).ok


async def test_an_epoch_that_was_begun_in_the_database_alone_is_found(remembering: Auditing, tmp_path: Path) -> None:
    """Also after the services have signed in it, and until somebody says outside that it is theirs."""
    await recorded(remembering)
    assert remembering.remembered is not None
    known = remembering.remembered
    assert known.epochs == ()
    assert (await verify(remembering.log, remembering.store, known.read(), epochs=known.epochs)).ok
    origin = await begin_next(remembering.store, await remembering.standing(), "counters", EPOCH, ORIGIN, "slipped in")
    assert origin is not None
    for _ in range(2):
        result = await verify(remembering.log, remembering.store, known.read(), epochs=known.epochs)
        assert (0, What.UNKNOWN_EPOCH) in {(found.position, found.what) for found in result.mismatches}
        await remembering.builder().grow()
    result = await verify(remembering.log, remembering.store, known.read(), epochs=known.epochs)
    assert [(found.position, found.what) for found in result.mismatches] == [(0, What.UNKNOWN_EPOCH)]
    known.knows(origin)
    assert (await verify(remembering.log, remembering.store, known.read(), epochs=known.epochs)).ok
    # One between that and the first is no better.
    await begin_next(remembering.store, await remembering.standing(), "counters", EPOCH, ORIGIN, "slipped in")
    third = await begin_next(remembering.store, await remembering.standing(), "counters", EPOCH, ORIGIN, "begun")
    assert third is not None
    known.knows(third)
    await remembering.builder().grow()
    result = await verify(remembering.log, remembering.store, known.read(), epochs=known.epochs)
    assert [(found.position, found.what) for found in result.mismatches] == [(0, What.UNKNOWN_EPOCH)]
    # Who remembers from today on takes what there is today.
    fresh = RememberedCheckpoint(tmp_path / "another state", "counters")
    assert fresh.epochs is None
    remembering.remembered = fresh
    await remembering.builder().grow()
    assert (await verify(remembering.log, remembering.store, fresh.read(), epochs=fresh.epochs)).ok


@needs_processes
async def test_an_epoch_is_found_too_where_those_before_it_were_deleted(remembering: Auditing, tmp_path: Path) -> None:
    """The services have signed in it by then, so nothing that is remembered of the one before is left to tell."""
    await recorded(remembering)
    assert remembering.remembered is not None
    known = remembering.remembered
    await begin_next(remembering.store, await remembering.standing(), "counters", EPOCH, ORIGIN, "slipped in")
    await remembering.builder().grow()
    for table in ("tiles", "entries", "keys"):
        tamper(tmp_path, [("DELETE FROM {audit}" + table + " WHERE epoch = 1", ())])  # noqa: S608 - constants
    tamper(tmp_path, [("DELETE FROM {audit}epochs WHERE number = 1", ())])
    assert (await remembering.standing()).earlier == ()
    result = await verify(remembering.log, remembering.store, known.read(), epochs=known.epochs)
    assert [(found.position, found.what) for found in result.mismatches] == [(0, What.UNKNOWN_EPOCH)]


@needs_processes
async def test_streams_are_named_without_trying_each_for_every_version(auditing: Auditing, tmp_path: Path) -> None:
    """One long stream, of which only the first event is left, and many short ones: each finds its own name."""
    for number in range(40):
        await auditing.count(f"counter-{number:02}", 1)
    await auditing.count("counter-long", *range(1, 61))
    await auditing.builder().grow()
    tamper(tmp_path, [("DELETE FROM {events} WHERE {position} BETWEEN 42 AND 99", ())])
    tamper(tmp_path, [("DELETE FROM {events} WHERE {position} = 7", ())])
    tried = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal tried
        tried += event == "call" and frame.f_code is committed.__code__

    sys.setprofile(count)
    try:
        result = await verify(auditing.log, auditing.store)
    finally:
        sys.setprofile(None)
    assert [each.position for each in result.mismatches] == [7, *range(42, 100)]
    assert {each.stream for each in result.mismatches[1:]} == {"counter-long"}
    assert 100 <= tried < 300


async def test_what_witnesses_hold_is_held_against_the_log_one_by_one(auditing: Auditing) -> None:
    """Each at a size of its own, also beyond what is stored, as while the services go on; one that differs is named."""
    await recorded(auditing)
    before = await auditing.standing()
    await auditing.count("counter-a", 1, 2, 3)
    right = [await auditing.would_sign(size) for size in (10, 8, 3, 10, 7)]
    assert (await verify(auditing.log, auditing.store, held=right)).ok
    for size, what in ((5, What.REPLACED), (8, What.TRUNCATED), (11, What.TRUNCATED)):
        wrong = Note(Checkpoint(before.origin, size, bytes(32)).text, Note.read(before.note).signatures).content
        result = await verify(auditing.log, auditing.store, held=[*right, wrong])
        assert [(found.position, found.what) for found in result.mismatches] == [(0, what)]


@needs_processes
async def test_an_entry_that_is_none_is_named_though_its_leaf_agrees(auditing: Auditing, tmp_path: Path) -> None:
    """Who changes both cannot have everything else overlooked, whether or not the row is there."""
    await recorded(auditing)
    tile = Tile(0, 0, 7)
    hashes = bytearray((await auditing.store.tiles([tile]))[tile.place])
    hashes[2 * 32 : 3 * 32] = leaf_hash(b"no entry")
    tamper(tmp_path, [("UPDATE {audit}tiles SET hashes = ? WHERE level = 0", (bytes(hashes),))])
    tamper(tmp_path, [("UPDATE {audit}entries SET entry = ? WHERE number = 2", (b"no entry",))])
    tamper(tmp_path, [("UPDATE {events} SET state = ? WHERE {position} = 5", (b"changed",))])
    found = {(each.position, each.what) for each in (await verify(auditing.log, auditing.store)).mismatches}
    assert found == {(0, What.REPLACED), (3, What.CHANGED), (5, What.CHANGED)}
    tamper(tmp_path, [("DELETE FROM {events} WHERE {position} >= 3", ())])
    found = {(each.position, each.what) for each in (await verify(auditing.log, auditing.store)).mismatches}
    assert found == {(0, What.REPLACED), *((position, What.TRUNCATED) for position in range(3, 8))}


async def test_others_have_their_turns_while_what_was_not_stored_is_gone_through(auditing: Auditing) -> None:
    """As much as somebody remembers, page by page."""
    await auditing.count("counter-a", 1)
    await auditing.builder().grow()
    events, rests = 4 * WIDTH, 0
    await auditing.count("counter-a", *range(events - 1))

    async def rest() -> None:
        nonlocal rests
        rests += 1

    remembered = await auditing.would_sign(events)
    assert (await verify(auditing.log, auditing.store, remembered, pace=Pace(WIDTH, rest))).ok
    assert rests >= events / WIDTH


@needs_processes
async def test_any_changed_byte_of_any_row_is_found(auditing: Auditing, tmp_path: Path) -> None:
    """One after the other, each bit of a short event; put back, nothing is found."""
    await auditing.log.append([Write("counter-a", 0, [(Counted(by=1), metadata("e"))])])
    await auditing.count("counter-b", 1)
    await auditing.builder().grow()
    (event, _) = await auditing.log.read_all(0, 2)
    put = "UPDATE {events} SET state = ? WHERE {position} = 1"
    for place in range(0, len(event.state), 7):
        changed = bytearray(event.state)
        changed[place] ^= 1 << place % 8
        tamper(tmp_path, [(put, (bytes(changed),))])
        (found,) = (await verify(auditing.log, auditing.store)).mismatches
        assert found.position == 1, place
    tamper(tmp_path, [(put, (event.state,))])
    assert (await verify(auditing.log, auditing.store)).ok
