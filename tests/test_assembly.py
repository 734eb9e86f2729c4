"""What all services of one process share."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.assembly import SERVICES, assemble
from services.chassis.access.identity import Verifier
from services.chassis.http.request.strict_route import StrictRoute
from services.chassis.memory_stores import MemoryStores
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


def loaded_by(program: str) -> set[str]:
    """The modules that a program has loaded, which it prints."""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(said.stdout.split())


@pytest.mark.slow
def test_a_process_loads_the_services_that_it_serves_and_no_other() -> None:
    """The others would cost each replica a third of its start, and memory for as long as it runs."""
    loaded = loaded_by("import sys, services.serve, services.assembly; print(*sys.modules)")
    assert {f"services.{name}.app" for name in SERVICES}.isdisjoint(loaded)


@pytest.mark.slow
def test_a_worker_finds_loaded_what_it_works_with() -> None:
    """It forks after that: else both processes load it, one after the other, and it is in memory twice."""
    loaded = loaded_by(f"""
import sys
from services.chassis.settings import Settings
from services.serve import worker_beside

def work(on, *, forked):
    print(*sys.modules, flush=True)
    return 0

settings = Settings(processes="2", database_url="postgresql://nobody@127.0.0.1:1/none", kafka_servers="127.0.0.1:1")
with worker_beside({list(SERVICES)}, settings, log_level="INFO", work=work):
    pass
""")
    drivers = {"services.chassis.postgres_stores", "services.chassis.delivery.kafka.bus"}
    assert {f"services.{name}.app" for name in SERVICES} | drivers <= loaded


@pytest.mark.slow
def test_services_and_commands_load_nothing_before_it_is_asked_for() -> None:
    """Libraries of exports take up to 150 MB, and an installation may lack them; drivers of others' engines 20 MB."""
    exports = {"pyarrow", "reportlab", "xlsxwriter", "pymupdf_fonts", "PIL"}
    engines = {"psycopg", "psycopg_pool", "yoyo", "kafka"}
    loaded = loaded_by(f"""
import sys
import services.cli, services.sandbox.run
from services.assembly import load
from services.chassis.settings import Settings

load({list(SERVICES)}, Settings())
from services.casefile.exports import replayed
print(*sys.modules)
""")
    assert (exports | engines).isdisjoint(loaded)


@pytest.mark.slow
def test_no_model_of_an_answer_is_built_before_it_is_asked_for() -> None:
    """Answers are written without: for a document, or for what reads an answer, it is early enough then."""
    built = loaded_by(f"""
from contracts.answers import Contract
from services.assembly import assemble
from services.chassis.access.identity import Verifier
from services.chassis.http.routing import prepare
from services.chassis.memory_stores import MemoryStores
from services.chassis.settings import Settings
from services.chassis.time.clock import SystemClock

def every(kind):
    return [kind, *(below for sub in kind.__subclasses__() for below in every(sub))]

for app in assemble({list(SERVICES)}, Settings(), SystemClock(), Verifier(None, "a"), MemoryStores()).apps.values():
    prepare(app)
answers = every(Contract)
assert len(answers) > 100
print(*(kind.__name__ for kind in answers if kind.__pydantic_complete__))
""")
    assert built == set()


async def test_only_what_listens_analyses_its_routes(tmp_path: Path) -> None:
    """A worker answers nobody: in it that would be half a second of its start, and memory for as long as it runs."""
    for answers in (False, True):
        settings, stores = Settings(data=tmp_path), MemoryStores()
        verifier = Verifier(DevelopmentIssuer(tmp_path / "issuer"), settings.audience)
        assembly = assemble(list(SERVICES), settings, SystemClock(), verifier, stores)
        await assembly.start(answers=answers)
        routes = [route for app in assembly.apps.values() for route in app.routes if isinstance(route, StrictRoute)]
        analysed = ["dependant" in vars(route) for route in routes]
        await assembly.stop()
        # Those that describe their body themselves are, to know which have a limit.
        assert all(analysed) if answers else sum(analysed) < len(routes) / 10
