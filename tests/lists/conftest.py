"""All services over some thousand cases, of which half belong to the people of the tests, on each engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg
import pytest
import pytest_asyncio

from services.casefile.projection import ABSENCES, KNOWN, MENTORS
from services.chassis.time.scheduler import DEADLINES
from services.notifications.subscription_rows import SUBSCRIPTIONS
from services.referral.projection import ORGANISATIONS
from tests.casefile.cases import SERVICES, CaseContext, Told
from tests.chassis.indexing import changing
from tests.conftest import Template
from tests.support import postgres
from tests.support.crowd import Model, make_crowd
from tests.support.people import HANNE, LOTTE, VOLUNTEER
from tests.support.running import Running, running

MANY: Final = {"REFERRED": 300, "OPENED": 300, "INTAKE": 600, "CONFIRMED": 300, "MENTORING": 200, "CLOSED": 200}
"""How many cases there are in which state."""
GONE: Final = 1200
"""Cases of which the organisation may not read anything any more, all of them older than the others."""
RARE: Final = 70
"""Cases that are suspended, all of them newer than the others."""
LONG_AGO: Final = timedelta(days=90)
LATE: Final = timedelta(days=15)
AWAY: Final = 45
"""More than two pages: the list reads each, and what is only in the index stands behind them."""
GAP: Final = {"serviceKind": "CHILDCARE", "gapType": "TOO_SLOW"}


@dataclass(frozen=True)
class Crowd:
    """The services, and two of their cases."""

    running: Running
    case: Told
    gone: Told


def _others(n: int) -> dict[str, str]:
    return {} if n % 2 else {"vdab-gent": f"agency-{n % 3}", "brugwerk": f"organisation-{n % 7}"}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str | None:
    """The address of a migrated database for the tests of a file; None: its services keep files."""
    if request.param == "sqlite":
        return None
    template: Template = request.getfixturevalue("postgres_template")
    name = postgres.create(template.url, template.name)
    request.addfinalizer(lambda: postgres.drop(template.url, name))  # noqa: PT021 - only one of the two has any
    return postgres.in_database(template.url, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(tmp_path_factory: pytest.TempPathFactory, url: str | None) -> AsyncIterator[Crowd]:
    """The services do no work of their own: they only answer."""
    directory = tmp_path_factory.mktemp("crowd")
    async with running(directory, SERVICES, database_url=url) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        gone = await context.opened()
        await services.at(services.clock.now() + LONG_AGO)
        cases = {state: await context.brought_to(state) for state in (*MANY, "SUSPENDED")}
        for kind in ("CHILDCARE", "TRAINING", "COUNSELLING", "LANGUAGE_COURSE"):
            for person in (LOTTE, VOLUNTEER):
                await services.done(person, cases["MENTORING"].path, "report-gap", {**GAP, "serviceKind": kind})
        await services.at(services.clock.now() + LATE)
        away = {"substitute": "an.peeters", "until": (services.clock.now() + LATE).isoformat()}
        for n in range(AWAY):
            assert (await services.send(HANNE, "PUT", f"/v1/absences/away.{n:02}", away)).is_success
        for n in range(AWAY):
            webhook = {"channel": "WEBHOOK", "url": f"https://hooks.example.org/{n}"}
            assert (await services.create(LOTTE, "/v1/subscriptions", webhook)).is_success
        await services.settle()
    models = [_model(gone, GONE), *(_model(case, MANY.get(state, RARE)) for state, case in cases.items())]
    async with running(directory, SERVICES, database_url=url, at_work=False) as services:
        await _fill(services, directory, url, models)
        yield Crowd(services, cases["INTAKE"], gone)


def _model(case: Told, many: int) -> Model:
    return Model(case.id, case.offer.rsplit("/", 1)[1], many, _others)


async def _fill(services: Running, directory: Path, url: str | None, models: list[Model]) -> None:
    for name, service in services.services.items():
        # A message has a row for each of its readers, so fewer cases make as many rows.
        fewer = [replace(model, many=model.many // 3) for model in models] if name == "notifications" else models
        await make_crowd(directory, url, name, service.index, fewer)
    for name, table, columns in (
        ("casefile", MENTORS, ("organisation", "mentor")),
        ("casefile", ABSENCES, ("organisation", "absent")),
        ("referral", ORGANISATIONS, ("kind",)),
        ("notifications", SUBSCRIPTIONS, ("organisation",)),
        # Of a table of few rows the planner reads all, whatever its indexes.
        ("notifications", DEADLINES, ("at",)),
    ):
        index = services.service(name).index
        async with changing(index) as changes:
            for n in range(3000):
                theirs = "brugwerk" if table in (ABSENCES, SUBSCRIPTIONS) and n % 7 == 0 else f"organisation-{n % 7}"
                told = {"organisation": theirs, "kind": "AGENCY"}
                row = {column: told.get(column, f"M-{n}") for column in columns}
                # Behind those that there are, and where the log has events: behind what it has not no list goes on.
                changes.put(table.name, f"another-{n}", 1_000 + n, **row)
    async with changing(services.service("casefile").index) as changes:
        for n in range(3000):
            changes.put(KNOWN.name, f"another-{n}", 1_000_000 + n, suspended=None)
    for service in services.services.values():
        if service.publisher is not None:
            # All that the crowd would tell is in the logs and indexes of those who follow: to publish it, and to take
            # it in event by event, took a test minutes, or for ever on a busy machine.
            await service.bus.publish(service.publisher.topic, [], await service.log.head())
    if url is not None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
