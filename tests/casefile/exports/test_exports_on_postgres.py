"""Exports where the log is in PostgreSQL: the shell writes what the API answers, of a case and of all of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.casefile.exports.formats import FORMATS
from services.casefile.exports.replayed import Wanted, export_all, export_case
from services.casefile.exports.tables import TABLES
from services.chassis.settings import Settings
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.people import AUDITOR
from tests.support.running import running


@pytest.mark.slow
async def test_the_shell_writes_what_the_api_answers(tmp_path: Path, database_url: str) -> None:
    """Byte by byte, in every format; and all cases are in one file."""
    address, timeline = SecretStr(database_url), TABLES["timeline"]
    settings = Settings(data=tmp_path / "data", database_url=address)
    async with running(tmp_path / "data", SERVICES, database_url=address) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        await context.referred()
        case = await context.brought_to("MENTORING")
        answers = {kind: (await services.get(AUDITOR, f"{case.path}/export", format=kind)).content for kind in FORMATS}
    for kind, answer in answers.items():
        file = tmp_path / f"case.{kind}"
        await export_case(settings, case.id, Wanted(FORMATS[kind], timeline), None, file)
        assert await asyncio.to_thread(file.read_bytes) == answer, kind
    both = tmp_path / "all.ndjson"
    written = await export_all(settings, Wanted(FORMATS["ndjson"], timeline), both, lambda _: None)
    lines = (await asyncio.to_thread(both.read_text)).splitlines()
    assert written.cases == len({json.loads(line)["case"] for line in lines}) == 2
    assert [line.encode() for line in lines if json.loads(line)["case"] == case.id] == answers["ndjson"].splitlines()
