"""The log of who read what on files and on PostgreSQL: it outlasts a restart, and is signed and verified there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.audited import ACCESS
from services.audit_administration import newest_checkpoint, verify_all
from services.chassis.settings import Settings
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.notes import Note
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.people import AUDITOR, DPO_OF_AGENCY
from tests.support.running import running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def nobody(_: str) -> None:
    """Hears of progress."""


async def story(directory: Path, **settings: Any) -> None:
    """A case is read, all is stopped, and started again; then the database is held against what was signed."""
    async with running(directory, SERVICES, **settings) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        case = await context.referred()
        for path in (case.path, case.offer):
            sent = await services.send(AUDITOR, "GET", path, headers={"Caserelay-Purpose": "AUDIT-2026-17"})
            assert sent.status_code == 200
        first = (await services.read(DPO_OF_AGENCY, f"{case.path}/accesses"))["items"]
    async with running(directory, SERVICES, **settings) as services:
        items = (await services.read(DPO_OF_AGENCY, f"{case.path}/accesses"))["items"]
        assert items[:2] == first
        assert [(item["by"]["sub"], item["purpose"]) for item in items] == [
            (AUDITOR.sub, "AUDIT-2026-17"),
            (AUDITOR.sub, "AUDIT-2026-17"),
            (DPO_OF_AGENCY.sub, None),
        ]
        served = await services.get(AUDITOR, "/v1/audit/access/checkpoint")
        assert Checkpoint.read(Note.read(served.content).text).size == 4
    known = Settings(data=directory, **settings)
    verified = await verify_all(known, [ACCESS], nobody)
    assert (verified.checked, verified.mismatches) == ({ACCESS: 4}, [])
    assert (await newest_checkpoint(known, ACCESS)).encode() == served.content


async def test_on_files_readings_outlast_a_restart(tmp_path: Path) -> None:
    """In files of their own beside those of the services."""
    await story(tmp_path)
    assert all((tmp_path / f"access-{store}.db").exists() for store in ("log", "audit", "vault"))


async def test_on_postgres_readings_outlast_a_restart(tmp_path: Path, database_url: str) -> None:
    """In schemas of their own."""
    await story(tmp_path, database_url=database_url)
