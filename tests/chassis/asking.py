"""How the chassis' tests ask the counters' service, and what a refusal has to look like."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from contracts.problem import Problem
from tests.chassis.counting import Running

NATIONAL_NUMBER = "85073003328"
SECRET = "Ameline Ferrûn"


def problem(answer: httpx.Response, status: int, code: str) -> Problem:
    """The refusal that an answer has to be; it is complete, and repeats nothing that was sent."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    read = Problem.model_validate_json(answer.content)
    assert (read.status, read.code) == (status, code)
    assert read.title
    assert read.detail
    assert read.type.startswith("urn:caserelay:problem:")
    assert SECRET not in answer.text
    assert NATIONAL_NUMBER not in answer.text
    return read


async def create(here: Running, key: str = "k1", by: int = 1, **more: Any) -> httpx.Response:
    """A new counter."""
    return await here.client.post("/v1/counters", json={"by": by, **more}, headers={"Idempotency-Key": key})


async def count_up(here: Running, name: str, etag: str, by: int = 1, key: str | None = None) -> httpx.Response:
    """One step of a counter."""
    headers = {"If-Match": etag} if key is None else {"If-Match": etag, "Idempotency-Key": key}
    return await here.client.post(f"/v1/counters/{name}/count", json={"by": by}, headers=headers)


async def raw(here: Running, method: str, path: str, headers: dict[str, str], received: Any) -> list[dict[str, Any]]:
    """What the application itself sends, without a client that tidies up after it."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    coming = [received]

    async def receive() -> Any:
        return coming.pop() if coming else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await asyncio.wait_for(here.app(scope, receive, send), 2)
    return sent
