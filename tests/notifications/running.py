"""The real service behind a real HTTP server on a free port, over a directory that outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from contracts.message import CloudEvent, Message
from services.chassis.access.identity import Verifier
from services.chassis.http.health import common_routes
from services.chassis.http.request.cursors import cursors_of
from services.chassis.http.routing import take_routes
from services.chassis.log.position import Position
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from services.chassis.time.clock import SystemClock
from services.notifications.app import build
from services.notifications.delivering.schedule import Schedule
from services.notifications.read_receipts import ReadReceipts
from services.sandbox.development_issuer import DevelopmentIssuer
from services.serve import Server
from tests.notifications.messages import Publishing

PEOPLE = {
    "vdab-gent": "AGENCY_COUNSELLOR",
    "vdab-aalst": "AGENCY_COUNSELLOR",
    "brugwerk": "NGO_COORDINATOR",
    "samenstap": "NGO_COORDINATOR",
    "rekenhof-demo": "AUDITOR",
    "caserelay-demo": "OPERATOR",
}
"""The role of an organisation's caller, unless a test says otherwise."""


class Running:
    """The service, and clients that ask it."""

    def __init__(self, app: FastAPI, server: uvicorn.Server, issuer: DevelopmentIssuer, publishing: Publishing) -> None:
        self.app = app
        self.server = server
        self.publishing = publishing
        self._issuer = issuer

    @property
    def service(self) -> Service:
        """The service itself."""
        service: Service = self.app.state.service
        return service

    @property
    def receipts(self) -> ReadReceipts:
        """What it notes of who has read what."""
        receipts: ReadReceipts = self.app.state.receipts
        return receipts

    @property
    def url(self) -> str:
        """Where it listens."""
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def token(self, org: str, role: str | None = None, lifetime: int = 3600) -> str:
        """A token of somebody of an organisation."""
        return self._issuer.issue(
            sub="somebody", org=org, role=role or PEOPLE[org], audience="caserelay", lifetime=lifetime
        )

    def client(self, org: str, role: str | None = None, lifetime: int = 3600) -> httpx.AsyncClient:
        """A client of somebody of an organisation."""
        headers = {"Authorization": f"Bearer {self.token(org, role, lifetime)}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20)

    async def abreast(self) -> None:
        """Returns once all that was published is taken in and indexed."""
        async with asyncio.timeout(10):
            for name, consumer in self.service.sources.items():
                published = await self.service.bus.published_through(consumer.topic)
                await self.service.cover(Position(name, published))

    async def tell(self, *messages: Message) -> list[CloudEvent]:
        """Publishes messages as they happen: each is taken in before the next one follows."""
        sent = []
        for message in messages:
            sent += await self.publishing.publish(message)
            await self.abreast()
        return sent

    async def get(self, org: str, role: str | None = None, **query: Any) -> httpx.Response:
        """A page of the feed, once all that was published is in it."""
        await self.abreast()
        async with self.client(org, role) as client:
            return await client.get("/v1/feed", params=query)

    async def items(self, org: str, role: str | None = None, **query: Any) -> list[dict[str, Any]]:
        """The items of such a page."""
        answer = await self.get(org, role, **query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def place(self, cursor: str) -> int:
        """The position that a cursor of the feed stands at, no matter whom it was given to."""
        opened = cursors_of(self.service).open(cursor)
        assert opened is not None
        place: int = opened[-1]
        return place

    async def seen(self, org: str, role: str | None = None) -> list[str]:
        """The ids of everything that somebody sees, in order."""
        return [item["id"] for item in await self.items(org, role, limit=200)]


@asynccontextmanager
async def running(
    directory: Path,
    *,
    stores: StoreOpener | None = None,
    heartbeat: float = 10.0,
    schedule: Schedule | None = None,
    at_work: bool = True,
    **more: Any,
) -> AsyncIterator[Running]:
    """The service over the data of a directory, until the block ends; anything else of `Settings` may be given.

    `at_work`: whether anything is done of what follows a commit.

    With `stores`, such as `MemoryStores`, only the issuer is in the directory.
    """
    # Tests say themselves when what was read is noted: what they count must not depend on the time.
    settings = Settings(data=directory, heartbeat_seconds=heartbeat, **{"receipts_seconds": 60, **more})
    stores = stores or Stores(directory)
    bus = stores.bus()
    issuer = DevelopmentIssuer(directory / "issuer")
    telemetry = Telemetry()
    verifier = Verifier(issuer, settings.audience)
    app = build(settings, stores, bus, SystemClock(), verifier, telemetry, schedule=schedule)
    take_routes(app, common_routes({"notifications": app.state.service}, telemetry))
    server = Server(app, settings, telemetry, app.state.end_streams, port=0, lifespan="off")
    if at_work:
        await app.state.service.start()
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.005)
        yield Running(app, server, issuer, Publishing(bus))
    finally:
        app.state.end_streams()
        server.should_exit = True
        await serving
        await app.state.service.stop()
        await bus.close()
