"""Other processes for the chassis' tests: `python -m tests.chassis.processes ROLE ARGUMENTS…`, from the repository."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

from services.chassis.delivery.bus import BusMessage
from services.chassis.engines.store_health import Unavailable
from services.chassis.log.event_log import Conflict, Write
from services.chassis.stores import Stores
from services.chassis.vault.sqlite import SQLiteVault
from tests.chassis.conftest import BUSES, LOGS, address_in
from tests.chassis.counters import Counted, metadata

ROOT = Path(__file__).parents[2]


def start(role: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts a role in a process of its own; it says `ready` on its standard output before it begins."""
    command = [sys.executable, "-m", __name__, role, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that a process says."""
    assert process.stdout is not None
    return (await asyncio.to_thread(process.stdout.readline)).strip()


def tell(process: subprocess.Popen[str], line: str = "go") -> None:
    """Gives a waiting process a line."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


async def end_of(process: subprocess.Popen[str]) -> None:
    """Waits for a process and asserts that it went well."""
    await asyncio.to_thread(process.communicate, timeout=30)
    assert process.returncode == 0


def say(line: str) -> None:
    """Writes a line to the parent of this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def hear() -> str:
    """Waits for a line from the parent of this process."""
    return sys.stdin.readline().strip()


async def write_log(store: str, directory: str, name: str, events: str) -> None:
    """Appends to streams of its own in transactions of random size, and fights for one that all writers share."""
    log = LOGS[store](Path(directory))
    chance, left, versions, shared = random.Random(name), int(events), {0: 0, 1: 0, 2: 0}, 0
    say("ready")
    hear()
    while left > 0:
        size = min(left, chance.randint(1, 20))
        own = chance.randrange(3)
        payload = [(Counted(by=1), metadata(f"{name}-{left}-{n}")) for n in range(size)]
        writes = [Write(f"{name}-{own}", versions[own], payload)]
        if chance.random() < 0.3:
            writes.append(Write("shared", shared, [(Counted(by=1), metadata(f"{name}-{left}-shared"))]))
        try:
            await log.append(writes)
        except Conflict:
            shared = len(await log.read("shared"))
            continue
        versions[own] += size
        shared += len(writes) - 1
        left -= size
    await log.close()


async def publish(kind: str, directory: str, topic: str) -> None:
    """Publishes a second message when told, and says at what time of the machine's clock it was stored."""
    bus = BUSES[kind](Path(directory))
    say("ready")
    hear()
    await bus.resume(topic)
    await bus.publish(topic, [BusMessage(2, "key", "id-2", b"{}")], 2)
    say(str(time.time()))
    await bus.close()


async def hold_lease(engine: str, directory: str) -> None:
    """Takes the lease for an hour, and hangs."""
    stores = Stores(Path(directory), address_in(Path(directory)) if engine == "postgres" else None)
    lease = stores.lease("counters")
    assert await lease.claim("elsewhere", 3600)
    say("ready")
    await asyncio.Event().wait()


async def hold_shares(engine: str, directory: str) -> None:
    """Takes all parts of the counters' work for an hour, and hangs."""
    stores = Stores(Path(directory), address_in(Path(directory)) if engine == "postgres" else None)
    shares = stores.shares("counters")
    assert (await shares.claim("elsewhere", 8, 3600)).mine
    say("ready")
    await asyncio.Event().wait()


async def fill_the_disk(directory: str) -> None:
    """Appends when no file may grow, and again when they may."""
    log = LOGS["sqlite"](Path(directory))
    await log.append([Write("before", 0, [(Counted(by=1), metadata())])])
    say("ready")
    hear()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(entry.stat().st_size for entry in os.scandir(directory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    for n in range(3):
        try:
            await log.append([Write(f"full-{n}", 0, [(Counted(by=1, note="x" * 200_000), metadata())])])
        except Unavailable as failure:
            say(type(failure).__name__)
        else:
            say("stored")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await log.append([Write("after", 0, [(Counted(by=1), metadata())])])
    say("stored")
    await log.close()


async def open_vault(path: str) -> None:
    """Keeps a read transaction of the vault open until told to end."""
    vault = SQLiteVault(Path(path))
    vault._db.execute("BEGIN")
    vault._db.execute("SELECT COUNT(*) FROM records").fetchone()
    say("ready")
    hear()
    vault._db.execute("ROLLBACK")
    await vault.close()


ROLES = {role.__name__: role for role in (write_log, publish, hold_lease, hold_shares, fill_the_disk, open_vault)}

if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(ROLES[sys.argv[1]](*sys.argv[2:]))
