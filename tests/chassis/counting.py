"""A small service for the chassis' tests: counters over HTTP, and an echo service that follows them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from contracts.barred_roles import BARRED
from contracts.message import Envelope, plain_data
from services.chassis.access.identity import Verifier
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.publisher import Publisher
from services.chassis.http.app import service_app
from services.chassis.http.health import common_routes
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.command import Changing, Creating
from services.chassis.http.request.cursors import Paged
from services.chassis.http.request.national_numbers import check_text
from services.chassis.http.request.parameters import Covered, Identifier, Limit
from services.chassis.http.response import responses
from services.chassis.http.routing import Router
from services.chassis.index.index import Changes, Table
from services.chassis.index.projection import Projection
from services.chassis.leading.leadership import Leadership
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Actor
from services.chassis.operating.supervision import FIRST_PAUSE
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.time.clock import SystemClock
from services.sandbox.development_issuer import DevelopmentIssuer
from tests.chassis.counters import COUNTER, NOW, TYPES, Close, Count, Counter, call, count, handler, translate

TOPIC = "caserelay.test.v1"
LISTED = Table("counters", columns=("org",))
SYSTEM = Actor(sub="echo", role="SYSTEM", org="echo")


class Body(BaseModel):
    """What a counter is made from; `person` may hold personal data."""

    model_config = ConfigDict(extra="forbid")

    by: Annotated[int, Field(ge=0, le=1000)]
    kind: Annotated[str, Field(pattern="^[A-Z]{1,10}$")] = "PLAIN"
    answers: dict[str, bool] = {}
    steps: list[int] = []
    contact: dict[str, Any] | None = None


@dataclass
class Running:
    """A service with its app and a client of it."""

    service: Service
    app: FastAPI
    client: httpx.AsyncClient
    trouble: Trouble


@dataclass
class Trouble:
    """What is wrong with the service's own code at the moment: raised or waited for where it derives something."""

    project: Callable[[], None] = lambda: None
    react: Callable[[Envelope], Awaitable[None]] | None = None


def project(recorded: Recorded, changes: Changes) -> None:
    """A row for every counter."""
    if recorded.stream.startswith("counter-"):
        changes.put("counters", recorded.stream, recorded.position, org=recorded.meta.actor.org)


def state_of(name: str, counter: Counter) -> dict[str, Any]:
    """A counter as answers show it."""
    return {"id": name, "total": counter.total, "closed": counter.closed}


def routes(service: Service) -> Router:
    """Creating, counting, closing and reading; and some that fail."""
    router = Router()
    counting = handler(service.streams)

    @router.post("/v1/counters", status_code=201)
    async def create(asked: Creating, body: Body) -> Response:
        check_text(body.model_dump(), skip=frozenset({"contact"}))
        name = f"counter-{asked.caller.org}-{asked.key}"
        outcome = await counting.handle(count(body.by, by=asked.actor), name, COUNTER, asked.call(), must_exist=False)
        location = f"/v1/counters/{name}"
        return responses.command_result(asked, outcome, state_of(name, outcome.state), "counters", location=location)

    @router.post("/v1/counters/{name}/count")
    async def count_up(asked: Changing, name: Identifier, body: Body) -> Response:
        command = Count(at=NOW, by=asked.actor, by_how_much=body.by)
        outcome = await counting.handle(command, name, COUNTER, asked.call())
        return responses.command_result(asked, outcome, state_of(name, outcome.state), "counters")

    @router.post("/v1/counters/{name}/close")
    async def close(asked: Changing, name: Identifier) -> Response:
        outcome = await counting.handle(Close(at=NOW, by=asked.actor), name, COUNTER, asked.call())
        return responses.command_result(asked, outcome, state_of(name, outcome.state), "counters")

    @router.get("/v1/counters/{name}")
    async def read(_: Authenticated, __: Covered, name: Identifier) -> Response:
        folded = await service.streams.fold(name, COUNTER)
        return responses.resource(state_of(name, folded.state), folded.etag)

    @router.get("/v1/counters")
    async def read_all(_: Authenticated, __: Covered, pages: Paged, limit: Limit = 50) -> Response:
        after = await pages.number()
        await service.caught_up()
        rows = await service.index.find("counters", {}, after=after, limit=limit + 1)
        more = rows[limit - 1].seq if len(rows) > limit else None
        return responses.page([{"id": row.key} for row in rows[:limit]], pages.next(more))

    @router.post("/v1/fail")
    async def fail(_: Authenticated) -> Response:
        raise LookupError("a name that must not be said")

    @router.get("/v1/fail-late")
    async def fail_late() -> Response:
        async def some() -> AsyncIterator[bytes]:
            yield b"some"
            raise LookupError("a name that must not be said")

        return StreamingResponse(some())

    return router


def issuer(directory: Path) -> DevelopmentIssuer:
    """The issuer that signs tokens for the tests."""
    return DevelopmentIssuer(directory / "issuer")


def token(
    directory: Path, *, org: str = "north", role: str = "AGENCY_COUNSELLOR", sub: str = "ann", lifetime: int = 600
) -> str:
    """A bearer token."""
    return issuer(directory).issue(sub=sub, org=org, role=role, audience="caserelay", lifetime=lifetime)


def build(
    directory: Path,
    name: str = "counters",
    *,
    trouble: Trouble | None = None,
    first_pause: float = FIRST_PAUSE,
    **settings: Any,
) -> tuple[Service, Telemetry]:
    """The counters' service, or under another name one that follows them and counts along."""
    stores, wrong = Stores(directory), trouble or Trouble()
    log = stores.event_log(name, TYPES)
    index = stores.index(name, [LISTED], 1)
    bus = stores.bus()
    streams = Streams(log)
    sources: dict[str, Consumer] = {}
    closers: list[Any] = []
    if name != "counters":
        counting = handler(streams)

        async def react(event: Envelope) -> None:
            if wrong.react is not None:
                await wrong.react(event)
            command = count(plain_data(event)["by"], by=SYSTEM)
            terms = call(SYSTEM, causation_id=event.id)
            await counting.handle(command, event.subject, COUNTER, terms, must_exist=False)

        store = stores.consumer_store(name)
        sources["counters"] = Consumer(name, TOPIC, bus, store, react)
        closers.append(store.close)

    def projected(recorded: Recorded, changes: Changes) -> None:
        wrong.project()
        project(recorded, changes)

    service = Service(
        name=name,
        settings=Settings(data=directory, **settings),
        clock=SystemClock(),
        verifier=Verifier(issuer(directory), "caserelay"),
        log=log,
        epochs=stores.epochs(name),
        streams=streams,
        vault=stores.vault(name),
        index=index,
        projection=Projection(log, index, projected),
        bus=bus,
        leadership=Leadership(stores.lease(name)),
        publisher=Publisher(log, bus, topic=TOPIC, source=f"/services/{name}", translate=translate)
        if name == "counters"
        else None,
        sources=sources,
        stores=stores.health_of(name),
        closers=closers,
        first_pause=first_pause,
    )
    return service, Telemetry()


@asynccontextmanager
async def running(directory: Path, name: str = "counters", **given: Any) -> AsyncIterator[Running]:
    """The service at work, with a client that has a token."""
    trouble = Trouble()
    service, telemetry = build(directory, name, trouble=trouble, **given)
    common = common_routes({name: service}, telemetry)
    app = service_app(
        service, title=name, summary=name, routers=[routes(service), common], telemetry=telemetry, bars=BARRED
    )
    await service.start()
    headers = {"Authorization": f"Bearer {token(directory)}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield Running(service, app, client, trouble)
    await service.stop()
    await service.bus.close()
