"""A receiver of webhooks on a free port, that answers as a test says; and subscriptions that it is told by."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from contracts.subscription_codes import SubscriptionState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.modelling.decider import Actor, Command
from services.chassis.service import Service
from services.notifications.actions import decide
from services.notifications.context import SubscriptionContexts
from services.notifications.domain import subscribing
from services.notifications.domain.lane import DeliveryState
from services.notifications.domain.subscription import (
    SUBSCRIPTION,
    Subscription,
    SubscriptionContext,
    subscription_stream,
)
from services.notifications.domain.subscription_events import Choices, Keys
from services.notifications.webhooks.signing import Secret

LEADS = {"brugwerk": "NGO_LEAD", "samenstap": "NGO_LEAD", "vdab-gent": "AGENCY_TEAM_LEAD"}
CHALLENGE = "org.caserelay.subscription.verification.v1"


@dataclass(frozen=True)
class Answer:
    """How a receiver answers: after a while, with a status and headers; None: it hangs up without a word."""

    status: int | None = 204
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0


@dataclass(frozen=True)
class Received:
    """A request that came: where, when by the loop's clock, with which headers, and the CloudEvent in it."""

    path: str
    at: float
    headers: dict[str, str]
    event: dict[str, Any]
    answer: Answer
    body: bytes
    """As it came."""

    @property
    def took(self) -> bool:
        """Whether the receiver acknowledged it."""
        return self.answer.status is not None and 200 <= self.answer.status < 300


Answering = Callable[[str, dict[str, Any]], Answer]


class Receiver:
    """Answers challenges, and everything else by `answering`, a function of path and event."""

    def __init__(self) -> None:
        self.answering: Answering = lambda _path, _event: Answer()
        self.received: list[Received] = []
        self.challenges: list[Received] = []
        self.url = ""
        self.open: Counter[str] = Counter()
        self.most_open: Counter[str] = Counter()
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def taken(self, path: str | None = None) -> list[str]:
        """The ids of the events that it acknowledged, in order."""
        return [each.event["id"] for each in self.received if each.took and path in (None, each.path)]

    def tried(self, event: str) -> int:
        """How often an event came."""
        return sum(each.event["id"] == event for each in self.received)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection."""
        serving = asyncio.current_task()
        assert serving is not None
        self._connections[serving] = writer
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(reader, writer):
                    pass
            writer.close()
        finally:
            del self._connections[serving]

    async def close(self) -> None:
        """Hangs up on everybody, also where a test failed in the midst of it: nothing of it may reach the next test."""
        connections = dict(self._connections)
        for writer in connections.values():
            writer.close()
        if connections:
            _, slow = await asyncio.wait(connections, timeout=0.1)
            for serving in slow:
                serving.cancel()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.open[path] += 1
        self.most_open[path] = max(self.open[path], self.most_open[path])
        try:
            return await self._respond(writer, path, headers, body)
        finally:
            self.open[path] -= 1

    async def _respond(self, writer: asyncio.StreamWriter, path: str, headers: dict[str, str], sent: bytes) -> bool:
        came = asyncio.get_running_loop().time()
        event = json.loads(sent)
        answer = self.answering(path, event)
        body = b""
        if event["type"] == CHALLENGE:
            self.challenges.append(Received(path, came, headers, event, answer, sent))
            if answer.status == 204:
                answer = Answer(200)
                body = json.dumps({"challenge": event["data"]["challenge"]}).encode()
        else:
            self.received.append(Received(path, came, headers, event, answer, sent))
        await asyncio.sleep(answer.after)
        if answer.status is None:
            return False
        lines = [f"HTTP/1.1 {answer.status} So", f"Content-Length: {len(body)}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        return True


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that listens until the block ends."""
    receiving = Receiver()
    server = await asyncio.start_server(receiving.answer, "127.0.0.1", 0)
    receiving.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiving
    finally:
        server.close()
        await receiving.close()


class Subscriptions:
    """Gives commands on subscriptions, as callers of the service do."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._handler = Handler[Command, SubscriptionContext](service.streams, SubscriptionContexts(), decide)

    async def subscribe(
        self, organisation: str, url: str, *, types: tuple[str, ...] | None = None, payload: str = "THIN"
    ) -> str:
        """A webhook of an organisation; its id."""
        by = Actor(sub="lead", role=LEADS[organisation], org=organisation)
        subscription = str(uuid.uuid4())
        secret, stream = Secret.drawn(), subscription_stream(subscription)
        assert self.service.vault is not None
        await self.service.vault.keep(f"{stream}.keys.1", stream, {"secret": secret.whsec, "key": secret.whsk})
        command = subscribing.CreateSubscription(
            at=self.service.clock.now(),
            by=by,
            subscription=subscription,
            organisation=organisation,
            choices=Choices(
                channel="WEBHOOK",
                url=url,
                types=types,
                payload=payload,
                digest="IMMEDIATE",
                language="en",
                time_zone="Europe/Brussels",
            ),
            keys=Keys(secret_ref=f"{stream}.keys.1", public_key=secret.whpk),
        )
        await self._handler.handle(command, stream, SUBSCRIPTION, Call(actor=by), must_exist=False)
        return subscription

    async def give(self, subscription: str, command: type[Command], **fields: Any) -> None:
        """A command of somebody who manages the subscription."""
        organisation = (await self.state(subscription)).organisation
        by = Actor(sub="lead", role=LEADS[organisation], org=organisation)
        given = command(at=self.service.clock.now(), by=by, **fields)
        await self._handler.handle(given, subscription_stream(subscription), SUBSCRIPTION, Call(actor=by))

    async def state(self, subscription: str) -> Subscription:
        """The subscription as it stands."""
        return (await self.service.streams.fold(subscription_stream(subscription), SUBSCRIPTION)).state

    async def active(self, organisation: str, url: str, **more: Any) -> str:
        """A webhook whose ownership was proven."""
        subscription = await self.subscribe(organisation, url, **more)
        await until(lambda: self._is(subscription, SubscriptionState.ACTIVE))
        return subscription

    async def _is(self, subscription: str, state: SubscriptionState) -> bool:
        return (await self.state(subscription)).state is state

    async def becomes(self, subscription: str, state: SubscriptionState) -> None:
        """Returns once it is in the state."""
        await until(lambda: self._is(subscription, state))

    async def events(self, subscription: str) -> list[Any]:
        """All that is recorded about its deliveries, in order."""
        head = await self.service.log.head()
        recorded = await self.service.log.read_all(0, head)
        return [each.event for each in recorded if each.stream.startswith(f"lane-{subscription}")]

    async def stand_at(self, subscription: str, states: dict[str, DeliveryState]) -> None:
        """Returns once the deliveries stand so."""

        async def stand() -> bool:
            return await self.stand(subscription) == states

        await until(stand)

    async def stand(self, subscription: str) -> dict[str, DeliveryState]:
        """How the delivery of each event stands."""
        states: dict[str, DeliveryState] = {}
        for event in await self.events(subscription):
            name = type(event).__name__
            if name == "DeliveryAttempted":
                states[event.delivery.event] = event.outcome
            elif name == "DeliveryWithheld":
                states[event.delivery.event] = DeliveryState.WITHHELD
        return states


async def until(holds: Callable[[], Any], seconds: float = 15.0) -> None:
    """Returns once something holds that may be awaited; fails if it does not soon."""
    async with asyncio.timeout(seconds):
        while True:
            held = holds()
            if await held if asyncio.iscoroutine(held) else held:
                return
            await asyncio.sleep(0.02)
