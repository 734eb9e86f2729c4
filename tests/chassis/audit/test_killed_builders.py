"""Killed at any instant, stopped for a while, or two at once: the log never contradicts itself."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from services.chassis.audit.verifying import verify
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.keys import SignerKey
from services.chassis.transparency.merkle import nodes_of, root
from services.chassis.transparency.notes import Note
from services.chassis.transparency.tiles import from_tiles, tiles_for
from tests.chassis.audit.auditing import Auditing
from tests.chassis.audit.building import opened, start
from tests.chassis.conftest import needs_processes
from tests.support.repetitions import in_full, times

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(600)]


async def checkpoints_of(process: subprocess.Popen[str]) -> list[Checkpoint]:
    """What a process has said until its end."""
    out, _ = await asyncio.to_thread(process.communicate)
    # The last line may have been cut off.
    lines = out.split("\n")[:-1]
    return [Checkpoint.read(Note.read(base64.b64decode(line)).text) for line in lines]


async def assert_one_history(auditing: Auditing, signed: list[Checkpoint]) -> None:
    """The tree as it is now begins with every tree that was ever signed; and its rows are those that were signed."""
    assert auditing.remembered is not None
    if last := auditing.remembered.read():
        signed = [*signed, Checkpoint.read(Note.read(last).text)]
    await auditing.builder().grow()
    standing = await auditing.standing()
    note = Note.read(standing.note)
    note.verified([SignerKey.read(key).verifier for key in await auditing.store.keys()])
    by_size: dict[int, bytes] = {}
    for checkpoint in signed:
        assert by_size.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root
    for size, expected in by_size.items():
        nodes = nodes_of([(0, size)])
        tiles = await auditing.store.tiles(tiles_for(nodes))
        assert root(size, lambda wanted, tiles=tiles: from_tiles(wanted, tiles)) == expected, size  # type: ignore[misc]
    while standing.through < await auditing.log.head():
        await auditing.builder().grow()
        standing = await auditing.standing()
    result = await verify(auditing.log, auditing.store, auditing.remembered.read())
    assert result.ok, result.mismatches


@needs_processes
async def test_one_that_is_killed_again_and_again_signs_one_history(engine: str, tmp_path: Path) -> None:
    """Two hundred times in full, and in CI a tenth on both engines together.

    While it records, takes in, writes down, signs, and changes its key.
    """
    signed = list[Checkpoint]()
    for _ in range(in_full(200, short=10)):
        process = start(engine, tmp_path)
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        await asyncio.sleep(random.random() * 0.1)
        process.kill()
        signed += await checkpoints_of(process)
    auditing = opened(engine, tmp_path)
    await assert_one_history(auditing, signed)
    await auditing.store.close()
    await auditing.log.close()


@needs_processes
async def test_two_that_both_believe_they_lead_sign_one_history(engine: str, tmp_path: Path) -> None:
    """One is stopped at any instant, wakes up, and goes on as if nothing had been."""
    both = [start(engine, tmp_path) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
    heard = [asyncio.create_task(checkpoints_of(process)) for process in both]
    for turn in range(times(60)):
        stopped = both[turn % 2]
        os.kill(stopped.pid, signal.SIGSTOP)
        await asyncio.sleep(random.random() * 0.1)
        os.kill(stopped.pid, signal.SIGCONT)
        await asyncio.sleep(random.random() * 0.05)
    for process in both:
        process.kill()
    signed = [checkpoint for one in await asyncio.gather(*heard) for checkpoint in one]
    assert len({checkpoint.size for checkpoint in signed}) > 1
    auditing = opened(engine, tmp_path)
    await assert_one_history(auditing, signed)
    await auditing.store.close()
    await auditing.log.close()
