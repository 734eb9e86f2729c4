"""Another process that records, builds and signs as fast as it can: `python -m tests.chassis.audit.building …`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import subprocess
import sys
import uuid
from pathlib import Path

from services.chassis.audit.beginning import new_key
from services.chassis.audit.refusals import RefusesToSign
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.stores import Stores
from tests.chassis.audit.auditing import ORIGIN, Auditing
from tests.chassis.conftest import address_in
from tests.chassis.counters import TYPES

ROOT = Path(__file__).parents[3]
KEY_EVERY = 20
"""Rounds after which another key signs."""


def start(engine: str, directory: Path) -> subprocess.Popen[str]:
    """Starts it; after each round it says the checkpoint that it finds, in base64."""
    command = [sys.executable, "-m", __name__, engine, str(directory)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def opened(engine: str, directory: Path) -> Auditing:
    """The logs of counters in a directory, with what was signed last beside them."""
    stores = Stores(directory, address_in(directory) if engine == "postgres" else None)
    log, store = stores.event_log("counters", TYPES), stores.audit("counters")
    return Auditing(log, store, RememberedCheckpoint(directory / "state", "counters"))


async def build(engine: str, directory: str) -> None:
    """Goes on until it is killed."""
    auditing = opened(engine, Path(directory))
    builder, own = auditing.builder(), f"counter-{uuid.uuid4()}"
    for number in range(1_000_000):
        await auditing.count(own, *range(number % 7 + 1))
        # Another one that builds at the same moment may have remembered what it has not stored yet.
        with contextlib.suppress(RefusesToSign):
            await builder.grow()
        if number % KEY_EVERY == KEY_EVERY - 1:
            await auditing.store.add_key(new_key(f"{ORIGIN}/counters"))
        if (standing := await auditing.store.standing()) is not None and standing.note:
            sys.stdout.write(f"{base64.b64encode(standing.note).decode()}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(build(*sys.argv[1:]))
