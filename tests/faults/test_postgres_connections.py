"""How many connections to PostgreSQL processes open: what the page says is what the code may, and no run has more."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import httpx
import psycopg
import pytest
import yaml

from services.chassis.index import postgres as index
from services.chassis.log import postgres as log
from services.cli import SERVICE_NAMES
from tests.docs.pages import ROOT
from tests.faults.conftest import Start
from tests.faults.issuer import LoopbackIssuer
from tests.support.people import INES, LOTTE

PAGE: Final = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
STATED: Final = {name: int(count) for name, count in re.findall(r"^\| `serve (\w+)` \| (\d+) \|$", PAGE, re.MULTILINE)}
ONE_EACH: Final = ("log writer", "log listener", "index writer", "vault", "snapshots", "places of consumers", "lease")
TRANSPARENCY_LOG: Final = 2
ACCESS: Final = ("log listener", "index writer", "vault")
"""What the service that serves the log of who read what has for that, beside readers and a transparency log."""
OPEN: Final = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
CALLERS: Final = 48
PATHS: Final = ("/v1/cases", "/v1/referrals", "/v1/feed", "/v1/worklist", "/v1/subscriptions")


def test_the_page_counts_as_the_code_does() -> None:
    """Each service, all together, and what follows for replicas."""
    of_any = len(ONE_EACH) + log.READERS + index.READERS + TRANSPARENCY_LOG + len(("writer of who read what",))
    counted = dict.fromkeys(SERVICE_NAMES, of_any)
    counted["notifications"] += 1
    counted["casefile"] += len(ACCESS) + log.READERS + index.READERS + TRANSPARENCY_LOG
    assert {**counted, "all": sum(counted.values())} == STATED
    replica = 2 * STATED["all"]
    assert f"least {replica} for each replica" in " ".join(PAGE.split())
    stated = re.search(r"(\d+)\s+for one replica, (\d+) for two, (\d+) for three", PAGE)
    assert stated is not None
    assert [int(count) for count in stated.groups()] == [n * replica + 20 for n in (1, 2, 3)]


def test_the_database_of_compose_has_room_for_its_replicas() -> None:
    """Two of each service, and what else there is."""
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    (most,) = re.findall(r"max_connections=(\d+)", " ".join(compose["services"]["postgres"]["command"]))
    assert int(most) == 2 * 2 * STATED["all"] + 20


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.xdist_group("fault")
async def test_no_process_opens_more_than_the_page_says(
    program: Start, issuer: LoopbackIssuer, database_url: str
) -> None:
    """Many at once read and write everything; two processes, and a good part of the connections that there may be."""
    settings = {"database_url": database_url, "processes": "2"}
    await program("migrate", **settings).ends()
    server = program("serve", "all", **settings)
    await server.start()
    most = 0
    async with (
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as looking,
        httpx.AsyncClient(base_url=server.url, timeout=30) as http,
    ):

        async def call(number: int) -> None:
            for turn in range(12):
                person = (INES, LOTTE)[number % 2]
                headers = {"Authorization": f"Bearer {issuer.token(person)}"}
                await http.get(PATHS[(number + turn) % len(PATHS)], headers=headers)

        calls = [asyncio.create_task(call(number)) for number in range(CALLERS)]
        while not all(done.done() for done in calls):
            row = await (await looking.execute(OPEN)).fetchone()
            most = max(most, int(row[0]) if row is not None else 0)
            await asyncio.sleep(0.02)
        await asyncio.gather(*calls)
    await server.stop()
    assert STATED["all"] / 2 <= most <= 2 * STATED["all"], most
