"""Callers who manage subscriptions over HTTP."""

from __future__ import annotations

import itertools
from typing import Any, Final

import httpx
from msgspec.structs import replace

from services.chassis.deciding.handler import Call, Handler
from services.chassis.modelling.decider import Command
from services.chassis.vault.vault import Vault
from services.notifications.actions import decide
from services.notifications.context import SubscriptionContexts
from services.notifications.domain.subscription import (
    SUBSCRIPTION,
    Subscription,
    SubscriptionContext,
    subscription_stream,
)
from tests.notifications.running import Running
from tests.notifications.subscriptions import PROVEN

PATH: Final = "/v1/subscriptions"
ENDPOINT: Final = {"channel": "WEBHOOK", "url": "https://hooks.example.org/caserelay?team=gent"}
PERSON: Final = {"sub": "somebody", "role": "NGO_COORDINATOR"}
MAILBOX: Final = {"channel": "EMAIL", "address": "lotte.maes@brugwerk.example.org", "person": PERSON}
MAIL_SERVER: Final = "smtp://127.0.0.1:2525"
_keys: Final = (f'"subscriber-{number}"' for number in itertools.count(1))


def stream_of(path: str) -> str:
    """The stream of a subscription, by its path."""
    return subscription_stream(path.rpartition("/")[2])


class Subscriber:
    """Somebody of an organisation, in a role, who manages its subscriptions."""

    def __init__(self, system: Running, org: str = "brugwerk", role: str = "NGO_COORDINATOR") -> None:
        self.system = system
        self.org = org
        self.role = role

    async def send(self, method: str, path: str, body: Any = None, /, **headers: str) -> httpx.Response:
        """One request, with an idempotency key of its own unless a test gives one."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "POST":
            named.setdefault("Idempotency-Key", next(_keys))
        async with self.system.client(self.org, self.role) as client:
            return await client.request(method, path, json=body, headers=named)

    async def create(self, body: Any = None, /, **headers: str) -> httpx.Response:
        """Asks for a subscription."""
        return await self.send("POST", PATH, ENDPOINT if body is None else body, **headers)

    async def created(self, body: Any = None, /) -> str:
        """The path of a new one."""
        answer = await self.create(body)
        assert answer.status_code == 201, answer.text
        path: str = answer.headers["Location"]
        return path

    async def read(self, path: str) -> dict[str, Any]:
        """A resource that is there."""
        answer = await self.send("GET", path)
        assert answer.status_code == 200, answer.text
        read: dict[str, Any] = answer.json()
        return read

    async def etag(self, path: str) -> str:
        """The version that it is at."""
        etag: str = (await self.send("GET", path)).headers["ETag"]
        return etag

    async def act(self, path: str, action: str, body: Any = None, /, **headers: str) -> httpx.Response:
        """An action on the version that it is at; what becomes of a challenge may be recorded in between."""
        while True:
            matched = {"If_Match": await self.etag(path)} | headers
            answer = await self.send("POST", f"{path}/{action}", {} if body is None else body, **matched)
            if answer.status_code != 412 or "If_Match" in headers:
                return answer

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        """Ends the version that it is at."""
        headers.setdefault("If_Match", await self.etag(path))
        return await self.send("DELETE", path, **headers)

    async def proven(self, body: Any = None, /) -> str:
        """The path of a subscription whose challenge was answered."""
        path = await self.created(body)
        await self.happens(path, PROVEN)
        return path

    async def happens(self, path: str, command: Command) -> None:
        """What delivers gives a command on it."""
        streams = self.system.service.streams
        handler = Handler[Command, SubscriptionContext](streams, SubscriptionContexts(), decide)
        now = replace(command, at=self.system.service.clock.now())
        await handler.handle(now, stream_of(path), SUBSCRIPTION, Call(actor=command.by))

    async def state(self, path: str) -> Subscription:
        """What its events make of it."""
        return (await self.system.service.streams.fold(stream_of(path), SUBSCRIPTION)).state

    @property
    def vault(self) -> Vault:
        """The vault of the service."""
        vault = self.system.service.vault
        assert vault is not None
        return vault
