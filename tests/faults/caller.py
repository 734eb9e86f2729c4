"""People sending requests to a running program, and reading what it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import httpx

from services.sandbox.client import Refusal
from services.sandbox.demo import set_the_scene
from tests.support.people import OPERATOR, Person

Token = Callable[[Person], str]


async def until(condition: Callable[[], Awaitable[bool]], within: float = 30.0) -> None:
    """Returns once the condition holds; fails when it takes longer than that many seconds."""
    ends = time.monotonic() + within
    while True:
        if await condition():
            return
        assert time.monotonic() < ends
        await asyncio.sleep(0.05)


class Caller:
    """Requests to one address in the name of anybody."""

    def __init__(self, url: str, token: Token) -> None:
        self.url = url
        self._token = token
        self._tokens: dict[Person, str] = {}
        self._http = httpx.AsyncClient(base_url=url, timeout=60)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Closes the connections."""
        await self._http.aclose()

    def headers(self, person: Person) -> dict[str, str]:
        """What says who asks."""
        if person not in self._tokens:
            self._tokens[person] = self._token(person)
        return {"Authorization": f"Bearer {self._tokens[person]}"}

    async def send(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        etag: str | None = None,
        **params: Any,
    ) -> httpx.Response:
        """One request, whatever comes of it. Raises httpx.TransportError when no answer came."""
        headers = self.headers(person)
        if key is not None:
            headers["Idempotency-Key"] = key
        if etag is not None:
            headers["If-Match"] = etag
        return await self._asked(method, path, json=body, headers=headers, params=params)

    async def _asked(self, method: str, path: str, **request: Any) -> httpx.Response:
        return await self._http.request(method, path, **request)

    async def probe(self, path: str) -> httpx.Response:
        """One of the routes that take no token."""
        return await self._asked("GET", path)

    async def done(
        self, person: Person, path: str, body: Any = None, *, key: str | None = None, etag: str | None = None
    ) -> httpx.Response:
        """A POST that has to succeed."""
        answer = await self.send(person, "POST", path, {} if body is None else body, key=key, etag=etag)
        assert answer.is_success, answer.text
        return answer

    async def read(self, person: Person, path: str, **params: Any) -> Any:
        """What a GET answers that has to succeed."""
        answer = await self.send(person, "GET", path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def listed(self, person: Person, path: str, **params: Any) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.read(person, path, limit=200, **cursor, **params)
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = {"cursor": page["next"]}

    async def feed(self, person: Person, after: str | None = None) -> tuple[list[dict[str, Any]], str]:
        """All that the feed holds for a person behind a cursor, and the cursor to go on from."""
        events: list[dict[str, Any]] = []
        while True:
            page = await self.read(person, "/v1/feed", limit=200, **({} if after is None else {"after": after}))
            events += page["items"]
            after = page["next"]
            if len(page["items"]) < 200:
                return events, str(after)

    async def set_the_scene(self) -> None:
        """Sets the demo's scene, where that was not done before: without a charter where no service has any."""
        there = await self.send(OPERATOR, "GET", "/v1/charters")
        await set_the_scene(Scene(self), charter=there.status_code == 200)

    async def settled(self, within: float = 60.0) -> dict[str, Any]:
        """Returns what /readyz says of each service once nobody lags behind anybody."""
        until, quiet = time.monotonic() + within, 0
        while True:
            answer = (await self._http.get("/readyz")).json()
            ready: dict[str, Any] = answer["services"]
            lags = any(lag for service in ready.values() for lag in service["behind"].values())
            # Twice: while one service was looked at, another may have sent it something.
            quiet = quiet + 1 if answer["ready"] and not lags else 0
            if quiet == 2:
                return ready
            assert time.monotonic() < until, ready
            await asyncio.sleep(0.05)


class Scene:
    """Sends the requests of the demo's scene as a caller does, and so to whatever answers that one."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def send(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: dict[str, str] | None = None,
    ) -> httpx.Response:
        """See `services.sandbox.demo.Client`."""
        answer = await self._caller.send(person, method, path, body, **(params or {}))
        if answer.is_error:
            raise Refusal(answer.text)
        return answer

    async def command(self, person: Person, resource: str, action: str) -> httpx.Response:
        """See `services.sandbox.demo.Client`."""
        etag = (await self.send(person, "GET", resource)).headers["ETag"]
        return await self._caller.done(person, f"{resource}/{action}", etag=etag)
