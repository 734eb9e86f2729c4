"""The FastAPI application of a service: its routes, and the manners that all services share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fastapi import FastAPI, Response
from fastapi.routing import iter_route_contexts
from pydantic_core import to_json
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.access.policy import Bars
from services.chassis.http.layers.body_limit import UNKNOWN_LIMIT, BodyLimit
from services.chassis.http.layers.fast_path import PlainRequests, PlainRoute
from services.chassis.http.layers.last_resort import LastResort
from services.chassis.http.layers.path_segments import Segments
from services.chassis.http.openapi.document import document
from services.chassis.http.openapi.operations import NOT_DESCRIBED, ApiDescription
from services.chassis.http.problems import handlers
from services.chassis.http.request.rates import Rates
from services.chassis.http.request.strict_route import StrictRoute
from services.chassis.http.routing import Router, application, take_routes
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service

JSON = "application/json"


def service_app(
    service: Service,
    *,
    title: str,
    summary: str,
    routers: Sequence[Router],
    telemetry: Telemetry,
    bars: Bars,
    plain: Sequence[PlainRoute] = (),
    described: ApiDescription = NOT_DESCRIBED,
) -> FastAPI:
    """The application of one service. The process that runs it starts and stops the service.

    `bars` are the roles that are refused everywhere; `plain` are those of its routes whose plain requests have a
    reading of their own; `described` is what its document says of its operations.
    """
    app = application(_Application, title=title, summary=summary, version="1")
    assert isinstance(app, _Application)  # noqa: S101 - made so
    app.state.described = described
    serve_callers(app, service, telemetry, bars)
    for router in routers:
        take_routes(app, router)
    install_manners(app, service.settings.body_limit, telemetry)
    if plain:
        app.answer_first(plain, service.settings.body_limit, telemetry)
    return app


def serve_callers(app: FastAPI, service: Service, telemetry: Telemetry, bars: Bars) -> None:
    """Gives an application's routes what they need to find out who calls, and whether they may, and so often."""
    settings = service.settings
    app.state.service = service
    app.state.bars = bars
    app.state.count_refusal = telemetry.refusal
    app.state.rates = Rates(settings.rate_requests, settings.rate_seconds)
    app.state.file_places = Counter()


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
    """Problems for every refusal, the body limit, request telemetry, and the OpenAPI document that says so.

    Comes after the application's routes: those that read their body themselves have no limit on it.
    """
    handlers.install(app)
    app.add_middleware(Segments)
    app.add_middleware(LastResort)
    # Behind the routers that were included, the application's own list of routes does not look.
    unlimited = {
        str(context.path)
        for context in iter_route_contexts(app.routes)
        if isinstance(route := context.original_route, StrictRoute) and route.reads_its_body
    }
    app.add_middleware(BodyLimit, limit=body_limit, unlimited=unlimited)
    telemetry.install(app)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]

    @app.get("/openapi.json", include_in_schema=False)
    async def described() -> Response:
        return Response(to_json(app.openapi()), media_type=JSON)
