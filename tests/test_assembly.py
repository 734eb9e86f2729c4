"""What all services of one process share."""

from __future__ import annotations

import threading
from pathlib import Path

from services.assembly import SERVICES, assemble
from services.chassis.access.identity import Verifier
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.time.clock import SystemClock
from services.sandbox.development_issuer import DevelopmentIssuer


async def test_one_thread_moves_the_pages_of_all_files_while_the_process_runs(tmp_path: Path) -> None:
    """Of logs, indexes and the bus; vaults truncate their own logs, and in the rest little is written."""

    def at_work() -> bool:
        return any(thread.name == "sqlite checkpoints" for thread in threading.enumerate())

    settings, stores = Settings(data=tmp_path), Stores(tmp_path)
    verifier = Verifier(DevelopmentIssuer(tmp_path / "issuer"), settings.audience)
    assembly = assemble(list(SERVICES), settings, SystemClock(), verifier, stores)
    followed = {path.name for path in stores.checkpointed}
    shared = {"bus.db", "casefile-reports.db"}
    assert followed == {f"{name}-{kind}.db" for name in SERVICES for kind in ("log", "index")} | shared
    assert not at_work()
    await assembly.start()
    assert at_work()
    await assembly.stop()
    assert not at_work()
