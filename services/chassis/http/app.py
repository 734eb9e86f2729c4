"""The FastAPI application of a service: its routes, the four common ones, and the manners that all share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.access.identity import Unauthenticated
from services.chassis.engines.store_health import NO_ANSWER, Unavailable
from services.chassis.http import problems
from services.chassis.http.openapi.described import NOT_DESCRIBED, Described, HealthAnswer, ReadinessAnswer
from services.chassis.http.openapi.document import document
from services.chassis.http.paths import Segments
from services.chassis.http.plain import PlainRequests, PlainRoute, declared_length
from services.chassis.http.problems import ProblemError
from services.chassis.http.rates import Rates
from services.chassis.http.routing import Router, application
from services.chassis.operating.telemetry import Limit, Telemetry
from services.chassis.service import Service

JSON = "application/json"
ASKED_SECONDS = 3.0
"""How long `/readyz` and `/metrics` wait for stores."""


UNKNOWN_LIMIT: Final = 65_536
"""Bytes of a body that are taken before it is known who sends them: memory is for those who may use it."""


class BodyLimit:
    """Refuses request bodies over the limit with 413, also those that come in chunks without a length.

    Of somebody who is not known it takes no long body at all: 401.
    """

    def __init__(self, app: ASGIApp, *, limit: int, unlimited: frozenset[str]) -> None:
        self._app = app
        self._limit = limit
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] in self._unlimited:
            await self._app(scope, receive, send)
            return
        length = declared_length(scope)
        told = self._limit + 1 if length is None else length
        if (objection := await self._objection(scope, 0, told)) is not None:
            await self._refuse(objection, scope, receive, send)
            return
        received, answered = 0, False
        objections: list[ProblemError | Unauthenticated] = []

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            before, received = received, received + len(message.get("body", b""))
            if (objection := await self._objection(scope, max(before, told), received)) is not None:
                objections.append(objection)
                raise objection
            return message

        async def in_time(message: Message) -> None:
            nonlocal answered
            # The framework takes whatever stops a body from being read for a body that cannot be read.
            if answered or not objections:
                answered = True
                await send(message)

        await self._app(scope, counted, in_time)
        if not answered:
            await self._refuse(objections[0] if objections else self._refusal(), scope, receive, send)

    async def _objection(self, scope: Scope, before: int, now: int) -> ProblemError | Unauthenticated | None:
        """What is held against a body that was so long before and is so long now."""
        if now > self._limit:
            return self._refusal()
        return await _stranger(scope) if before <= UNKNOWN_LIMIT < now else None

    def _refusal(self) -> ProblemError:
        detail = f"a body has at most {self._limit} bytes; many referrals go to /v1/referrals/bulk, a line each"
        return ProblemError(413, "BODY_TOO_LARGE", detail)

    async def _refuse(
        self, refusal: ProblemError | Unauthenticated, scope: Scope, receive: Receive, send: Send
    ) -> None:
        await problems.response_to(problems.as_problem(refusal), Request(scope))(scope, receive, send)


async def _stranger(scope: Scope) -> Unauthenticated | None:
    """The refusal of somebody who is not known; None also where nobody has to be."""
    service: Service | None = getattr(scope["app"].state, "service", None)
    try:
        if service is not None:
            await service.verifier.authenticate(Request(scope).headers.get("authorization"))
    except Unauthenticated as refusal:
        return refusal
    return None


class LastResort:
    """Answers 500 for what nobody expected. The framework's own would raise it again, for the server to print it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = False

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            # Nobody is left to be answered.
            return
        except Exception as error:  # noqa: BLE001 - the edge is where failures end
            answer = problems.last_resort(error, Request(scope))
            if not answered:
                await answer(scope, receive, send)


async def _standing(service: Service) -> dict[str, Any] | None:
    """How far a service has come; None when its stores do not say so in time. Anyone who asks wants to know soon."""
    if service.unavailable():
        return None
    try:
        async with asyncio.timeout(ASKED_SECONDS):
            return {
                "head": await service.log.head(),
                "behind": await service.all_behind(),
                "parked": await service.parked(),
            }
    except (Unavailable, TimeoutError):
        return None


async def _readiness(services: Mapping[str, Service], *, started: bool) -> tuple[bool, dict[str, Any]]:
    told: dict[str, Any] = {}
    unavailable: dict[str, dict[str, str]] = {}
    all_started = started and all(service.ready for service in services.values())
    for name, service in services.items():
        standing = await _standing(service) if all_started else None
        if lacks := service.unavailable():
            unavailable[name] = lacks
        elif standing is not None:
            told[name] = {what: standing[what] for what in ("behind", "parked")} | {"failing": service.failing()}
        elif all_started:
            unavailable[name] = {"log": NO_ANSWER}
    if unavailable:
        return False, {"services": {}, "unavailable": unavailable}
    return all_started, {"services": told}


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
        summary="Can the service take work, and how far behind is what follows from it?",
        response_model=ReadinessAnswer,
        responses={503: {"model": ReadinessAnswer, "description": "It does not take work, or not yet."}},
    )
    async def readyz() -> Response:
        all_ready, body = await _readiness(services, started=ready())
        return Response(to_json({"ready": all_ready, **body}), 200 if all_ready else 503, media_type=JSON)

    @router.get("/metrics", response_class=PlainTextResponse, summary="Prometheus metrics, in their text format.")
    async def metrics() -> Response:
        for name, service in services.items():
            telemetry.standing(name, leads=service.leadership.leading, failing=service.work())
            if not service.ready:
                continue
            if (standing := await _standing(service)) is None:
                telemetry.unobserved(name)
            else:
                telemetry.observe(name, standing.pop("head"), **standing)
        return telemetry.exposition()

    return router


def service_app(
    service: Service,
    *,
    title: str,
    summary: str,
    routers: Sequence[Router],
    telemetry: Telemetry,
    plain: Sequence[PlainRoute] = (),
    described: Described = NOT_DESCRIBED,
) -> FastAPI:
    """The application of one service. Whoever runs the process starts and stops the service.

    `plain` are those of its routes whose plain requests have a reading of their own; `described` is what its document
    says of its operations.
    """
    app = application(_Application, title=title, summary=summary, version="1")
    assert isinstance(app, _Application)  # noqa: S101 - made so
    app.state.described = described
    serve_callers(app, service, telemetry)
    for router in routers:
        app.include_router(router)
    install_manners(app, service.settings.body_limit, telemetry)
    if plain:
        app.answer_first(plain, service.settings.body_limit, telemetry)
    return app


def serve_callers(app: FastAPI, service: Service, telemetry: Telemetry) -> None:
    """Gives an application what its routes find out with who calls, and whether they may call so often."""
    settings = service.settings
    app.state.service = service
    app.state.count_refusal = telemetry.refusal
    app.state.rates = Rates(settings.rate_requests, settings.rate_seconds, lambda: telemetry.refused(Limit.RATE))


class _Application(FastAPI):
    """An application that may have plain routes, which are asked before its own layers."""

    _entry: ASGIApp | None = None

    def answer_first(self, plain: Sequence[PlainRoute], body_limit: int, telemetry: Telemetry) -> None:
        routes = {(route.method, route.path): route for route in plain}
        # Longer bodies are for the layers, which look at who sends them first.
        longest = min(body_limit, UNKNOWN_LIMIT)
        self._entry = PlainRequests(self, super().__call__, routes, longest, telemetry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._entry or super().__call__)(scope, receive, send)


def install_manners(app: FastAPI, body_limit: int, telemetry: Telemetry) -> None:
    """Problems for every refusal, the body limit, request telemetry, and the OpenAPI document that says so."""
    problems.install(app)
    app.add_middleware(Segments)
    app.add_middleware(LastResort)
    app.add_middleware(BodyLimit, limit=body_limit, unlimited=frozenset({"/v1/referrals/bulk"}))
    telemetry.install(app)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]

    @app.get("/openapi.json", include_in_schema=False)
    async def described() -> Response:
        return Response(to_json(app.openapi()), media_type=JSON)
