"""What all services of one process share."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

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
    shared = {"bus.db", "casefile-reports.db", "access-log.db", "access-index.db"}
    assert followed == {f"{name}-{kind}.db" for name in SERVICES for kind in ("log", "index")} | shared
    assert not at_work()
    await assembly.start()
    assert at_work()
    await assembly.stop()
    assert not at_work()


@pytest.mark.slow
def test_a_process_loads_the_services_that_it_serves_and_no_other() -> None:
    """The others would cost each replica a third of its start, and memory for as long as it runs."""
    said = subprocess.run(
        [sys.executable, "-c", "import sys, services.serve, services.assembly; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {f"services.{name}.app" for name in SERVICES}.isdisjoint(said.stdout.split())


@pytest.mark.slow
def test_services_and_commands_load_no_library_of_an_export_before_one_is_asked_for() -> None:
    """They take up to 150 MB and half a second, and an installation may lack them."""
    loads = "import sys, services.cli, services.serve, services.sandbox.run; from services.casefile import app"
    said = subprocess.run(
        [sys.executable, "-c", f"{loads}; from services.casefile.exports import replayed; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"pyarrow", "reportlab", "xlsxwriter", "pymupdf_fonts", "PIL"}.isdisjoint(said.stdout.split())
