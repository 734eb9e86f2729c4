"""A client of the public API, as the demo's people use it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

TOKEN_USE_SECONDS = 60.0


class Refusal(Exception):  # noqa: N818 - what the service answered
    """The service refused a request of the demo."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo: the staff identifier, the organisation, the role."""

    sub: str
    org: str
    role: str


class SandboxClient:
    """Sends requests as one person or another; a refusal raises Refusal with the problem's code and detail."""

    def __init__(self, url: str, token: Callable[[str, str, str], str]) -> None:
        self.url = url
        self._token = token
        # To read the system's certificates takes as long as a dozen requests, and the sandbox itself has none.
        self._http = httpx.AsyncClient(base_url=url, timeout=120.0, verify=url.startswith("https:"))
        self._tokens: dict[Person, str] = {}

    async def __aenter__(self) -> Self:
        """Waits until the server answers."""
        for _ in range(300):
            try:
                await self._http.get("/healthz")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.02)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Closes the connections."""
        await self._http.aclose()

    def token(self, person: Person) -> str:
        """A token of the person."""
        if person not in self._tokens:
            self._tokens[person] = self._token(person.sub, person.org, person.role)
        return self._tokens[person]

    async def send(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        etag: str | None = None,
        params: dict[str, str] | None = None,
    ) -> httpx.Response:
        """One request. Raises Refusal unless it succeeds."""
        headers = {"Authorization": f"Bearer {self.token(person)}"}
        if key is not None:
            headers["Idempotency-Key"] = f'"{key}"'
        if etag is not None:
            headers["If-Match"] = etag
        answer = await self._http.request(method, path, json=body, headers=headers, params=params)
        if answer.is_error:
            problem = answer.json()
            msg = f"{method} {path}: {problem.get('code')}: {problem.get('detail')}"
            raise Refusal(msg)
        return answer

    async def command(
        self, person: Person, resource: str, action: str, body: Any = None, *, wait_for: str | None = None
    ) -> httpx.Response:
        """Reads the resource for its ETag, then sends the command. `wait_for` is the Position to see first."""
        params = {"waitFor": wait_for} if wait_for else None
        read = await self.send(person, "GET", resource, params=params)
        return await self.send(person, "POST", f"{resource}/{action}", body or {}, etag=read.headers["ETag"])
