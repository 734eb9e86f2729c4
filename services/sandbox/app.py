"""The sandbox application: all three services, the clock's routes, and the stories that are told at the start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from contracts.barred_roles import BARRED
from contracts.fields import Body, Flag, Instant
from services.assembly import Assembly
from services.chassis.http.app import install_manners, serve_callers
from services.chassis.http.health import common_routes
from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import Authenticated
from services.chassis.http.request.mending import looks_only
from services.chassis.http.routing import Router, application, take_routes
from services.chassis.modelling.days import in_utc
from services.chassis.modelling.decider import Fault
from services.chassis.time.clock import BackwardsInTime, SandboxClock
from services.origin import Origin, describe
from services.sandbox.operations import DESCRIBED
from services.sandbox.travel import travel

LONGEST_JOURNEY = timedelta(days=2 * 366)

log = logging.getLogger(__name__)


class ClockSetting(Body):
    """Where to move the clock, and whether it stands still there; without `frozen` it stays as it was."""

    now: Instant
    frozen: Flag | None = None


class ClockReading(BaseModel):
    """Where the clock stands (RFC 3339, UTC)."""

    now: Annotated[datetime, Field(examples=["2026-01-05T08:00:00Z"])]
    frozen: bool


def clock_routes(assembly: Assembly, clock: SandboxClock) -> Router:
    """`GET` and `PUT /v1/sandbox/clock`."""
    router = Router(tags=["sandbox"])
    one_journey = asyncio.Lock()

    def reading() -> Response:
        return Response(
            to_json({"now": clock.now().astimezone(UTC), "frozen": clock.frozen}), media_type="application/json"
        )

    @router.get("/v1/sandbox/clock", response_model=ClockReading, summary="What time is it in the sandbox?")
    async def get_clock(_: Authenticated) -> Response:
        return reading()

    @router.put(
        "/v1/sandbox/clock",
        response_model=ClockReading,
        summary="Move the clock forwards; answers when everything due on the way has been processed.",
    )
    async def put_clock(request: Request, _: Authenticated, setting: ClockSetting) -> Response:
        async with one_journey:
            if setting.now > clock.now() + LONGEST_JOURNEY:
                fault = Fault(
                    "/now", "JOURNEY_TOO_LONG", "must be within two years of the clock; move it in several steps"
                )
                raise ProblemError(422, fault.code, fault.detail, errors=[fault])
            if looks_only(request):
                return reading()
            try:
                await travel(assembly.running, clock, setting.now, frozen=setting.frozen)
            except BackwardsInTime as backwards:
                raise ProblemError(
                    409,
                    "CLOCK_ONLY_FORWARDS",
                    f"the clock is at {in_utc(backwards.now)} and only moves forwards",
                ) from None
            return reading()

    return router


def sandbox_app(assembly: Assembly, clock: SandboxClock, tell: Callable[[], Awaitable[None]]) -> Origin:
    """The sandbox behind one origin. `tell` loads the demo over the public API once the services run."""
    loaded = asyncio.Event()

    async def telling() -> None:
        try:
            await tell()
        except Exception:
            # Only demo data is involved here, so the whole story of the failure may be shown.
            log.exception("the demo stories could not be loaded")
            raise
        loaded.set()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await assembly.start()
        task = asyncio.create_task(telling())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await assembly.stop()

    own = application(title="Caserelay sandbox", version="1", lifespan=lifespan)
    own.state.described = DESCRIBED
    serve_callers(own, next(iter(assembly.running.values())), assembly.telemetry, BARRED)
    take_routes(own, clock_routes(assembly, clock))
    take_routes(own, common_routes(assembly.running, assembly.telemetry, ready=loaded.is_set))
    install_manners(own, assembly.settings.body_limit, assembly.telemetry)
    describe(own, assembly.apps)
    return Origin(own, assembly.apps)
