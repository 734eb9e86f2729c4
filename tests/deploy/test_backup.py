"""docs/operating.md, Backup and Restore: their commands, pasted, bring the system back as it was."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from kafka import KafkaConsumer
from psycopg.conninfo import conninfo_to_dict

from services.chassis.engines.migrations import migrate
from services.origin import PATHS
from tests.docs.pages import ROOT
from tests.faults.caller import Caller, Token
from tests.faults.conftest import issuer
from tests.faults.issuer import LoopbackIssuer
from tests.faults.processes import PROGRAM, Program
from tests.support import postgres
from tests.support.people import AUDITOR, INES, LOTTE
from tests.support.requests import another_person, samira
from tests.support.timelines import without_tellings

__all__ = ["issuer"]

PAGE: Final = ROOT / "docs" / "operating.md"
SERVICES: Final = ("referral", "casefile", "notifications")
DELETE_TOPICS: Final = f"""#!{sys.executable} -Wignore
import sys
from kafka import KafkaAdminClient
said = dict(zip(sys.argv[1:], sys.argv[2:]))
assert "--delete" in said
KafkaAdminClient(bootstrap_servers=said["--bootstrap-server"].split(",")).delete_topics([said["--topic"]])
"""
"""What `kafka-topics.sh --delete` does, where only the broker is there and not its command line."""


def _commands(heading: str) -> list[str]:
    """The blocks of shell commands under a heading of the page."""
    (section,) = re.findall(
        rf"^## {heading}\n(.*?)(?=^## )", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


BACK_UP, BACK_UP_FILES = _commands("Backup")
RESTORE, NEW_TOPICS, NEW_FILE, RESTORE_FILES = _commands("Restore")


class Operator:
    """An operator with the page open beside a shell."""

    def __init__(self, directory: Path, **environment: str) -> None:
        tools = directory / "tools"
        tools.mkdir()
        (tools / "kafka-topics.sh").write_text(DELETE_TOPICS, encoding="utf-8")
        (tools / "kafka-topics.sh").chmod(0o700)
        programs = postgres.installed() or postgres.carried()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CASERELAY_", "PG"))}
        path = os.pathsep.join([str(tools), str(programs), str(PROGRAM.parent), os.environ["PATH"]])
        self._environment = {**kept, "PATH": path, "BACKUP": str(directory / "backup"), **environment}

    async def pastes(self, commands: str) -> None:
        """All of them have to succeed."""
        done = await asyncio.to_thread(
            subprocess.run,
            ["/bin/bash", "-euo", "pipefail", "-c", commands],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr


class People(Caller):
    """People in front of a gateway, with three services behind it."""

    def __init__(self, programs: Mapping[str, Program], token: Token) -> None:
        super().__init__(programs["referral"].url, token)
        self._programs = programs

    async def send(self, person: Any, method: str, path: str, *arguments: Any, **asked: Any) -> httpx.Response:
        """See Caller."""
        service = PATHS[path.split("/")[2].partition("?")[0]]
        return await super().send(person, method, self._programs[service].url + path, *arguments, **asked)

    async def settled(self, within: float = 60.0) -> dict[str, Any]:
        """Returns once nobody has anything left to do."""
        until, quiet, said = time.monotonic() + within, 0, dict[str, Any]()
        while quiet < 3:
            asked = [await self._http.get(f"{program.url}/readyz") for program in self._programs.values()]
            said = {name: one for answer in asked for name, one in answer.json()["services"].items()}
            # What is put aside is tried again: a case may be told of before its programme, over another partition.
            left = [n for one in said.values() for n in (*one["behind"].values(), *one["parked"].values())]
            quiet = 0 if any(left) else quiet + 1
            assert time.monotonic() < until, said
            await asyncio.sleep(0.2)
        return said

    async def refer(self, body: dict[str, Any], key: str) -> tuple[str, str]:
        """A referral that is received and accepted: its path and its case."""
        posted = (await self.done(INES, "/v1/referrals", body, key=key)).json()
        offer = f"/v1/referrals/{posted['id']}"
        await self.done(LOTTE, f"{offer}/receive", etag='"1"')
        await self.done(LOTTE, f"{offer}/accept", {"coordinator": LOTTE.sub}, etag='"2"')
        return offer, posted["case"]

    async def see(self, offer: str, case: str) -> list[Any]:
        """What they read of one case and in their lists."""
        paths = ["/v1/referrals", "/v1/cases", "/v1/worklist", offer, f"/v1/cases/{case}/responsibility"]
        timeline = await self.read(AUDITOR, f"/v1/cases/{case}/timeline")
        # Who was told of what may still be taken in between two reads, and the feed goes on behind that.
        events, _ = await self.feed(LOTTE)
        return [without_tellings(timeline), events, *[await self.read(LOTTE, path) for path in paths]]

    async def goes_on_behind(self, cursor: str, *, and_not_behind: str) -> None:
        """The feed goes on behind what the backup held; of what is lost it says so, however long it is by now."""
        await self.feed(LOTTE, cursor)
        for path in ("/v1/feed", "/v1/stream"):
            refused = await self.send(LOTTE, "GET", path, after=and_not_behind)
            assert (refused.status_code, refused.json()["code"]) == (422, "CURSOR_BEYOND_LOG")


@asynccontextmanager
async def _serving(
    directory: Path, identity: LoopbackIssuer, databases: Mapping[str, str], **settings: str
) -> AsyncIterator[People]:
    """A process for each service, over a database of its own."""
    programs = {
        name: Program("serve", name, data=directory / "data", issuer=identity.url, database_url=url, **settings)
        for name, url in databases.items()
    }
    try:
        await asyncio.gather(*(program.start() for program in programs.values()))
        async with People(programs, identity.token) as people:
            yield people
        await asyncio.gather(*(program.stop() for program in programs.values()))
    finally:
        for program in programs.values():
            program.kill()


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("bus", ["kafka", "file"])
async def test_what_was_backed_up_is_restored_and_goes_on(
    bus: str, postgres_server: postgres.Server, request: pytest.FixtureRequest, tmp_path: Path, issuer: LoopbackIssuer
) -> None:
    """The same answers, contact data too; what came after the backup is gone, and what is new is heard everywhere."""
    settings = {"data": str(tmp_path / "data")}
    if bus == "kafka":
        settings["kafka_servers"] = request.getfixturevalue("kafka_servers")
        settings["kafka_prefix"] = request.getfixturevalue("kafka_prefix")
    person = another_person()
    server = conninfo_to_dict(postgres_server.url)
    address = {"PGHOST": str(server["host"]), "PGPORT": str(server["port"]), "PGUSER": str(server["user"])}
    told = {f"CASERELAY_{name.upper()}": value for name, value in settings.items()}
    operator = Operator(tmp_path, **address, **told, SERVICES_PASSWORD="of no use here")

    def databases(prefix: str = "") -> dict[str, str]:
        return {name: f"postgresql://{name}@{server['host']}:{server['port']}/{prefix}{name}" for name in SERVICES}

    await operator.pastes(f"psql --dbname=postgres --file={ROOT}/deploy/compose/databases.sql")
    for name, url in databases().items():
        migrate(url, [name])
    if bus == "kafka":
        await operator.pastes("caserelay bus topics --organisation brugwerk")
    del settings["data"]

    async with _serving(tmp_path, issuer, databases(), **settings) as people:
        await people.set_the_scene()
        offer, case = await people.refer(samira(), "kept")
        await people.settled()
        before = await people.see(offer, case)
        _, known = await people.feed(LOTTE)
        await operator.pastes(BACK_UP)
        lost = await people.refer(person, "lost")
        await people.settled()
        _, beyond = await people.feed(LOTTE)

    await operator.pastes(RESTORE + (NEW_TOPICS if bus == "kafka" else NEW_FILE))

    async with _serving(tmp_path, issuer, databases("restored_"), **settings) as people:
        await people.settled()
        assert await people.see(offer, case) == before
        await people.goes_on_behind(known, and_not_behind=beyond)
        contact = await people.read(LOTTE, f"{offer}/contact")
        assert contact["contact"]["name"] == samira()["contact"]["name"]
        assert await people.refer(person, "lost") == lost
        await people.settled()
        await people.goes_on_behind(known, and_not_behind=beyond)
        feed, _ = await people.feed(LOTTE)
        heard = [one["type"] for one in feed if one["subject"] == lost[1]]
        assert "org.caserelay.case.responsibility_transferred.v1" in heard
        assert len(heard) == len(set(heard))
        if bus == "kafka":
            await asyncio.to_thread(_is_told_over_kafka, settings, [one["id"] for one in feed])


def _is_told_over_kafka(settings: Mapping[str, str], ids: list[str]) -> None:
    """What the organisation's topic ends with is the whole feed, in its order, from the beginning."""
    topic = f"{settings['kafka_prefix']}caserelay.organisation.brugwerk.v1"
    reader: Any = KafkaConsumer(
        topic, bootstrap_servers=settings["kafka_servers"].split(","), auto_offset_reset="earliest"
    )
    told: list[str] = []
    until = time.monotonic() + 30
    while told[-len(ids) :] != ids:
        assert time.monotonic() < until, told
        for records in reader.poll(timeout_ms=500).values():
            told += [dict(record.headers)["ce_id"].decode() for record in records]
    reader.close()
    assert len(told) > len(ids)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_of_two_backups_of_files_the_second_is_what_is_restored(tmp_path: Path, issuer: LoopbackIssuer) -> None:
    """Made while it ran, with what came between the two; what came after is gone, and may be sent again."""
    data, between = tmp_path / "data", another_person()
    operator = Operator(tmp_path, CASERELAY_DATA=str(data))
    everything = Program("serve", "all", data=data, issuer=issuer.url)
    try:
        async with People(dict.fromkeys(SERVICES, everything), issuer.token) as people:
            await everything.start()
            await people.set_the_scene()
            first = await people.refer(samira(), "before-the-first")
            await operator.pastes(BACK_UP_FILES)
            second = await people.refer(between, "between-the-two")
            await people.settled()
            before = [await people.see(*first), await people.see(*second)]
            _, known = await people.feed(LOTTE)
            # Each is called after its second.
            await asyncio.sleep(1)
            await operator.pastes(BACK_UP_FILES)
            person = another_person()
            lost = await people.refer(person, "lost")
            await people.settled()
            _, beyond = await people.feed(LOTTE)
            await everything.stop()
            _, newest = sorted((tmp_path / "backup").iterdir())
            await operator.pastes(f"ARCHIVE={newest}\n{RESTORE_FILES}")
            await everything.start()
            await people.settled()
            assert [await people.see(*first), await people.see(*second)] == before
            await people.goes_on_behind(known, and_not_behind=beyond)
            contact = await people.read(LOTTE, f"{second[0]}/contact")
            assert contact["contact"]["name"] == between["contact"]["name"]
            assert await people.refer(person, "lost") == lost
            await people.refer(another_person(), "more")
            await people.settled()
            await people.goes_on_behind(known, and_not_behind=beyond)
    finally:
        everything.kill()
