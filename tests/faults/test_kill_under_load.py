"""SIGKILL at random moments under load: what was acknowledged is there, exactly once, wherever anybody looks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.evidence import (
    Evidence,
    files_are_sound,
    logs_in_database_are_sound,
    streams_are_contiguous,
    vault_holds,
)
from tests.faults.load import Clients
from tests.faults.processes import Program
from tests.faults.signed import Witnessed, rows_are_as_signed
from tests.support.people import OPERATOR
from tests.support.repetitions import in_full, times

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

CLIENTS = 12
REST_SECONDS = 0.1
"""Between two referrals of one client, where a start takes seconds: the load is to be looked through afterwards."""
SET_UPS = [
    pytest.param(("serve", "all"), "files", times(200), id="production"),
    pytest.param(("sandbox", "--empty"), "files", times(50), id="sandbox"),
    pytest.param(("serve", "all"), "servers", in_full(30, short=5), id="production on servers"),
]
MORE_SET_UPS = [pytest.param(("sandbox", "--empty"), "servers", 20, id="sandbox on servers")]
"""Left out of CI, where the others have these kills too."""

log = logging.getLogger(__name__)


@pytest.mark.timeout(times(4200))
@pytest.mark.parametrize(("arguments", "engines", "kills"), in_full(SET_UPS + MORE_SET_UPS, short=SET_UPS))
async def test_every_acknowledged_command_is_there_exactly_once_after_kills_at_random_moments(
    program: Start,
    caller: Callable[[Program], Caller],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    arguments: tuple[str, ...],
    engines: str,
    kills: int,
) -> None:
    """In the referral's record, on the case's timeline and in both feeds; and nothing that nobody sent is there.

    And no log that was signed contradicts any checkpoint that somebody saw meanwhile.
    """
    settings = on_servers(request) if engines == "servers" else {}
    signed = {"audit_state": str(tmp_path / "signed")}
    two = {} if settings else {"processes": "2"}
    victim, chance = program(*arguments, **two, **settings, **signed), random.Random(random.getrandbits(32))
    if settings and not victim.is_sandbox:
        await program("bus", "topics", **settings).ends()
    await victim.start()
    async with caller(victim) as people:
        if victim.is_sandbox:
            await people.send(OPERATOR, "PUT", "/v1/sandbox/clock", {"now": "2026-01-12T09:30:00Z"})
        else:
            await people.set_the_scene()
        clients = Clients(people, chance, REST_SECONDS if settings else 0.0)
        working = asyncio.create_task(clients.work(CLIENTS))
        auditor = Witnessed(people)
        watching = asyncio.create_task(auditor.watch())
        for _ in range(kills):
            await asyncio.wait([working], timeout=chance.uniform(0.0, 0.7))
            if working.done():
                break
            victim.kill()
            victim.launch()
            # Alive is enough: the next kill may well meet it while it is still catching up.
            await victim.answers("/healthz")
        clients.end()
        await working
        watching.cancel()
        told = clients.told

        evidence = await Evidence.gathered(people)
        evidence.holds_what_was_acknowledged(told)
        evidence.holds_nothing_twice()
        evidence.agrees_everywhere()
        evidence.has_one_live_referral_per_person(told)
        await evidence.answers_a_repeat_as_before(people, told, chance)
        assert all(not any(service["parked"].values()) for service in evidence.ready.values()), evidence.ready
        assert all(not service["failing"] for service in evidence.ready.values()), evidence.ready
        checkpoints = await auditor.have_one_history()
    await victim.stop()
    await asyncio.to_thread(rows_are_as_signed, victim, **signed, **settings)
    if settings:
        logs_in_database_are_sound(settings["database_url"])
        assert not list(victim.data.glob("*.db"))
    else:
        files_are_sound(victim.data)
        streams_are_contiguous(victim.data)
        vault_holds(victim.data, evidence.referrals)
    log.info(
        "%d kills, %d commands acknowledged, %d checkpoints seen; answers: %s",
        kills,
        told.commands,
        checkpoints,
        dict(told.counted),
    )


def on_servers(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings with which the program stands on PostgreSQL and Kafka."""
    names = ("database_url", "kafka_servers", "kafka_prefix")
    return {name: request.getfixturevalue(name) for name in names}
