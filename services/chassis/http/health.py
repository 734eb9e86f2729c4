"""The routes `/healthz`, `/readyz` and `/metrics`, which need no token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal

from fastapi import Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from pydantic_core import to_json

from services.chassis.engines.store_health import NO_ANSWER, Unavailable
from services.chassis.http.routing import Router
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service

JSON = "application/json"
READINESS_SECONDS = 3.0
"""How long `/readyz` and `/metrics` wait for stores."""


class HealthAnswer(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class StandingAnswer(BaseModel):
    """How far a service is behind each of its sources, its parked messages, and which of its work keeps failing."""

    behind: dict[str, int]
    parked: dict[str, int]
    failing: dict[str, str]


class ReadinessAnswer(BaseModel):
    """Whether the process takes work; `unavailable` names the stores of a service that cannot be used, and why."""

    ready: bool
    services: dict[str, StandingAnswer]
    unavailable: dict[str, dict[str, str]] = {}


async def _learn(services: Mapping[str, Service]) -> None:
    await asyncio.gather(*(service.learn() for service in services.values()))


async def _standing(service: Service) -> dict[str, Any] | None:
    """How far a service has come; None when its stores do not say so in time. Anyone who asks wants to know soon."""
    if service.unavailable():
        return None
    try:
        async with asyncio.timeout(READINESS_SECONDS):
            return {
                "head": await service.log.head(),
                "behind": await service.all_behind(),
                "parked": await service.parked(),
            }
    except (Unavailable, TimeoutError):
        return None


async def _readiness(services: Mapping[str, Service], *, started: bool) -> tuple[bool, dict[str, Any]]:
    standings: dict[str, Any] = {}
    unavailable: dict[str, dict[str, str]] = {}
    all_started = started and all(service.ready for service in services.values())
    await _learn(services)
    for name, service in services.items():
        standing = await _standing(service) if all_started else None
        if lacks := service.unavailable():
            unavailable[name] = lacks
        elif standing is not None:
            standings[name] = {what: standing[what] for what in ("behind", "parked")} | {"failing": service.failing()}
        elif all_started:
            unavailable[name] = {"log": NO_ANSWER}
    if unavailable:
        return False, {"services": {}, "unavailable": unavailable}
    return all_started, {"services": standings}


def common_routes(
    services: Mapping[str, Service], telemetry: Telemetry, ready: Callable[[], bool] = lambda: True
) -> Router:
    """`/healthz`, `/readyz` and `/metrics` over the services of a process. They need no token.

    `ready` says whether the process has anything left to do before it takes work.
    """
    router = Router(tags=["operation"])
    for service in services.values():
        telemetry.stores.follow(service.stores)

    @router.get("/healthz", summary="Is the process alive?", response_model=HealthAnswer)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get(
        "/readyz",
        summary="Can the service take work, and how far behind is it?",
        response_model=ReadinessAnswer,
        responses={503: {"model": ReadinessAnswer, "description": "The service is not ready."}},
    )
    async def readyz() -> Response:
        all_ready, body = await _readiness(services, started=ready())
        return Response(to_json({"ready": all_ready, **body}), 200 if all_ready else 503, media_type=JSON)

    @router.get("/metrics", response_class=PlainTextResponse, summary="Prometheus metrics, in their text format.")
    async def metrics() -> Response:
        await _learn(services)
        for name, service in services.items():
            telemetry.deliveries.follow(name, service.tally)
            telemetry.standing(name, leads=service.leading, failing=service.work())
            if not service.ready:
                continue
            if (standing := await _standing(service)) is None:
                telemetry.unobserved(name)
            else:
                telemetry.observe(name, standing.pop("head"), **standing)
        return telemetry.exposition()

    return router
