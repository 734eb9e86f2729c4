"""Routers and applications, all of whose routes are strict and tell all faults of a request at once."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI

from services.chassis.http.request.all_faults import WithAllFaults
from services.chassis.http.request.strict_route import StrictRoute


class Router(APIRouter):
    """A router whose routes are strict."""

    def __init__(self, **given: Any) -> None:
        super().__init__(route_class=WithAllFaults, redirect_slashes=False, **given)


def application(kind: type[FastAPI] = FastAPI, **given: Any) -> FastAPI:
    """An application whose own routes are strict.

    A path with a slash too many is not there: a redirect would name whatever host the caller says it has asked.
    """
    # What says nothing of its kind is taken as what the route takes; what says something wrong is not.
    app = kind(
        redirect_slashes=False, strict_content_type=False, openapi_url=None, docs_url=None, redoc_url=None, **given
    )
    app.router.route_class = WithAllFaults
    return app


def take_routes(app: FastAPI, router: Router) -> None:
    """Gives an application the routes of a router as they are: prefix and tags are the router's own.

    FastAPI's `include_router` would analyse each of them once more, which is half of what a start costs.
    """
    app.routes.extend(router.routes)


def prepare(app: FastAPI) -> None:
    """Analyses the endpoints of an application now, so that no caller waits for it. Raises what is wrong with one."""
    for route in app.routes:
        if isinstance(route, StrictRoute):
            route.app  # noqa: B018 - asking makes it
