"""What declaring a route costs, and when a route that cannot work is found out."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import FastAPIError

from services.chassis.http.routing import Router, application, prepare, take_routes


async def _look(item: int) -> dict[str, int]:
    return {"item": item}


class _Opaque:
    """Nothing that a response could be made of."""


async def _broken(item: int) -> _Opaque:
    raise AssertionError(item)


def _app(endpoint: Any) -> FastAPI:
    router = Router(prefix="/v1", tags=["items"])
    router.add_api_route("/items/{item}", endpoint, methods=["GET"])
    app = application()
    take_routes(app, router)
    return app


def _analysed(app: FastAPI) -> list[bool]:
    return ["dependant" in vars(route) for route in app.routes]


def test_an_application_has_the_routes_of_a_router_themselves() -> None:
    """Prefix and tags are the router's; nothing stands between, which would analyse each of them again."""
    (route,) = _app(_look).routes
    assert (route.path, route.tags, route.methods) == ("/v1/items/{item}", ["items"], {"GET"})  # type: ignore[attr-defined]


def test_an_endpoint_is_analysed_when_something_is_first_asked_of_its_route() -> None:
    """Whether a request is for it is told without, so that an application is made in no time."""
    app = _app(_look)
    (route,) = app.routes
    scope = {"type": "http", "path": "/v1/items/7", "method": "GET"}
    assert route.matches(scope)[1]["path_params"] == {"item": "7"}
    assert _analysed(app) == [False]
    assert [field.name for field in route.dependant.path_params] == ["item"]  # type: ignore[attr-defined]
    assert _analysed(app) == [True]


def test_what_serves_has_analysed_all_endpoints_before_the_first_request() -> None:
    """No caller waits for it."""
    app = _app(_look)
    prepare(app)
    assert _analysed(app) == [True]


def test_an_endpoint_that_cannot_work_is_found_when_the_process_starts() -> None:
    """And not by the first caller; anyone who asks again is told the same."""
    app = _app(_broken)
    for _ in range(2):
        with pytest.raises(FastAPIError):
            prepare(app)


def test_what_a_route_does_not_have_is_missing_before_and_after_its_analysis() -> None:
    """Asking for it once more does not go round in circles."""
    (route,) = _app(_look).routes
    for _ in range(2):
        with pytest.raises(AttributeError, match="nothing_of_the_kind"):
            route.nothing_of_the_kind  # type: ignore[attr-defined]  # noqa: B018
