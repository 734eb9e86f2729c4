"""A log has its checkpoints cosigned by witnesses; what these hold it never falls behind."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.chassis.audit.cosigning import QuorumMissed
from services.chassis.audit.witness_client import NotCosigned, WitnessClient
from services.chassis.audit.witnesses import LOOK_SECONDS
from services.chassis.transparency.add_checkpoint import AddCheckpoint
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.notes import Note, signature_of
from services.chassis.transparency.tlog_proofs import TlogProof
from services.chassis.transparency.trust_policy import Distrusted
from tests.chassis.audit.auditing import Auditing
from tests.chassis.audit.witnessed import witnessed
from tests.chassis.audit.witnessing import away, key_of, no_witness, policy_of, silent, witness_of

in_memory = pytest.mark.parametrize("engine", ["memory"], indirect=True)


async def test_what_is_signed_is_cosigned_and_served_with_it(
    auditing: Auditing, vkey: str, servers: ExitStack, tmp_path: Path
) -> None:
    """At once without, soon with; what has the quorum is there all the time, in the next process too."""
    witness = servers.enter_context(witness_of("w1", tmp_path, vkey))
    policy = policy_of("all", witness)
    async with witnessed(auditing, policy) as process:
        for count in (1, 255, 1, 43):
            before = await process.trusted()
            await process.grow(*range(count))
            assert len((await process.newest()).signatures) == 1
            assert await process.trusted() == before
            await process.cosigning.round()
            note = await process.newest()
            assert {*policy.cosigned(note)} == {"w1"}
            assert await process.trusted() == Checkpoint.read(note.text).size
        proven = await process.reader.proof("counter-a-3")
        assert proven is not None
        assert {*policy.cosigned(TlogProof.read(proven.proof.content).checkpoint)} == {"w1"}
    async with witnessed(auditing, policy) as process:
        assert await process.trusted() == 300
        await process.grow(1)
        await process.cosigning.round()
        assert await process.trusted() == 301


async def test_of_three_witnesses_two_are_enough(
    auditing: Auditing, vkey: str, servers: ExitStack, tmp_path: Path
) -> None:
    """One is away, and holds up nothing; with two away the newest checkpoint has one cosignature, and no quorum."""
    first, second = (servers.enter_context(witness_of(name, tmp_path, vkey)) for name in ("w1", "w2"))
    async with witnessed(auditing, policy_of("2", first, second, away("w3"))) as process:
        await process.grow(1)
        await process.cosigning.round()
        assert await process.trusted() == 1
        assert process.witnesses.all[2].failing == "ConnectError"
    async with witnessed(auditing, policy_of("2", first, away("w2"), away("w3"))) as process:
        await process.grow(1)
        with pytest.raises(QuorumMissed):
            await process.cosigning.round()
        note = await process.newest()
        assert [signature.name for signature in note.signatures[1:]] == ["witness.example/w1"]
        with pytest.raises(Distrusted, match="missed"):
            process.witnesses.policy.cosigned(note)
        assert await process.trusted() == 1
    # What had the quorum of the other policy is still there, although no further one has.
    async with witnessed(auditing, policy_of("2", first, second, away("w3"))) as process:
        assert await process.trusted() == 1


async def test_what_is_kept_does_not_grow(auditing: Auditing, vkey: str, servers: ExitStack, tmp_path: Path) -> None:
    """The newest that has the quorum, and the newest of all."""
    first = servers.enter_context(witness_of("w1", tmp_path, vkey))
    with witness_of("w2", tmp_path, vkey) as second:
        policy = policy_of("all", first, second)
        async with witnessed(auditing, policy) as process:
            for _ in range(3):
                await process.grow(1)
                await process.cosigning.round()
    async with witnessed(auditing, policy) as process:
        for _ in range(3):
            await process.grow(1)
            with pytest.raises(QuorumMissed):
                await process.cosigning.round()
        assert await process.trusted() == 3
    kept = [Checkpoint.read(Note.read(note).text).size for note in await auditing.store.cosigned()]
    assert kept == [6, 3]


@in_memory
async def test_a_witness_that_is_ahead_of_what_is_thought_names_its_size(
    auditing: Auditing, vkey: str, servers: ExitStack, tmp_path: Path
) -> None:
    """Another process led meanwhile: the proof begins where the witness stands, at the same size too."""
    witness = servers.enter_context(witness_of("w1", tmp_path, vkey, shows=False))
    policy = policy_of("all", witness)
    async with witnessed(auditing, policy) as leader, witnessed(auditing, policy) as stopped:
        await leader.grow(1, 2, 3)
        await leader.cosigning.round()
        await stopped.grow()
        await leader.grow(4)
        await leader.grow(5)
        await leader.cosigning.round()
        assert await leader.trusted() == 5
        await stopped.grow(6)
        await stopped.grow()
        await stopped.cosigning.round()
        assert await stopped.trusted() == 6


@in_memory
async def test_a_witness_that_never_answers_holds_up_neither_appends_nor_signing(
    auditing: Auditing, vkey: str, servers: ExitStack, tmp_path: Path
) -> None:
    """The first signature of a process waits two seconds for it, and no later one; the others have cosigned."""
    quick = servers.enter_context(witness_of("w1", tmp_path, vkey))
    slow = servers.enter_context(silent("w2"))
    async with witnessed(auditing, policy_of("any", quick, slow), answer_seconds=0.5) as process:
        began = time.monotonic()
        await process.grow(1)
        assert time.monotonic() - began < LOOK_SECONDS + 1
        began = time.monotonic()
        await process.grow(2)
        assert time.monotonic() - began < 0.3
        await process.cosigning.round()
        assert await process.trusted() == 2
        assert process.witnesses.all[1].failing is not None


@in_memory
async def test_a_cosignature_that_could_not_be_kept_is_got_once_more(
    auditing: Auditing, vkey: str, servers: ExitStack, tmp_path: Path
) -> None:
    """Though nothing further is signed: the witness has cosigned this very checkpoint, and nobody can show it."""
    witness = servers.enter_context(witness_of("w1", tmp_path, vkey))
    async with witnessed(auditing, policy_of("all", witness)) as process:
        await process.grow(1)
        await process.cosigning.round()
        await auditing.store.keep_cosigned(1, 1, (await auditing.standing()).note, [])
        assert await process.trusted() is None
        await process.cosigning.round()
        assert await process.trusted() == 1


@in_memory
async def test_a_leader_that_was_stopped_puts_nothing_older_in_place_of_what_another_has_kept(
    auditing: Auditing, vkey: str, servers: ExitStack, tmp_path: Path
) -> None:
    """It had just asked the witness."""
    witness = servers.enter_context(witness_of("w1", tmp_path, vkey))
    async with witnessed(auditing, policy_of("all", witness)) as process:
        await process.grow(1)
        await process.cosigning.round()
        before, note = await auditing.standing(), await process.newest()
        await process.grow(2, 3)
        await process.cosigning.round()
        await process.cosigning._keep(before, Note(note.text, note.signatures[:1]), [note.signatures[1]])
        assert await process.trusted() == 3


def lengthened(text: str, name: str) -> str:
    """An answer that makes a text longer that is put before it, and a right cosignature of that."""
    return f"more\n\n{signature_of(text + chr(10) + 'more' + chr(10), key_of(name), 1).line}"


LIES: Final = (
    *("nothing", "garbage", "endless", "another key", "another text", "longer text", "packed", "no size", "302", "500"),
)


@in_memory
@pytest.mark.parametrize("lie", LIES)
async def test_what_a_witness_answers_is_not_believed(
    auditing: Auditing, vkey: str, servers: ExitStack, lie: str
) -> None:
    """Neither kept nor served; the log is signed as before."""
    del vkey

    async def answers(request: Request) -> Response:
        if request.method == "GET":
            return Response(status_code=404)
        text = AddCheckpoint.read(await request.body()).note.text
        other = Checkpoint("other", 1, bytes(32)).text
        return {
            "nothing": Response(b""),
            "garbage": Response(b"\xff\x00"),
            "endless": Response(bytes(300_000)),
            "another key": Response(signature_of(text, key_of("another"), 1).line),
            "another text": Response(signature_of(other, key_of("w1"), 1).line),
            "longer text": Response(lengthened(text, "w1")),
            "packed": Response(
                gzip.compress(signature_of(text, key_of("w1"), 1).line.encode()), headers={"Content-Encoding": "gzip"}
            ),
            "302": Response(status_code=302, headers={"Location": "/elsewhere"}),
            "no size": Response(b"-1", 409),
            "500": Response(b"", 500),
        }[lie]

    liar = servers.enter_context(no_witness("w1", answers))
    async with witnessed(auditing, policy_of("all", liar)) as process:
        await process.grow(1)
        with pytest.raises(QuorumMissed):
            await process.cosigning.round()
        assert len((await process.newest()).signatures) == 1
        assert await auditing.store.cosigned() == []
        assert process.witnesses.all[0].failing is not None
        await process.grow(2)
        assert (await auditing.signed()).size == 2


@in_memory
async def test_a_witness_that_spoils_its_cosignature_spoils_those_of_no_others(
    auditing: Auditing, vkey: str, servers: ExitStack, tmp_path: Path
) -> None:
    """Below the checkpoint a wrong one would have everybody refuse it, though enough others have cosigned."""

    async def answers(request: Request) -> Response:
        if request.method == "GET":
            return Response(status_code=404)
        return Response(lengthened(AddCheckpoint.read(await request.body()).note.text, "w2"))

    right = servers.enter_context(witness_of("w1", tmp_path, vkey))
    spoiler = servers.enter_context(no_witness("w2", answers))
    async with witnessed(auditing, policy_of("1", right, spoiler)) as process:
        await process.grow(1)
        await process.cosigning.round()
        assert await process.trusted() == 1


async def test_an_answer_that_comes_byte_by_byte_is_given_up(servers: ExitStack) -> None:
    """Each byte comes in time, and all of them would take a minute."""

    async def drips() -> AsyncIterator[bytes]:
        for _ in range(600):
            yield b"x"
            await asyncio.sleep(0.1)

    async def answers(_: Request) -> Response:
        return StreamingResponse(drips())

    slow = servers.enter_context(no_witness("w1", answers))
    client = WitnessClient(slow.key.verifier, slow.url, 0.4)
    began = time.monotonic()
    with pytest.raises(NotCosigned, match="TimeoutError"):
        await client.newest("audit.example/caserelay/counters")
    assert time.monotonic() - began < 3
    await client.close()


async def test_cosigned_checkpoints_are_kept_by_epoch_and_size(auditing: Auditing) -> None:
    """The largest first; others only if they are to stay; one of the same size takes its place."""
    await auditing.builder().grow()
    store = auditing.store
    await store.keep_cosigned(1, 3, b"three", [])
    await store.keep_cosigned(1, 5, b"five", [3])
    assert await store.cosigned() == [b"five", b"three"]
    await store.keep_cosigned(1, 5, b"five again", [3])
    assert await store.cosigned() == [b"five again", b"three"]
    await store.keep_cosigned(1, 8, b"eight", [3])
    assert await store.cosigned() == [b"eight", b"three"]
    await store.keep_cosigned(2, 1, b"of another epoch", [])
    assert await store.cosigned() == [b"eight", b"three"]
    await store.keep_cosigned(1, 9, b"nine", [])
    assert await store.cosigned() == [b"nine"]


@in_memory
async def test_without_witnesses_what_was_signed_last_is_what_is_trusted(auditing: Auditing) -> None:
    """Nobody is asked for a quorum."""
    assert await auditing.reader.trusted() is None
    await auditing.builder().grow()
    assert await auditing.reader.trusted() == (await auditing.standing()).note
