"""Services that run hold their logs against what was signed by themselves, and say what they find."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.casefile.cases import SERVICES, CaseContext
from tests.support.people import AUDITOR
from tests.support.running import Running, running

pytestmark = [pytest.mark.slow, pytest.mark.on_files]
OFTEN = 0.05
"""Seconds between two verifications."""


async def until(
    services: Running, service: str, holds: Callable[[dict[str, Any]], bool], of: str | None = None
) -> dict[str, Any]:
    """What `/readyz` says of a service's own log, or of another that it signs, once that holds; it stays ready."""
    async with asyncio.timeout(60):
        while True:
            answer = await services.get(None, "/readyz")
            assert (answer.status_code, answer.json()["ready"]) == (200, True)
            verified: dict[str, Any] = answer.json()["services"][service]["verified"].get(of or service, {})
            if verified and holds(verified):
                return verified
            await asyncio.sleep(0.02)


def exchanged(data: Path, log: str, state: bytes | None = None) -> bytes:
    """Puts other bytes in the place of the second event of a log, beside the services that use it; those before."""
    with closing(sqlite3.connect(data / f"{log}-log.db", timeout=30)) as db, db:
        before: bytes
        (before,) = db.execute("SELECT state FROM stored_events WHERE position = 2").fetchone()
        db.execute("UPDATE stored_events SET state = ? WHERE position = 2", (state or before + b" ",))
    return before


async def test_services_verify_their_logs_and_go_on_when_one_was_tampered_with(tmp_path: Path) -> None:
    """Each names its own log; what was tampered with is told after a restart too, until somebody puts it back."""
    async with running(tmp_path, SERVICES, verify_seconds=OFTEN) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        await context.brought_to("INTAKE")
        for log in SERVICES:
            assert (await services.get(AUDITOR, f"/v1/audit/{log}/checkpoint")).status_code == 200
            head = await services.service(log).log.head()
            told = await until(services, log, lambda verified, head=head: verified["checked"] >= head)  # type: ignore[misc]
            assert (told["mismatches"], told["first"]) == ({}, [])
            assert told["words"].startswith("verified ")
        untouched = exchanged(tmp_path, "casefile")
        told = await until(services, "casefile", lambda verified: bool(verified["mismatches"]))
        assert (told["mismatches"], told["first"]) == ({"CHANGED": 1}, [{"position": 2, "what": "CHANGED"}])
        assert told["words"].endswith(": 1 mismatch")
        metrics = (await services.get(None, "/metrics")).text
        assert 'caserelay_mismatches{log="casefile",what="CHANGED"} 1.0' in metrics
        assert 'caserelay_mismatches{log="referral",what="CHANGED"} 0.0' in metrics
        # It records and signs as before.
        await context.brought_to("INTAKE")
    async with running(tmp_path, SERVICES, verify_seconds=OFTEN) as services:
        told = await until(services, "casefile", lambda _: True)
        assert told["mismatches"] == {"CHANGED": 1}
        exchanged(tmp_path, "casefile", untouched)
        assert (await until(services, "casefile", lambda verified: not verified["mismatches"]))["first"] == []


async def test_the_log_of_who_read_what_is_verified_by_the_service_that_signs_it(tmp_path: Path) -> None:
    """Beside its own, under its own name; what was tampered with there is told like any other."""
    async with running(tmp_path, SERVICES, verify_seconds=OFTEN) as services:
        await services.set_the_scene()
        case = await CaseContext(services).brought_to("INTAKE")
        for _ in range(3):
            assert (await services.get(AUDITOR, case.path)).status_code == 200
        assert (await services.get(AUDITOR, "/v1/audit/access/checkpoint")).status_code == 200

        def standing(verified: dict[str, Any]) -> bool:
            return bool(verified["checked"] >= 3)

        assert (await until(services, "casefile", standing, of="access"))["mismatches"] == {}
        exchanged(tmp_path, "access")
        told = await until(services, "casefile", lambda verified: bool(verified["mismatches"]), of="access")
        assert told["first"] == [{"position": 2, "what": "CHANGED"}]
        answer = (await services.get(None, "/readyz")).json()["services"]
        assert answer["casefile"]["verified"]["casefile"]["mismatches"] == {}
        assert "access" not in answer["referral"]["verified"]
        assert 'caserelay_mismatches{log="access",what="CHANGED"} 1.0' in (await services.get(None, "/metrics")).text


async def test_a_verification_that_cannot_be_done_is_named_and_nothing_is_claimed(tmp_path: Path) -> None:
    """The work is failing; what was known before is told with the time at which it was."""
    async with running(tmp_path, SERVICES, verify_seconds=OFTEN) as services:
        await services.set_the_scene()
        assert (await services.get(AUDITOR, "/v1/audit/referral/checkpoint")).status_code == 200
        await until(services, "referral", lambda verified: verified["checked"] > 0)
        with closing(sqlite3.connect(tmp_path / "referral-audit.db", timeout=30)) as db, db:
            db.execute("ALTER TABLE tiles RENAME TO tiles_away")
        async with asyncio.timeout(60):
            while "referral verification" not in services.service("referral").failing():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        (await services.get(None, "/readyz")).raise_for_status()
        before = services.service("referral").verifications["referral"].at
        await asyncio.sleep(4 * OFTEN)
        assert services.service("referral").verifications["referral"].at == before


async def test_metrics_have_a_time_for_logs_that_were_never_verified(tmp_path: Path) -> None:
    """Since when it is due, so that an alert comes of one that never is; `/readyz` claims nothing."""
    began = time.time()
    async with running(tmp_path, SERVICES, verify_seconds=3600) as services:
        await services.set_the_scene()
        metrics = (await services.get(None, "/metrics")).text
        found = re.findall(r'^caserelay_verified_timestamp_seconds\{log="(.+)"\} (\S+)$', metrics, re.MULTILINE)
        assert sorted(log for log, _ in found) == ["access", "casefile", "notifications", "referral"]
        assert all(began - 1 <= float(at) <= time.time() for _, at in found)
        assert "caserelay_mismatches{" not in metrics
        answer = (await services.get(None, "/readyz")).json()["services"]
        assert [standing["verified"] for standing in answer.values()] == [{}, {}, {}]


async def test_nothing_is_verified_where_it_is_switched_off(tmp_path: Path) -> None:
    """By a pause of 0: no work of that name, and nothing told of it."""
    async with running(tmp_path, SERVICES, verify_seconds=0) as services:
        answer = (await services.get(None, "/readyz")).json()["services"]
        assert [standing["verified"] for standing in answer.values()] == [{}, {}, {}]
        assert "caserelay_verified_timestamp_seconds{" not in (await services.get(None, "/metrics")).text
        assert not [work for name in SERVICES for work in services.service(name).work() if "verification" in work]
