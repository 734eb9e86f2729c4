"""Services running in the test's own process, and the people of the tests sending them requests.

The real applications over real stores; what is missing is the network, and `listening` adds that where it matters.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.chassis.access.identity import Verifier
from services.chassis.delivery.bus import Bus
from services.chassis.http.app import install_manners
from services.chassis.http.health import common_routes
from services.chassis.http.routing import application, take_routes
from services.chassis.memory_stores import MemoryStores
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from services.chassis.time.clock import Clock, SandboxClock
from services.origin import Origin, describe
from services.sandbox.charter import CHARTER, VERSION
from services.sandbox.demo import LEADS, ORGANISATIONS, PROGRAMME, PROGRAMME_VERSION
from services.sandbox.development_issuer import DevelopmentIssuer
from services.sandbox.travel import settle, travel
from services.serve import Server
from tests.support import known_routes
from tests.support.dates import MONDAY
from tests.support.people import OPERATOR, Person

if find_spec("sniffio") is None:
    # httpx looks for it at each request, along the whole path, which takes as long as a small answer: this says no.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

IN_PROCESS: Final = "http://caserelay.test"
Build = Callable[[Settings, StoreOpener, Bus, Clock, Verifier, Telemetry], FastAPI]


@dataclass(kw_only=True)
class Running:
    """Services, their frozen clock, and requests to them. `url` is where they listen, if they do."""

    directory: Path
    settings: Settings
    stores: StoreOpener
    origin: Origin
    apps: Mapping[str, FastAPI]
    clock: SandboxClock
    issuer: DevelopmentIssuer
    http: httpx.AsyncClient
    url: str | None = None
    _tokens: dict[Person, str] = field(default_factory=dict)
    _versions: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Mapping[str, Service]:
        """The services behind the applications, by name."""
        return {name: app.state.service for name, app in self.apps.items()}

    def service(self, name: str) -> Service:
        """One of them."""
        return self.services[name]

    def token(self, person: Person) -> str:
        """The person's bearer token."""
        if person not in self._tokens:
            self._tokens[person] = self.issuer.issue(
                sub=person.sub, org=person.org, role=person.role, audience=self.settings.audience
            )
        return self._tokens[person]

    def headers(self, person: Person | None, *, key: str | None = None, etag: str | None = None) -> dict[str, str]:
        """The headers of a request: who asks, under which idempotency key, having read which version."""
        headers = {} if person is None else {"Authorization": f"Bearer {self.token(person)}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        if etag is not None:
            headers["If-Match"] = etag
        return headers

    async def send(
        self,
        person: Person | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        etag: str | None = None,
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request, whatever comes of it. `content` is sent as it is, in the place of `body`."""
        sent = {**self.headers(person, key=key, etag=etag), **(headers or {})}
        if content is not None:
            sent = {"Content-Type": "application/json", **sent}
        request = self._request(method, path, content=content, json=body, headers=sent, params=params or None)
        answer = await (self.http.send(request) if self.url else in_process(self.origin, request))
        self._note_version(answer, path, params or {})
        return answer

    def _request(self, method: str, path: str, **given: Any) -> httpx.Request:
        if self.url:
            return self.http.build_request(method, path, **given)
        # Without the cookies, redirects and defaults of a client, which cost as much as a small answer.
        return httpx.Request(method, f"{IN_PROCESS}{path}" if path.startswith("/") else path, **given)

    def _note_version(self, answer: httpx.Response, path: str, params: Mapping[str, Any]) -> None:
        # An earlier state has an ETag too, and nobody acts on it.
        if (etag := answer.headers.get("ETag")) is None or not params.keys() <= {"waitFor"}:
            return
        if answer.request.method == "POST":
            path = answer.headers.get("Location") or path.rpartition("/")[0]
        self._versions[path] = etag

    async def get(self, person: Person | None, path: str, **params: Any) -> httpx.Response:
        """Reads something."""
        return await self.send(person, "GET", path, params=params)

    async def read(self, person: Person, path: str, **params: Any) -> Any:
        """What a successful GET answers."""
        answer = await self.get(person, path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def create(
        self, person: Person, path: str, body: Any, *, key: str | None = None, **params: Any
    ) -> httpx.Response:
        """A POST that makes something new, under a key of its own unless one is given."""
        return await self.send(person, "POST", path, body, key=key or str(uuid.uuid4()), params=params)

    async def command(
        self,
        person: Person,
        resource: str,
        action: str,
        body: Any = None,
        *,
        etag: str | None = None,
        key: str | None = None,
        **params: Any,
    ) -> httpx.Response:
        """Sends the command with the ETag that is given, or else with that of the resource as it is now."""
        path, body = f"{resource}/{action}", {} if body is None else body
        known = etag or self._versions.get(resource) or await self.version(person, resource)
        answer = await self.send(person, "POST", path, body, etag=known, key=key, params=params)
        if answer.status_code == 412 and etag is None:
            # It has moved since anybody here read it: time passed, or a message came.
            now = await self.version(person, resource)
            answer = await self.send(person, "POST", path, body, etag=now, key=key, params=params)
        return answer

    async def version(self, person: Person, resource: str) -> str | None:
        """The ETag of a resource as somebody reads it now; None where they read nothing."""
        etag: str | None = (await self.get(person, resource)).headers.get("ETag")
        return etag

    async def done(
        self, person: Person, resource: str, action: str, body: Any = None, **options: Any
    ) -> httpx.Response:
        """A command that has to succeed."""
        answer = await self.command(person, resource, action, body, **options)
        assert answer.status_code == 200, answer.text
        return answer

    def vault_rows(self, service: str) -> list[tuple[str, bytes]]:
        """All that a service's vault keeps, past the vault itself: every reference and the bytes under it."""
        if isinstance(self.stores, MemoryStores):
            return self.stores.vaults[service].rows()
        with closing(sqlite3.connect(self.directory / f"{service}-vault.db")) as db:
            return db.execute("SELECT ref, record FROM records ORDER BY ref").fetchall()

    async def at(self, to: datetime) -> None:
        """Moves the clock: what falls due on the way happens, each at its own time, and reaches every service."""
        await travel(self.services, self.clock, to, frozen=True)

    async def settle(self) -> None:
        """Returns once all that was recorded has reached every service, and so has what followed from it."""
        await settle(self.services)

    async def set_the_scene(self) -> None:
        """Publishes the demo's programme and organisations, and another agency."""
        described = {
            **ORGANISATIONS,
            "actiris-demo": {"name": "Actiris (demo)", "kind": "AGENCY", "programmes": [PROGRAMME]},
        }
        published = await self.send(OPERATOR, "PUT", f"/v1/programmes/{PROGRAMME}/versions/1", PROGRAMME_VERSION)
        assert published.status_code == 200, published.text
        for organisation, description in described.items():
            answer = await self.send(OPERATOR, "PUT", f"/v1/organisations/{organisation}", description)
            assert answer.status_code == 200, answer.text
        if "casefile" in self.apps:
            await self._agree_on_the_charter()

    async def _agree_on_the_charter(self) -> None:
        path = f"/v1/charters/{VERSION}"
        written = await self.send(OPERATOR, "PUT", path, CHARTER)
        assert written.status_code == 200, written.text
        await self.settle()
        for lead in LEADS:
            await self.done(lead, path, "sign")


async def in_process(app: ASGIApp, request: httpx.Request) -> httpx.Response:
    """What an application in this process answers."""
    answer = await httpx.ASGITransport(app).handle_async_request(request)
    answer.request = request
    await answer.aread()
    return answer


@asynccontextmanager
async def running(
    directory: Path,
    builds: Mapping[str, Build],
    *,
    stores: StoreOpener | None = None,
    since: datetime = MONDAY,
    at_work: bool = True,
    **settings: Any,
) -> AsyncIterator[Running]:
    """The services over the data of a directory until the block ends; opened again, they go on from there.

    With `stores`, such as `MemoryStores`, only the clock and the issuer are in the directory.

    Their clock stands still, at `since` if the directory is new. Unless they are `at_work`, they only answer requests.
    Anything else of `Settings` may be given.
    """
    set_up = Settings(data=directory, **settings)
    issuer, clock = DevelopmentIssuer(directory / "issuer"), SandboxClock(directory / "sandbox-clock.json")
    clock.move(max(since, clock.now()), frozen=True)
    stores, telemetry = stores or Stores.of(set_up), Telemetry()
    bus, verifier = stores.bus(), Verifier(issuer, set_up.audience)
    apps = {name: build(set_up, stores, bus, clock, verifier, telemetry) for name, build in builds.items()}
    for app in apps.values():
        known_routes.take_over(app)
    services = {name: app.state.service for name, app in apps.items()}
    own = application(title="Caserelay", version="1")
    take_routes(own, common_routes(services, telemetry))
    install_manners(own, set_up.body_limit, telemetry)
    describe(own, apps)
    origin = Origin(own, apps)
    for service in services.values() if at_work else ():
        await service.start()
    http = httpx.AsyncClient(transport=httpx.ASGITransport(origin), base_url=IN_PROCESS, timeout=60)
    try:
        yield Running(
            directory=directory,
            settings=set_up,
            stores=stores,
            origin=origin,
            apps=apps,
            clock=clock,
            issuer=issuer,
            http=http,
        )
    finally:
        for app in apps.values():
            known_routes.keep(app)
        await http.aclose()
        for service in services.values():
            await service.stop()
        await bus.close()


@asynccontextmanager
async def listening(quiet: Running) -> AsyncIterator[Running]:
    """The same services behind a real HTTP server on a free port, for what only a network shows."""
    server = Server(quiet.origin, quiet.settings, Telemetry(), lambda: None, port=0, lifespan="off")
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.005)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            yield Running(
                directory=quiet.directory,
                settings=quiet.settings,
                stores=quiet.stores,
                origin=quiet.origin,
                apps=quiet.apps,
                clock=quiet.clock,
                issuer=quiet.issuer,
                http=http,
                url=url,
            )
    finally:
        server.should_exit = True
        await serving


@contextmanager
def in_a_thread(directory: Path, builds: Mapping[str, Build]) -> Iterator[Running]:
    """The services with the demo's scene, listening, in a thread with a loop of its own: for tests that have none.

    Of what is given, `url`, `token` and `headers` may be used.
    """
    given: queue.Queue[Running | BaseException] = queue.Queue()
    stops: list[Callable[[], object]] = []

    async def serve() -> None:
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(over.set))
        async with running(directory, builds) as quiet:
            await quiet.set_the_scene()
            async with listening(quiet) as served:
                given.put(served)
                await over.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as failure:  # noqa: BLE001 - it is raised where somebody waits
            given.put(failure)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        served = given.get(timeout=60)
        if isinstance(served, BaseException):
            raise served
        yield served
    finally:
        for stop in stops:
            stop()
        thread.join(60)
