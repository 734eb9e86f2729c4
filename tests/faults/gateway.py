"""People in front of several replicas: each request goes by its path to a service, and in turn to its replicas."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from httpx_sse import SSEError, aconnect_sse

from services.chassis.log.position import Position
from services.origin import PATHS
from tests.faults.caller import Caller, Token
from tests.support.people import INES, Person

RESTS_SECONDS: Final = 3.0
"""A replica that gave no answer is not asked for so long, while there is another one."""
SILENCE_SECONDS: Final = 4.0
"""A stream that says nothing for so long, not even that it is still there, is opened somewhere else."""
_FOLLOWS: Final = {
    "referral": ("referral", "casefile"),
    "casefile": ("casefile", "referral"),
    "notifications": ("notifications", "referral", "casefile"),
}
_LISTS: Final = {"referral": "/v1/referrals", "casefile": "/v1/cases", "notifications": "/v1/feed"}


class Gateway(Caller):
    """What a path-routing gateway does: it tries another replica where one cannot be connected to.

    A request that may have arrived is not sent again; its sender learns that no answer came.
    """

    def __init__(self, replicas: Mapping[str, Sequence[str]], token: Token, patience: float = 40.0) -> None:
        super().__init__(replicas["referral"][0], token)
        self._replicas = replicas
        self._turns = {name: itertools.cycle(range(len(urls))) for name, urls in replicas.items()}
        self._rests: dict[str, float] = {}
        self.patience = patience

    def in_turn(self, service: str) -> Iterator[str]:
        """The addresses of a service's replicas, the one whose turn it is first, those that rest last."""
        urls, first = self._replicas[service], next(self._turns[service])
        ordered = [*urls[first:], *urls[:first]]
        now = time.monotonic()
        return iter(sorted(ordered, key=lambda url: self._rests.get(url, 0.0) > now))

    async def _asked(self, method: str, path: str, **request: Any) -> httpx.Response:
        refused: Exception | None = None
        for url in self.in_turn(PATHS[path.split("/")[2]]):
            try:
                return await self._http.request(
                    method, url + path, timeout=httpx.Timeout(self.patience, connect=5.0), **request
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as failure:
                refused = failure
                self._rests[url] = time.monotonic() + RESTS_SECONDS
            except httpx.TransportError:
                self._rests[url] = time.monotonic() + RESTS_SECONDS
                raise
        raise httpx.ConnectError("no replica is there") from refused

    async def settled(self, within: float = 60.0) -> dict[str, Any]:
        """Returns what /readyz says of each replica once each has covered all logs, and none lags or fails.

        Nor waits with something that it put aside: what was done to the system has to heal by itself.
        """
        ends = time.monotonic() + within
        while True:
            heads = await self._heads(ends)
            for service, urls in self._replicas.items():
                for url in urls:
                    await self._covers(service, url, heads, ends)
            ready = await self._ready(ends)
            well = all(
                not said["failing"] and not any((*said["behind"].values(), *said["parked"].values()))
                for said in ready.values()
            )
            if well and heads == await self._heads(ends):
                return ready
            assert time.monotonic() < ends, ready
            await asyncio.sleep(0.2)

    async def _told(self, url: str, ends: float) -> httpx.Response:
        while True:
            answer = await self._http.get(url)
            if answer.status_code == 200:
                return answer
            # A replica may not have noticed yet that the database answers again.
            assert answer.status_code == 503, answer.text
            assert time.monotonic() < ends, (url, answer.text)
            await asyncio.sleep(0.2)

    async def _heads(self, ends: float) -> dict[str, int]:
        heads = dict[str, int]()
        for service, (url, *_) in self._replicas.items():
            # A replica whose database is away says nothing of it.
            while service not in heads:
                for line in (await self._told(f"{url}/metrics", ends)).text.splitlines():
                    if line.startswith("caserelay_log_head_position{"):
                        heads[service] = int(float(line.split()[1]))
                assert time.monotonic() < ends, (url, heads)
                await asyncio.sleep(0.05)
        return heads

    async def _covers(self, service: str, url: str, heads: Mapping[str, int], ends: float) -> None:
        for log in _FOLLOWS[service]:
            asked: dict[str, str | int] = {"waitFor": Position(log, heads[log]).token(), "limit": 1}
            while True:
                answer = await self._http.get(url + _LISTS[service], params=asked, headers=self.headers(INES))
                if answer.status_code == 200:
                    break
                assert answer.status_code in (503, 504), answer.text
                if time.monotonic() > ends:
                    ready = await self._ready(time.monotonic() + 10)
                    raise AssertionError((service, url, log, heads, answer.text, ready))
                await asyncio.sleep(0.05)

    async def _ready(self, ends: float) -> dict[str, Any]:
        return {
            f"{service} {number}": (await self._told(f"{url}/readyz", ends)).json()["services"][service]
            for service, urls in self._replicas.items()
            for number, url in enumerate(urls)
        }

    @asynccontextmanager
    async def subscribed(self, person: Person) -> AsyncIterator[Subscriber]:
        """Somebody listens to the stream of events as long as the block runs."""
        subscriber = Subscriber()
        listening = asyncio.create_task(self._listen(person, subscriber))
        try:
            yield subscriber
        finally:
            assert listening.cancel(), "it listened no longer"
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self, person: Person, subscriber: Subscriber) -> None:
        patience = httpx.Timeout(SILENCE_SECONDS, connect=2.0)
        async with httpx.AsyncClient(timeout=patience) as http:
            while True:
                url = next(self.in_turn("notifications"))
                headers = self.headers(person)
                if subscriber.cursor is not None:
                    headers["Last-Event-ID"] = subscriber.cursor
                with suppress(httpx.TransportError, SSEError):
                    async with aconnect_sse(http, "GET", f"{url}/v1/stream", headers=headers) as source:
                        subscriber.connections += 1
                        async for event in source.aiter_sse():
                            subscriber.heard.append(event.json()["id"])
                            subscriber.cursor = event.id
                await asyncio.sleep(0.1)


@dataclass
class Subscriber:
    """The ids of the events that came, in their order, over however many connections."""

    heard: list[str] = field(default_factory=list)
    cursor: str | None = None
    connections: int = 0

    async def hears(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Returns once as many events have come; they have to be these, in this order, each once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while len(self.heard) < len(events):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        missed = [f"{n}: {one['type']} {one['subject']}" for n, one in enumerate(events) if one["id"] not in self.heard]
        assert not missed, f"not heard over {self.connections} connections: {missed}"
        assert self.heard == [one["id"] for one in events]
