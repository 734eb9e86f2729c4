"""Nothing is signed that contradicts what a witness holds, whatever became of the database."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.chassis.audit.builder import LogBuilder
from services.chassis.audit.cosigning import QuorumMissed
from services.chassis.audit.refusals import Contradicted, RolledBack
from services.chassis.audit.witnesses import Witnesses
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.notes import Note
from tests.chassis.audit.auditing import EPOCH, ORIGIN, Auditing
from tests.chassis.audit.witnessed import other_history, witnessed
from tests.chassis.audit.witnessing import Served, away, no_witness, policy_of, witness_of

in_memory = pytest.mark.parametrize("engine", ["memory"], indirect=True)


@in_memory
@pytest.mark.parametrize("shows", [True, False])
@pytest.mark.parametrize("steps", [(), (1,), (1, 2)])
async def test_a_log_that_was_put_back_is_not_signed_again(
    auditing: Auditing, vkey: str, tmp_path: Path, servers: ExitStack, steps: tuple[int, ...], *, shows: bool
) -> None:
    """Nothing but the witness remembers it; it may show the checkpoint, or say no more than its size."""
    witness = servers.enter_context(witness_of("w1", tmp_path, vkey, shows=shows))
    policy = policy_of("all", witness)
    async with witnessed(auditing, policy) as process:
        await process.grow(7, 8, 9)
        await process.cosigning.round()
    other = await other_history(auditing, *steps)
    # What was put back had been signed at its time.
    await LogBuilder(other.log, EPOCH, other.store, origin=ORIGIN).grow()
    before = await other.standing()
    async with witnessed(other, policy) as process:
        with pytest.raises(RolledBack):
            await process.builder.grow()
        assert (await other.standing()).note == before.note
        with pytest.raises(RolledBack):
            await process.cosigning.round()
        assert await process.trusted() is None
    assert size_held(witness) == 3


@in_memory
@pytest.mark.parametrize("shows", [True, False])
async def test_a_log_that_was_exchanged_is_not_signed_as_far_as_anybody_can_tell(
    auditing: Auditing, vkey: str, tmp_path: Path, servers: ExitStack, *, shows: bool
) -> None:
    """It is larger than what the witness holds. From a size alone nothing follows; but the witness does not cosign."""
    witness = servers.enter_context(witness_of("w1", tmp_path, vkey, shows=shows))
    policy = policy_of("all", witness)
    async with witnessed(auditing, policy) as process:
        await process.grow(7, 8, 9)
        await process.cosigning.round()
    other = await other_history(auditing, 1, 2, 3, 4, 5)
    async with witnessed(other, policy) as process:
        if shows:
            with pytest.raises(Contradicted):
                await process.builder.grow()
        else:
            await process.builder.grow()
            with pytest.raises(QuorumMissed):
                await process.cosigning.round()
        assert await process.trusted() is None
    assert size_held(witness) == 3


def size_held(witness: Served) -> int:
    """The size of what a witness cosigned last."""
    assert witness.cosigner is not None
    held = witness.cosigner.newest(f"{ORIGIN}/counters")
    assert held is not None
    return Checkpoint.read(held.text).size


@in_memory
async def test_a_witness_that_is_away_at_the_start_is_compared_with_later(
    auditing: Auditing, vkey: str, tmp_path: Path
) -> None:
    """Signing goes on meanwhile; once it answers, nothing more is signed."""
    with witness_of("w1", tmp_path, vkey) as witness:
        policy = policy_of("all", witness)
        async with witnessed(auditing, policy) as process:
            await process.grow(7, 8, 9)
            await process.cosigning.round()
    other = await other_history(auditing, 1)
    async with witnessed(other, policy_of("all", away("w1")), first_pause=0.0) as process:
        await process.builder.grow()
        assert (await other.signed()).size == 1
        with witness_of("w1", tmp_path, vkey) as witness:
            late = Witnesses(policy_of("all", witness))
            process.witnesses.all[0].client = late.all[0].client
            with pytest.raises(RolledBack):
                await process.cosigning.round()
            await other.count("counter-b", 2)
            with pytest.raises(RolledBack):
                await process.builder.grow()
            await late.close()


@in_memory
async def test_a_checkpoint_that_only_others_say_a_witness_holds_keeps_nobody_from_signing(
    auditing: Auditing, vkey: str, servers: ExitStack
) -> None:
    """Without its cosignature it is none of its own."""
    del vkey
    standing = await auditing.standing()

    async def answers(request: Request) -> Response:
        del request
        forged = Checkpoint(standing.origin, 1_000, bytes(32)).text
        return Response(Note(forged, ()).signed_by(SignerKey(standing.origin, bytes(32))).content)

    liar = servers.enter_context(no_witness("w1", answers))
    async with witnessed(auditing, policy_of("all", liar)) as process:
        await process.grow(1)
        assert (await auditing.signed()).size == 1
