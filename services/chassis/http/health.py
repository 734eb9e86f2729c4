"""The routes `/healthz`, `/readyz` and `/metrics`, which need no token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from fastapi import Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from pydantic_core import to_json

from services.chassis.engines.store_health import NO_ANSWER, Unavailable
from services.chassis.http.routing import Router
from services.chassis.operating.telemetry import Telemetry
from services.chassis.operating.verification_metrics import Verified
from services.chassis.service import Service

JSON = "application/json"
READINESS_SECONDS = 3.0
"""How long `/readyz` and `/metrics` wait for stores."""


class HealthAnswer(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class PlaceAnswer(BaseModel):
    """Where a log is not what was signed, and in which way; position 0 is the log as a whole."""

    position: int
    what: str


class VerifiedAnswer(BaseModel):
    """What came of holding the whole of a log against what was signed of it, and when that was.

    `mismatches` counts what differs, by kind, and `first` names the first places.
    """

    at: datetime
    words: str
    checked: int
    mismatches: dict[str, int]
    first: list[PlaceAnswer]


class StandingAnswer(BaseModel):
    """How far a service is behind each of its sources, its parked messages, and which of its work keeps failing.

    So are stores named without which most callers are answered as ever, such as the log of who read what.
    `verified`: the last verification of each of its logs, where the process that leads has done one since it began.
    """

    behind: dict[str, int]
    parked: dict[str, int]
    failing: dict[str, str]
    verified: dict[str, VerifiedAnswer] = {}


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
            verified = {log: _in_words(each) for log, each in service.verifications.items() if each.done}
            standings[name] = {what: standing[what] for what in ("behind", "parked")}
            standings[name] |= {"failing": service.failing(), "verified": verified}
        elif all_started:
            unavailable[name] = {"log": NO_ANSWER}
    if unavailable:
        return False, {"services": {}, "unavailable": unavailable}
    return all_started, {"services": standings}


_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def _in_words(verified: Verified) -> dict[str, Any]:
    """A verification as `/readyz` shows it: anyone reads that, so positions and kinds stand there, and no case."""
    found = {what: count for what, count in verified.mismatches.items() if count}
    many = sum(found.values())
    differs = "" if not many else f": {many} mismatch{'es' if many > 1 else ''}"
    return {
        "at": datetime.fromtimestamp(verified.at, UTC),
        "words": f"verified {_ago(time.time() - verified.at)}{differs}",
        "checked": verified.checked,
        "mismatches": found,
        "first": [{"position": place.position, "what": place.what} for place in verified.first],
    }


def _ago(seconds: float) -> str:
    for length, unit in _UNITS:
        if (count := int(seconds // length)) > 0:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def common_routes(
    services: Mapping[str, Service], telemetry: Telemetry, ready: Callable[[], bool] = lambda: True
) -> Router:
    """`/healthz`, `/readyz` and `/metrics` over the services of a process. They need no token.

    `ready` says whether the process has anything left to do before it takes work.
    """
    router = Router(tags=["operation"])
    for service in services.values():
        telemetry.stores.follow((*service.stores, *service.not_for_all))

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
            telemetry.verifications.follow(name, service.verifications)
            telemetry.standing(name, leads=service.leading, failing=service.work())
            if not service.ready:
                continue
            if (standing := await _standing(service)) is None:
                telemetry.unobserved(name)
            else:
                telemetry.observe(name, standing.pop("head"), **standing)
        return telemetry.exposition()

    return router
